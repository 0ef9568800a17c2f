"""The small random changes to training images: how far they go, which way, and where their chance comes from."""

import pytest
import torch
from torch import Tensor

from mlpcore.augmentation import random_affine
from mlpcore.datasets import Dataset

AMOUNTS = ["angle", "right", "down", "zoom", "shear"]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def digits(mnist: Dataset) -> Tensor:
    return mnist.train.images[:2000]


def moved_by(monkeypatch: pytest.MonkeyPatch, images: Tensor, **amounts: float) -> Tensor:
    """`images` changed by known amounts, each -1 to 1 of its largest."""

    def rand(*size: int, **_: object) -> Tensor:
        return torch.tensor([[amounts.get(name, 0.0) for name in AMOUNTS]]).add(1).div(2).repeat(size[0], 1)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "rand", rand)
        return random_affine(images, seeded(0))


def dot(row: int, column: int) -> Tensor:
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, row, column] = 200
    return image


def centres(images: Tensor) -> Tensor:
    """Row and column of every image's centre of mass, float64 [N, 2]."""
    mass = images.double()
    places = torch.arange(28, dtype=torch.float64)
    return torch.stack([(mass.sum(dim) * places).sum(1) / mass.sum((1, 2)) for dim in (2, 1)], dim=1)


def test_images_keep_shape_and_type(digits: Tensor) -> None:
    before = digits.clone()
    moved = random_affine(digits, seeded(0))
    assert moved.shape == digits.shape
    assert moved.dtype == torch.uint8
    assert torch.equal(digits, before)
    assert random_affine(digits[:1], seeded(0)).shape == (1, 28, 28)


def test_amounts_of_zero_change_nothing(digits: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch.equal(moved_by(monkeypatch, digits), digits)


@pytest.mark.parametrize(
    ("amounts", "row", "column"),
    [
        ({"right": 1}, 10, 14),
        ({"right": -1}, 10, 10),
        ({"down": 1}, 12, 12),
        ({"down": -1}, 8, 12),
        ({"right": 0.5, "down": -0.5}, 9, 13),
    ],
    ids=str,
)
def test_shifts_move_by_two_pixels_the_way_they_are_called(
    amounts: dict[str, float], row: int, column: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = moved_by(monkeypatch, dot(10, 12), **amounts)
    assert moved.nonzero().tolist() == [[0, row, column]]
    assert moved.max() == 200


@pytest.mark.parametrize(("zoom", "factor"), [(1, 1.1), (-1, 0.9)])
def test_zoom_above_zero_makes_larger(zoom: float, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    square = torch.zeros(1, 28, 28, dtype=torch.uint8)
    square[0, 9:19, 9:19] = 255
    area = moved_by(monkeypatch, square, zoom=zoom).sum() / square.sum()
    assert area.item() == pytest.approx(factor**2, rel=0.03)


def test_a_turn_keeps_the_distance_from_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    square = torch.zeros(1, 28, 28, dtype=torch.uint8)
    square[0, 12:16, 20:24] = 255
    before = centres(square)[0] - 13.5
    for angle in (1, -1):
        after = centres(moved_by(monkeypatch, square, angle=angle))[0] - 13.5
        assert after.norm().item() == pytest.approx(before.norm().item(), rel=0.02)
        # sin 10° of the 8 pixels that the square lies beside the middle.
        assert abs(after[0].item()) == pytest.approx(8 * 0.1736, abs=0.15)


def test_shear_moves_rows_sideways_and_leaves_their_height(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = torch.zeros(1, 28, 28, dtype=torch.uint8)
    bar[0, 4:24, 13:15] = 255
    sheared = moved_by(monkeypatch, bar, shear=1)
    assert torch.equal(sheared.sum(dim=2) > 0, bar.sum(dim=2) > 0)
    columns = [centres(sheared * (torch.arange(28) == row).unsqueeze(1))[0, 1].item() for row in (4, 23)]
    # A tenth of the 19 rows between them.
    assert abs(columns[0] - columns[1]) == pytest.approx(1.9, abs=0.1)


def test_digits_are_moved_a_little_and_none_too_far(digits: Tensor) -> None:
    moved = random_affine(digits, seeded(1))
    assert (moved == digits).flatten(1).all(dim=1).sum() == 0
    distance = centres(moved) - centres(digits)
    # Two pixels of shift, and a little for what the turn, scale and shear do to a digit around the middle.
    assert distance.abs().max() < 3
    assert distance.mean(dim=0).abs().max() < 0.15
    # Uniform in ±2 pixels has a standard deviation of 1.15.
    assert distance.std(dim=0).tolist() == pytest.approx([1.15, 1.15], abs=0.15)
    ink = moved.sum(dtype=torch.float64) / digits.sum(dtype=torch.float64)
    assert ink.item() == pytest.approx(1, abs=0.05)


def test_every_image_is_moved_by_its_own_amount(digits: Tensor) -> None:
    same = digits[:1].repeat(50, 1, 1)
    assert len(random_affine(same, seeded(0)).unique(dim=0)) == 50


def test_chance_comes_from_the_given_generator_only(digits: Tensor) -> None:
    state = torch.get_rng_state()
    one = random_affine(digits, seeded(7))
    assert torch.equal(torch.get_rng_state(), state)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert torch.equal(random_affine(digits, seeded(7)), one)
    assert not torch.equal(random_affine(digits, seeded(8)), one)
    generator = seeded(7)
    random_affine(digits, generator)
    assert not torch.equal(random_affine(digits, generator), one)
