"""Small random changes to training images, different in every epoch."""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_ROTATION = math.radians(10)
MAX_SHIFT = 2 / 28
"""Two pixels, as a share of the image's width."""
MAX_ZOOM = 0.1
MAX_SHEAR = 0.1

ELASTIC_ROTATION = math.radians(7.5)
"""D. C. Cireşan et al., *Deep, Big, Simple Neural Nets for Handwritten Digit Recognition*, 2010, rotate 1 and 7 by
no more, since they would be confused, and other digits by 15°. The label is not known here."""
ELASTIC_SLANT = 0.3
"""Horizontal shear: handwriting leans both ways, by up to 17° here."""
ELASTIC_STRETCH = 0.2
"""Width and height independently, since narrow and wide handwriting fill MNIST's 20 × 20 pixels differently."""
ELASTIC_SHIFT = 1 / 28
"""One pixel, as a share of the width: MNIST's digits and drawings are both centred by their mass."""
ELASTIC_THICKER = 0.4
ELASTIC_THINNER = 0.4
"""Fractions of the way to the brightest and to the darkest of the 3 × 3 neighbors, which would widen or narrow a stroke
by two pixels; more would fill the loop of a small 9 or make a thin line vanish."""
ELASTIC_ALPHA = 38.0
"""Largest displacement before smoothing, in pixels; after it, one pixel is usual and two are rare."""
ELASTIC_SIGMA = 6.0
"""Width of the smoothing in pixels: a stroke bends as a whole. At 4 and less it trembles, and loops break open."""


def random_affine(images: Tensor, generator: torch.Generator) -> Tensor:
    """Rotates, shifts, scales and shears each image by random amounts (bilinear, black outside).

    Args:
        images: uint8 [N, 28, 28].
        generator: for the amounts, on the images' device. Each is uniform: rotation within ±10°, shift within
            ±2 pixels, scale 0.9 to 1.1, horizontal shear within ±0.1.

    Returns:
        uint8 [N, 28, 28].
    """
    amounts = torch.rand(len(images), 5, generator=generator, device=images.device).mul_(2).sub_(1)
    angle, right, down, zoom, shear = amounts.unbind(1)
    cos, sin = torch.cos(angle * MAX_ROTATION), torch.sin(angle * MAX_ROTATION)
    # The grid gives the source of each pixel, so it has the inverse transform: to enlarge, it shrinks; to shift right,
    # it shifts left. Its coordinates go from -1 to 1, so a shift by a fraction of the width is twice that fraction.
    scale, shear = 1 / (1 + zoom * MAX_ZOOM), shear * MAX_SHEAR
    rows = [
        torch.stack([scale * cos, scale * (shear * cos - sin), -2 * MAX_SHIFT * right], dim=1),
        torch.stack([scale * sin, scale * (shear * sin + cos), -2 * MAX_SHIFT * down], dim=1),
    ]
    pictures = images.unsqueeze(1).to(torch.float32)
    grid = F.affine_grid(torch.stack(rows, dim=1), list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved.squeeze(1).round_().to(torch.uint8)


def random_elastic(images: Tensor, generator: torch.Generator) -> Tensor:
    """Varies each image like handwriting: rotated, slanted, stretched, with a thicker or thinner pen, and bent.

    The bending is the elastic distortion of P. Y. Simard, D. Steinkraus, J. C. Platt, *Best Practices for Convolutional
    Neural Networks Applied to Visual Document Analysis*, ICDAR 2003: every pixel is displaced by a random field,
    uniform in ±α and smoothed by a Gaussian of width σ. For 29 × 29 pixels they found α = 34 and σ = 4; Cireşan et al.
    (2010) go up to α = 38 and σ = 6, as here. Outside of the image is black.

    Args:
        images: uint8 [N, 28, 28].
        generator: for the amounts, on the images' device. Each is uniform: rotation within ±7.5°, slant
            (horizontal shear) within ±0.3, width and height 0.8 to 1.2 each, shift within ±1 pixel, strokes up to
            0.8 pixels thicker or thinner.

    Returns:
        uint8 [N, 28, 28].
    """
    amounts = torch.rand(len(images), 7, generator=generator, device=images.device).mul_(2).sub_(1)
    angle, slant, wider, taller, right, down, thicker = amounts.unbind(1)
    cos, sin = torch.cos(angle * ELASTIC_ROTATION), torch.sin(angle * ELASTIC_ROTATION)
    # The grid gives the source of each pixel.
    across, along = 1 / (1 + wider * ELASTIC_STRETCH), 1 / (1 + taller * ELASTIC_STRETCH)
    slant = slant * ELASTIC_SLANT
    rows = [
        torch.stack([across * cos, along * (slant * cos - sin), -2 * ELASTIC_SHIFT * right], dim=1),
        torch.stack([across * sin, along * (slant * sin + cos), -2 * ELASTIC_SHIFT * down], dim=1),
    ]
    pictures = _with_another_pen(images.to(torch.float32), thicker).unsqueeze(1)
    grid = F.affine_grid(torch.stack(rows, dim=1), list(pictures.shape), align_corners=False)
    grid += _elastic_field(len(images), images.shape[-1], generator)
    moved = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved.squeeze(1).round_().to(torch.uint8)


def _with_another_pen(pictures: Tensor, thicker: Tensor) -> Tensor:
    """Strokes made thicker or thinner, float32 [N, 28, 28], by one amount in -1 to 1 for each, [N]."""
    brightest, darkest = _brightest_neighbour(pictures), -_brightest_neighbour(-pictures)
    to_brightest = (thicker.clamp(min=0) * ELASTIC_THICKER)[:, None, None]
    to_darkest = (thicker.clamp(max=0) * -ELASTIC_THINNER)[:, None, None]
    return pictures + to_brightest * (brightest - pictures) + to_darkest * (darkest - pictures)


def _brightest_neighbour(pictures: Tensor) -> Tensor:
    """The largest of each pixel's 3 × 3 neighbourhood, itself included; 25 times as fast as `max_pool2d` on a CPU."""
    padded = F.pad(pictures.unsqueeze(1), (1, 1, 1, 1), mode="replicate").squeeze(1)
    rows = torch.maximum(torch.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    return torch.maximum(torch.maximum(rows[:, :, :-2], rows[:, :, 1:-1]), rows[:, :, 2:])


def _elastic_field(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Displacements [N, size, size, 2], in the coordinates of a grid, where the image is 2 wide."""
    noise = torch.rand(count, 2, size, size, generator=generator, device=generator.device).mul_(2).sub_(1)
    smoothing = _gaussian(size, generator.device)
    return ((2 / size * ELASTIC_ALPHA) * (smoothing @ noise @ smoothing)).permute(0, 2, 3, 1)


@cache
def _gaussian(size: int, device: torch.device) -> Tensor:
    """A matrix [size, size] that smooths a column by a Gaussian of width σ; outside of the image is 0."""
    places = torch.arange(size, dtype=torch.float64)
    distances = (places[:, None] - places) / ELASTIC_SIGMA
    density = torch.exp(-0.5 * distances**2) / (ELASTIC_SIGMA * math.sqrt(2 * math.pi))
    return density.to(device, torch.float32)
