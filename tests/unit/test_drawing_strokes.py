"""Pen strokes to MNIST's image: what must not change it, and that it looks like MNIST's."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.drawing import Stroke, draw
from mlpcore.drawing.strokes import STEP


def line(*points: tuple[float, float]) -> Stroke:
    return np.array(points, dtype=np.float64)


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Stroke:
    """Part of an ellipse, from and to degrees clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 40))
    return np.stack([x + width / 2 * np.cos(angles), y + height / 2 * np.sin(angles)], axis=1)


def joined(*parts: Stroke) -> Stroke:
    return np.concatenate(parts)


DIGITS: dict[int, list[Stroke]] = {
    0: [arc(50, 100, 80, 160, -90, 270)],
    1: [line((60, 20), (50, 180))],
    2: [joined(arc(50, 60, 80, 80, -170, 40), line((15, 178), (95, 178)))],
    3: [joined(arc(45, 60, 80, 76, -150, 90), arc(45, 138, 90, 84, -90, 140))],
    4: [line((30, 20), (15, 110), (90, 105)), line((80, 30), (72, 180))],
    5: [joined(line((30, 25), (25, 90)), arc(48, 132, 80, 90, -120, 130)), line((30, 25), (88, 22))],
    6: [joined(line((75, 20), (35, 80)), arc(50, 138, 68, 84, 190, 540))],
    7: [line((10, 30), (90, 28), (45, 180))],
    8: [joined(arc(50, 60, 60, 76, 90, 450), arc(50, 140, 74, 84, -90, 270))],
    9: [joined(arc(52, 65, 64, 70, 0, -350), line((84, 70), (70, 180)))],
}


def drawn(strokes: list[Stroke]) -> Tensor:
    image = draw(strokes)
    assert image is not None
    assert image.shape == (28, 28) and image.dtype == torch.uint8
    return image


def difference(one: Tensor, other: Tensor) -> int:
    """Of the pixels that differ most."""
    return int((one.int() - other.int()).abs().max())


def centre(image: Tensor) -> list[float]:
    mass, places = image.double(), torch.arange(28, dtype=torch.float64)
    return [float((mass.sum(dim) * places).sum() / mass.sum()) for dim in (1, 0)]


def extent(image: Tensor) -> tuple[int, int]:
    """Height and width of what is not black."""
    rows, columns = image.nonzero().unbind(1)
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


digits = pytest.mark.parametrize("strokes", DIGITS.values(), ids=[str(digit) for digit in DIGITS])


@digits
def test_place_and_size_change_nothing(strokes: list[Stroke]) -> None:
    image = drawn(strokes)
    for scale in (0.01, 0.3, 1, 7, 1000):
        moved = [stroke * scale + [-300 * scale, 4000] for stroke in strokes]
        assert difference(drawn(moved), image) <= 1


@digits
def test_order_and_direction_change_nothing(strokes: list[Stroke]) -> None:
    image = drawn(strokes)
    assert difference(drawn(strokes[::-1]), image) <= 1
    assert difference(drawn([stroke[::-1] for stroke in strokes]), image) <= 1


@digits
def test_the_number_of_points_changes_almost_nothing(strokes: list[Stroke]) -> None:
    image = drawn(strokes)
    between = [np.concatenate([np.linspace(a, b, 5) for a, b in pairwise(s)]) for s in strokes]
    assert difference(drawn(between), image) <= 8


@digits
def test_a_shaky_hand_changes_little(strokes: list[Stroke]) -> None:
    image, generator = drawn(strokes), np.random.default_rng(0)
    shaky = drawn([stroke + generator.normal(0, 0.5, stroke.shape) for stroke in strokes])
    assert (shaky.double() - image).abs().sum() < 0.15 * image.double().sum()


@digits
def test_digits_fill_twenty_pixels_and_lie_where_those_of_mnist_lie(strokes: list[Stroke]) -> None:
    image = drawn(strokes)
    assert max(extent(image)) in (19, 20)
    assert centre(image) == pytest.approx([14, 14], abs=0.1)


def test_proportions_are_kept() -> None:
    height, width = extent(drawn([arc(0, 0, 40, 160, 0, 360)]))
    # A quarter of the 17.2 pixels between the middles of the lines, and 2.8 for the line itself.
    assert (height, width) == pytest.approx((20, 7.1), abs=1)


@digits
def test_lines_are_about_as_wide_as_those_of_mnist(strokes: list[Stroke]) -> None:
    points = np.concatenate(strokes)
    scale = 17.2 / np.ptp(points, axis=0).max()
    length = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes) * scale
    # Crossings count once in the ink and twice in the length.
    assert 1.5 < float(drawn(strokes).double().sum()) / 255 / length < 2.2


