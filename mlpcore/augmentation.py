"""Small random changes to training images, so that a model sees each of them a little differently in every epoch."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_ROTATION = math.radians(10)
MAX_SHIFT = 2 / 28
"""Two pixels, as a share of the image's width."""
MAX_ZOOM = 0.1
MAX_SHEAR = 0.1


def random_affine(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turns, shifts, scales and shears every image by its own random amount (bilinear, black outside).

    Args:
        images: uint8 [N, 28, 28].
        generator: source of the amounts, on the images' device. Each is uniform: rotation within ±10°, shift within
            ±2 pixels, scale 0.9 to 1.1, horizontal shear within ±0.1.

    Returns:
        uint8 [N, 28, 28].
    """
    amounts = torch.rand(len(images), 5, generator=generator, device=images.device).mul_(2).sub_(1)
    angle, right, down, zoom, shear = amounts.unbind(1)
    cos, sin = torch.cos(angle * MAX_ROTATION), torch.sin(angle * MAX_ROTATION)
    # A grid says where each pixel comes from, so it goes the other way: to enlarge it shrinks, to shift right it
    # looks left. Its coordinates run from -1 to 1, so a shift by a share of the width is twice that share.
    scale, shear = 1 / (1 + zoom * MAX_ZOOM), shear * MAX_SHEAR
    rows = [
        torch.stack([scale * cos, scale * (shear * cos - sin), -2 * MAX_SHIFT * right], dim=1),
        torch.stack([scale * sin, scale * (shear * sin + cos), -2 * MAX_SHIFT * down], dim=1),
    ]
    pictures = images.unsqueeze(1).to(torch.float32)
    grid = F.affine_grid(torch.stack(rows, dim=1), list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved.squeeze(1).round_().to(torch.uint8)
