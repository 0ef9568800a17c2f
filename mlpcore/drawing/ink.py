"""MNIST's way with a digit: its size, its pen and its place in the 28×28 pixels, for whatever the digit came as.

The recipe is that of Y. LeCun et al., *Gradient-Based Learning Applied to Document Recognition*, 1998, section III A:
the digit fits in 20×20 pixels with its aspect ratio kept, is grey along its edges, and lies with its centre of mass in
the middle of 28×28. The numbers below are measured on the images.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[np.float64]

SIZE = 28

BOX = 20.0
"""Width or height of a digit, whichever is larger: pixels from the first that is not black to the last."""

CENTRE = 14.0
"""Row and column of a centre of mass; pixels are counted from 0, so this is half a pixel from the image's middle."""

PEN = 1.8
"""Width of a line. MNIST's are 2.4 on the average, but small loops close then, and drawings are read a little worse."""

EDGE = 1.0
"""Pixels over which a line fades at its edge. With more there are too many grey pixels, with less too few."""

REACH = (PEN + EDGE) / 2
"""Distance from the middle of a line at which there is no more ink."""

LINE_BOX = BOX - 2 * REACH
"""What is left of the box for the middle of the line."""


def ink(distance: Callable[[Array], Array], low: Array, high: Array) -> Tensor:
    """The image of a digit, given by the line that runs along the middle of its ink.

    Args:
        distance: how far points, [28, 28, 2] with x and y in pixels, are from the line, [28, 28]; how much farther than
            `REACH` does not matter.
        low: smallest x and y of the line, [2].
        high: its largest x and y, [2], at most `LINE_BOX` from the smallest.

    Returns:
        uint8 [28, 28], 0 = background, 255 = full ink.
    """
    rows, columns = np.mgrid[:SIZE, :SIZE]
    grid = np.stack([columns, rows], axis=-1).astype(np.float64)
    centre = (low + high) / 2
    # First the middle of the line, then that of its ink, which depends a little on how it lies between the pixels.
    for _ in range(3):
        # No ink may fall outside, however lopsided the digit.
        corner = np.clip(centre - CENTRE, high + REACH - (SIZE - 1), low - REACH)
        pixels = grid + corner
        covered = np.clip((REACH - distance(pixels)) / EDGE, 0, 1)
        centre = np.average(pixels.reshape(-1, 2), axis=0, weights=covered.ravel())
    return torch.from_numpy(np.round(covered * 255).astype(np.uint8))
