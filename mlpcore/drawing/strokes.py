"""Pen strokes, as vectors → the 28×28 image MNIST would have made of them.

Shrinking a canvas shrinks the pen with it, so that a digit comes out thick or thin by the size it was drawn at. Here
the lines themselves are brought to MNIST's size and redrawn with MNIST's pen.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from torch import Tensor

from mlpcore.drawing.ink import LINE_BOX, REACH, Array, ink

Stroke = npt.NDArray[np.float64]
"""Points [P, 2] of one pen stroke: x to the right, y down, in any unit; P >= 1."""

MAX_COORDINATE = 1e9

STEP = 0.1
"""Distance in pixels between the points that stand for a line."""

MAX_SAMPLES = 100_000
"""Points that stand for all lines: 10,000 pixels of line, when 20×20 pixels are black after a few hundred."""


def draw(strokes: Sequence[Stroke]) -> Tensor | None:
    """The 28×28 image MNIST would have made of these strokes.

    Args:
        strokes: neither their order and direction nor their place and size change the image. A single point is a dot.
            Points that are not finite, or beyond ±1e9, are left out.

    Returns:
        uint8 [28, 28], 0 = background, 255 = full ink; None if there is nothing to draw.
    """
    lines = [points[(np.abs(points) <= MAX_COORDINATE).all(axis=1)] for points in strokes]
    lines = [points for points in lines if len(points)]
    if not lines:
        return None
    samples = _samples(_fit(lines))
    tree = KDTree(samples)

    def distance(pixels: Array) -> Array:
        distances: Array = tree.query(pixels, distance_upper_bound=REACH)[0]
        return distances

    return ink(distance, samples.min(axis=0), samples.max(axis=0))


def _fit(lines: list[Stroke]) -> list[Stroke]:
    """The lines at MNIST's size, around the origin."""
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = (high - low).max()
    # What differs by rounding alone is a dot, and a dot stays one.
    scale = LINE_BOX / extent if extent > 1e-9 * max(1.0, np.abs(points).max()) else 0.0
    return [(line - (low + high) / 2) * scale for line in lines]


def _samples(lines: list[Stroke]) -> Array:
    """Points closely along all lines, [S, 2]."""
    lengths = [np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()]) for line in lines]
    step = max(STEP, sum(length[-1] for length in lengths) / MAX_SAMPLES)
    samples = []
    for line, length in zip(lines, lengths, strict=True):
        at = np.linspace(0, length[-1], int(length[-1] / step) + 2)
        samples.append(np.stack([np.interp(at, length, line[:, axis]) for axis in (0, 1)], axis=1))
    return np.concatenate(samples)
