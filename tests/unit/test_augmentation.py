"""The small random changes to training images: how far they go, which way, and where their chance comes from."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mlpcore.augmentation import ELASTIC_ALPHA, ELASTIC_SIGMA, random_affine, random_elastic
from mlpcore.datasets import Dataset

AMOUNTS = ["angle", "right", "down", "zoom", "shear"]
ELASTIC_AMOUNTS = ["angle", "slant", "wider", "taller", "right", "down", "thicker"]

Augmentation = Callable[[Tensor, torch.Generator], Tensor]
each_augmentation = pytest.mark.parametrize("augmentation", [random_affine, random_elastic])


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


def redrawn_by(monkeypatch: pytest.MonkeyPatch, images: Tensor, bend: Tensor | None = None, **amounts: float) -> Tensor:
    """`images` changed elastically by known amounts, each -1 to 1 of its largest, and bent by a known noise."""

    def rand(*size: int, **_: object) -> Tensor:
        if len(size) == 4:
            return (torch.zeros(size) if bend is None else bend.expand(size)).add(1).div(2)
        return torch.tensor([[amounts.get(name, 0.0) for name in ELASTIC_AMOUNTS]]).add(1).div(2).repeat(size[0], 1)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "rand", rand)
        return random_elastic(images, seeded(0))


def dot(row: int, column: int) -> Tensor:
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, row, column] = 200
    return image


def centres(images: Tensor) -> Tensor:
    """Row and column of every image's centre of mass, float64 [N, 2]."""
    mass = images.double()
    places = torch.arange(28, dtype=torch.float64)
    return torch.stack([(mass.sum(dim) * places).sum(1) / mass.sum((1, 2)) for dim in (2, 1)], dim=1)


@each_augmentation
def test_images_keep_shape_and_type(augmentation: Augmentation, digits: Tensor) -> None:
    before = digits.clone()
    moved = augmentation(digits, seeded(0))
    assert moved.shape == digits.shape
    assert moved.dtype == torch.uint8
    assert torch.equal(digits, before)
    assert augmentation(digits[:1], seeded(0)).shape == (1, 28, 28)


