"""How the detector is taught: MNIST's digits against digits side by side and random strokes.

A network that was shown things which are surely no digits notices other such things as well: outlier exposure,
D. Hendrycks, M. Mazeika, T. Dietterich, *Deep Anomaly Detection with Outlier Exposure*, ICLR 2019. At the same rate of
false alarms it finds more letters, shapes and scribbles, none of which it was taught, than methods that need no such
examples; `benchmarks.doubt` compares them.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from scipy.interpolate import CubicSpline
from torch import Tensor

from mlpcore.augmentation import random_affine, random_elastic
from mlpcore.datasets import Dataset, to_input
from mlpcore.doubt.detector import Detector, Kind, new_network
from mlpcore.drawing import Stroke, draw
from mlpcore.experiment import Data
from mlpcore.sampling import seeded, split

HELD_OUT = 10_000
"""Training images that are not learned from, for the threshold."""

FALSE_ALARMS = 0.005
"""Share of the held-out digits beyond the threshold. It comes to about 0.015 of pen-drawn digits."""

EPOCHS = 40
LEARNING_RATE = 4e-3
BATCH = {Kind.ONE: 256, Kind.SEVERAL: 96, Kind.OTHER: 192}
"""Images of each kind in a batch."""

RANDOM_DRAWINGS = 200_000
SEED = 7

INK = 64
"""Where a digit begins and ends: fainter pixels are its soft edge."""


def teach(dataset: Dataset) -> Iterator[float | Detector]:
    """Trains a detector on the digits of MNIST.

    Yields:
        The mean loss of each epoch, and at last the detector.
    """
    rows, held_out_rows = split(Data(validation=HELD_OUT))
    digits, held_out = dataset.train.images[rows], dataset.train.images[held_out_rows]
    generator, random = seeded(SEED), np.random.default_rng(SEED)
    others = torch.stack([image for _ in range(RANDOM_DRAWINGS) if (image := draw(random_strokes(random))) is not None])
    steps = len(digits) // BATCH[Kind.ONE]
    labels = torch.tensor([kind for kind, count in BATCH.items() for _ in range(count)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = new_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=EPOCHS * steps)
    for epoch in range(EPOCHS):

        def some(images: Tensor, kind: Kind) -> Tensor:
            return images[torch.randint(len(images), (steps * BATCH[kind],), generator=generator)]

        changed = random_elastic if epoch % 2 else random_affine  # half of the time as MNIST's own hands would
        batches = [
            changed(some(digits, Kind.ONE), generator).chunk(steps),
            random_elastic(side_by_side(some(digits, Kind.SEVERAL), generator), generator).chunk(steps),
            random_affine(some(others, Kind.OTHER), generator).chunk(steps),
        ]
        total = 0.0
        for parts in zip(*batches, strict=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(network(to_input(torch.cat(parts))), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        yield total / steps
    network.eval()
    odds = Detector(network, 0.0, 0).log_odds(held_out)
    yield Detector(network, float(odds.quantile(1 - FALSE_ALARMS)), int(extents(digits).min()))


def extents(images: Tensor) -> Tensor:
    """Width or height of the ink in images, uint8 [N, 28, 28], whichever is larger, in pixels: int64 [N]."""
    spans = [last - first + 1 for first, last in (_ends((images > 0).any(dim=axis)) for axis in (1, 2))]
    return torch.maximum(*spans)


def side_by_side(images: Tensor, generator: torch.Generator) -> Tensor:
    """Every digit with another one at its right, touching or up to 8 pixels away, at the size MNIST gives to one digit.

    Args:
        images: uint8 [N, 28, 28].
        generator: source of the other digits and of the gaps.

    Returns:
        uint8 [N, 28, 28].
    """
    others = images[torch.randperm(len(images), generator=generator)]
    gap = torch.rand(len(images), generator=generator) * 9 - 1
    boxes = [(_ends((each >= INK).any(dim=1)), _ends((each >= INK).any(dim=2))) for each in (images, others)]
    widths = [right - left + 1 for (left, right), _ in boxes]
    heights = [bottom - top + 1 for _, (top, bottom) in boxes]
    width = widths[0] + gap + widths[1]
    scale = 20 / torch.maximum(width, torch.maximum(*heights))
    # Where the middle of each comes to lie, right of the image's middle; a grid's coordinates are 14 pixels each way.
    places = [-(width - widths[0]) / 2 * scale, (width - widths[1]) / 2 * scale]
    zero = torch.zeros(len(images))
    pictures = []
    for each, ((left, right), (top, bottom)), place in zip((images, others), boxes, places, strict=True):
        x, y = (left + right) / 2 - 13.5, (top + bottom) / 2 - 13.5
        rows = [
            torch.stack([1 / scale, zero, (x - place / scale) / 14], dim=1),
            torch.stack([zero, 1 / scale, y / 14], dim=1),
        ]
        picture = each.unsqueeze(1).to(torch.float32)
        grid = F.affine_grid(torch.stack(rows, dim=1), list(picture.shape), align_corners=False)
        pictures.append(F.grid_sample(picture, grid, align_corners=False).squeeze(1))
    return torch.maximum(*pictures).round_().to(torch.uint8)


def _ends(inked: Tensor) -> tuple[Tensor, Tensor]:
    """First and last true place in each row of bool [N, M], int64 [N] each."""
    places = inked.to(torch.uint8)
    return places.argmax(dim=1), inked.shape[1] - 1 - places.flip(1).argmax(dim=1)


def random_strokes(random: np.random.Generator) -> list[Stroke]:
    """One to six lines of random shape, size and place. A few look like a digit by chance, and teach nothing wrong:
    what MNIST has far more of stays a digit."""
    count = random.choice(6, p=[0.35, 0.25, 0.15, 0.1, 0.1, 0.05]) + 1
    return [_turned(_line(random), random) * random.uniform(15, 80) + random.uniform(0, 100, 2) for _ in range(count)]


def _line(random: np.random.Generator) -> Stroke:
    """A line in a box of about 1 by 1 around the origin."""
    kind = random.random()
    if kind < 0.6:
        return _through_corners(random)
    return _round(random) if kind < 0.85 else _zigzag(random)


def _through_corners(random: np.random.Generator) -> Stroke:
    """Straight from corner to corner or in a curve through them, open or closed."""
    is_closed, is_curved = random.random(2) < 0.5
    # Closed lines with many corners are round, and would be zeros.
    corners = random.uniform(-0.5, 0.5, (random.integers(3, 5) if is_closed else random.integers(2, 8), 2))
    if is_closed:
        corners = np.concatenate([corners, corners[:1]])
    return _curve(corners) if is_curved else corners


def _round(random: np.random.Generator) -> Stroke:
    """A bow, or a spiral of several turns; about one turn would be a zero."""
    is_bow = random.random() < 0.5
    turns = random.uniform(0.2, 0.6) if is_bow else random.uniform(1.5, 4)
    angles = np.linspace(0, 2 * np.pi * turns, 80)
    radius = np.linspace(random.uniform(0.1, 1), 1, 80) / 2
    points = radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _turned(points, random) * (1.0, random.uniform(0.3, 1))


def _zigzag(random: np.random.Generator) -> Stroke:
    """To and fro, pointed or as a wave."""
    count = random.integers(4, 16)
    sides = np.where(np.arange(count) % 2, 0.5, -0.5) * random.uniform(0.2, 1)
    points = np.stack([np.linspace(-0.5, 0.5, count), sides + random.normal(0, 0.08, count)], axis=1)
    return _curve(points) if random.random() < 0.5 else points


def _curve(points: Stroke) -> Stroke:
    """A smooth line through points [P, 2]."""
    at = np.arange(len(points))
    curve: Stroke = CubicSpline(at, points)(np.linspace(0, at[-1], 8 * len(points)))
    return curve


def _turned(points: Stroke, random: np.random.Generator) -> Stroke:
    angle = random.uniform(0, 2 * np.pi)
    turned: Stroke = points @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turned