def test_drawings_look_like_mnist(mnist: Dataset) -> None:
    known = mnist.train.images[:20_000].flatten(1).float()
    images = torch.stack([drawn(strokes) for strokes in DIGITS.values()]).flatten(1).float()
    nearest = torch.cdist(images, known).topk(5, largest=False).indices
    answers = mnist.train.labels[nearest].mode(dim=1).values
    assert answers.tolist() == list(DIGITS)

    levels = [0.5, 64, 128, 192, 243, 256]
    grey, as_in_mnist = (np.histogram(of[of > 0].numpy(), levels)[0] / float((of > 0).sum()) for of in (images, known))
    assert np.abs(grey - as_in_mnist).max() < 0.12


def test_straight_lines_are_whole_and_centred() -> None:
    upright, flat = drawn([line((5, 0), (5, 90))]), drawn([line((0, 3), (200, 3))])
    assert extent(upright)[0] in (19, 20) and extent(upright)[1] in (2, 3)
    assert difference(upright.T, flat) <= 1
    assert centre(upright) == pytest.approx([14, 14], abs=0.1)


@pytest.mark.parametrize(
    "strokes",
    [[line((3, 4))], [line((3, 4), (3, 4))], [line((1e5, 1), (1e5 + 1e-6, 1))], [line((7, 7)), line((7, 7))]],
    ids=["point", "path without length", "rounding", "twice"],
)
def test_a_dot_stays_a_dot(strokes: list[Stroke]) -> None:
    image = drawn(strokes)
    assert image.argmax() == 14 * 28 + 14 and image.max() == 255
    assert max(extent(image)) == 3


def test_two_dots_are_as_far_apart_as_a_digit_is_tall() -> None:
    assert extent(drawn([line((3, 4)), line((3, 40))]))[0] in (19, 20)


def test_a_lopsided_drawing_is_not_cut_off() -> None:
    scribble = line(*[(x % 10, x / 10) for x in range(100)])
    image = drawn([scribble, line((0, 5), (300, 5))])
    assert max(extent(image)) in (19, 20)


@pytest.mark.parametrize(
    "strokes", [[], [np.zeros((0, 2))], [line((np.nan, 1))], [line((1, 1e300))]], ids=["none", "empty", "NaN", "huge"]
)
def test_nothing_to_draw_is_none(strokes: list[Stroke]) -> None:
    assert draw(strokes) is None


def test_points_that_make_no_sense_are_left_out() -> None:
    sense = line((0, 0), (10, 20), (5, 40))
    nonsense = line((0, 0), (np.inf, 3), (10, 20), (2, np.nan), (-1e308, 1e308), (5, 40))
    assert difference(drawn([nonsense]), drawn([sense])) == 0


def test_thousands_of_points_are_drawn_like_any_others() -> None:
    many = np.random.default_rng(0).uniform(0, 300, (20_000, 2))
    image = drawn([many])
    assert image.bool().sum() >= 350 and max(extent(image)) in (19, 20)
    back_and_forth = np.tile(line((50, 0), (50, 100)), (5_000, 1))
    assert difference(drawn([back_and_forth]), drawn([line((50, 0), (50, 100))])) <= 8


POINTS = st.integers(0, 12).flatmap(
    lambda count: hnp.arrays(np.float64, (count, 2), elements=st.floats(allow_nan=True, allow_infinity=True))
)


@settings(max_examples=150, deadline=None)
@given(st.lists(POINTS, max_size=5))
def test_any_points_make_an_image_or_none(strokes: list[Stroke]) -> None:
    image = draw(strokes)
    assert (image is None) == (not any((np.abs(s) <= 1e9).all(axis=1).any() for s in strokes))
    if image is not None:
        assert image.shape == (28, 28) and image.dtype == torch.uint8
        assert image.max() > 100


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float64, (8, 2), elements=st.floats(-1000, 1000, width=16)), st.floats(0.01, 100))
def test_no_drawing_changes_with_place_size_or_direction(points: Stroke, scale: float) -> None:
    image, moved = drawn([points]), drawn([points[::-1] * scale + 17])
    # A centre of mass half-way between two pixels may be rounded to either.
    neighbours = [moved.roll((down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    # Lines are sampled every STEP pixels, which moves their edge, one pixel wide, by as much at most.
    assert min(difference(neighbour, image) for neighbour in neighbours) <= 255 * STEP + 1