def test_amounts_of_zero_change_nothing(digits: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch.equal(moved_by(monkeypatch, digits), digits)
    assert torch.equal(redrawn_by(monkeypatch, digits), digits)


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


@each_augmentation
def test_every_image_is_moved_by_its_own_amount(augmentation: Augmentation, digits: Tensor) -> None:
    same = digits[:1].repeat(50, 1, 1)
    assert len(augmentation(same, seeded(0)).unique(dim=0)) == 50


@each_augmentation
def test_chance_comes_from_the_given_generator_only(augmentation: Augmentation, digits: Tensor) -> None:
    state = torch.get_rng_state()
    one = augmentation(digits, seeded(7))
    assert torch.equal(torch.get_rng_state(), state)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert torch.equal(augmentation(digits, seeded(7)), one)
    assert not torch.equal(augmentation(digits, seeded(8)), one)
    generator = seeded(7)
    augmentation(digits, generator)
    assert not torch.equal(augmentation(digits, generator), one)


# Elastic


@pytest.mark.parametrize(
    ("amounts", "row", "column"),
    [({"right": 1}, 10, 13), ({"right": -1}, 10, 11), ({"down": 1}, 11, 12), ({"down": -1}, 9, 12)],
    ids=str,
)
def test_elastic_shifts_move_by_one_pixel_the_way_they_are_called(
    amounts: dict[str, float], row: int, column: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = redrawn_by(monkeypatch, dot(10, 12), None, **amounts)
    assert moved.nonzero().tolist() == [[0, row, column]]
    assert moved.max() == 200


@pytest.mark.parametrize("amount", [1, -1])
def test_width_and_height_stretch_each_for_itself(amount: int, monkeypatch: pytest.MonkeyPatch) -> None:
    square = torch.zeros(1, 28, 28, dtype=torch.uint8)
    square[0, 9:19, 9:19] = 255
    factor = 1 + 0.2 * amount
    wide, tall = (redrawn_by(monkeypatch, square, None, **{name: amount})[0].double() for name in ("wider", "taller"))
    assert (wide[13].sum() / 2550).item() == pytest.approx(factor, abs=0.02)
    assert (wide[:, 13].sum() / 2550).item() == pytest.approx(1, abs=0.02)
    assert (tall[13].sum() / 2550).item() == pytest.approx(1, abs=0.02)
    assert (tall[:, 13].sum() / 2550).item() == pytest.approx(factor, abs=0.02)


def test_an_elastic_turn_keeps_the_distance_from_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    square = torch.zeros(1, 28, 28, dtype=torch.uint8)
    square[0, 12:16, 20:24] = 255
    for angle in (1, -1):
        after = centres(redrawn_by(monkeypatch, square, angle=angle))[0] - 13.5
        assert after.norm().item() == pytest.approx(8, rel=0.02)
        # sin 7.5° of the 8 pixels that the square lies beside the middle.
        assert abs(after[0].item()) == pytest.approx(8 * 0.1305, abs=0.15)


def test_slant_moves_rows_sideways_and_leaves_their_height(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = torch.zeros(1, 28, 28, dtype=torch.uint8)
    bar[0, 4:24, 13:15] = 255
    columns = []
    for slant in (1, -1):
        slanted = redrawn_by(monkeypatch, bar, slant=slant)
        assert torch.equal(slanted.sum(dim=2) > 0, bar.sum(dim=2) > 0)
        top, bottom = [centres(slanted * (torch.arange(28) == row).unsqueeze(1))[0, 1].item() for row in (4, 23)]
        columns.append(top - bottom)
    # Three tenths of the 19 rows between them, to one side and to the other.
    assert [abs(column) for column in columns] == pytest.approx([5.7, 5.7], abs=0.2)
    assert columns[0] * columns[1] < 0


def test_another_pen_makes_strokes_thicker_or_thinner_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    stroke = torch.zeros(1, 28, 28, dtype=torch.uint8)
    stroke[0, 4:24, 12:16] = 255
    rows = {amount: redrawn_by(monkeypatch, stroke, thicker=amount)[0, 13].tolist() for amount in (1, -1, 0.5)}
    # 40 % of the 255 grey levels, and half of that.
    assert rows[1][10:18] == [0, 102, 255, 255, 255, 255, 102, 0]
    assert rows[-1][10:18] == [0, 0, 153, 255, 255, 153, 0, 0]
    assert rows[0.5][10:18] == [0, 51, 255, 255, 255, 255, 51, 0]


def test_ink_at_the_edge_is_no_place_where_a_stroke_grows_thin(monkeypatch: pytest.MonkeyPatch) -> None:
    full = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    assert torch.equal(redrawn_by(monkeypatch, full, thicker=-1), full)


def test_bending_is_the_noise_smoothed_by_a_gaussian(monkeypatch: pytest.MonkeyPatch) -> None:
    # One pixel's noise, which displaces its surroundings by α times the density of a Gaussian.
    bend = torch.zeros(1, 2, 28, 28)
    bend[0, 0, 14, 14] = 1
    columns = torch.arange(28, dtype=torch.uint8).mul(8).expand(1, 28, 28).contiguous()
    displaced = redrawn_by(monkeypatch, columns, bend)[0].double() - columns[0]
    distances = torch.arange(28, dtype=torch.float64).sub(14)
    density = torch.exp(-(distances**2) / (2 * ELASTIC_SIGMA**2)) / (ELASTIC_SIGMA * (2 * torch.pi) ** 0.5)
    # Grey rises by 8 a pixel to the right, so a look to the right by d finds 8 d more; half a level is rounding.
    expected = 8 * ELASTIC_ALPHA * density[:, None] * density
    inside = slice(2, 26)
    assert (displaced - expected)[inside, inside].abs().max() <= 0.51
    assert displaced[14, 14] == pytest.approx(8 * ELASTIC_ALPHA / (ELASTIC_SIGMA**2 * 2 * torch.pi), abs=0.51)
    # Up and down all is alike, but for the edge.
    assert torch.equal(redrawn_by(monkeypatch, columns, bend.flip(1))[:, inside], columns[:, inside])


def test_bent_digits_stay_legible(digits: Tensor, mnist: Dataset) -> None:
    bent = random_elastic(digits, seeded(1))
    assert (bent == digits).flatten(1).all(dim=1).sum() == 0
    distance = centres(bent) - centres(digits)
    assert distance.mean(dim=0).abs().max() < 0.15
    assert distance.abs().max() < 6
    ink = bent.sum(dtype=torch.float64) / digits.sum(dtype=torch.float64)
    assert ink.item() == pytest.approx(1, abs=0.1)
    # The nearest undistorted digit of the first 10,000, by the angle between them, is mostly of the same class.
    shelf = F.normalize(mnist.train.images[2000:12_000].flatten(1).float())
    nearest = (F.normalize(bent.flatten(1).float()) @ shelf.T).argmax(dim=1)
    same = mnist.train.labels[2000:12_000][nearest] == mnist.train.labels[:2000]
    assert same.float().mean() > 0.7
