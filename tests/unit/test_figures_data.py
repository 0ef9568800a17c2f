"""What the figures of the data show: judged by their data, as a browser would get it."""

import json
from typing import Any

import plotly.graph_objects as go
import pytest
import torch
from torch import Tensor

from mlpcore.exploration import scale
from mlpcore.figures import data as figures


@pytest.fixture
def image() -> Tensor:
    """A stroke of full ink with a soft edge."""
    pixels = torch.zeros(28, 28, dtype=torch.uint8)
    pixels[5:20, 12:15] = 255
    pixels[5:20, 15] = 100
    return pixels


def in_browser(figure: go.Figure) -> dict[str, Any]:
    """The figure as JSON by the book, which knows neither NaN nor infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    content: dict[str, Any] = json.loads(figure.to_json(), parse_constant=refuse)
    return content


def test_the_frame_lies_around_the_pixels_whose_numbers_are_shown(image: Tensor) -> None:
    figure = figures.image_with_frame(image, top=9, left=3, side=10)
    in_browser(figure)
    assert (figure.data[0].z == image.numpy()).all()
    frame = figure.layout.shapes[-1]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (2.5, 12.5, 8.5, 18.5)
    assert tuple(figure.layout.yaxis.range) == (27.5, -0.5)


def test_numbers_stand_in_their_pixels_and_carry_their_places(image: Tensor) -> None:
    figure = figures.pixel_numbers(image[4:7, 12:17], 0, 255, top=4, left=12)
    in_browser(figure)
    cells, *numbers = figure.data
    shown = {(y, x): text for texts in numbers for y, x, text in zip(texts.y, texts.x, texts.text, strict=True)}
    assert shown == {(y, x): str(image[y, x].item()) for y in (4, 5, 6) for x in range(12, 17)}
    assert (list(cells.y), list(cells.x)) == ([4, 5, 6], [12, 13, 14, 15, 16])


def test_numbers_are_white_on_ink_and_dark_on_paper(image: Tensor) -> None:
    _, on_paper, on_ink = figures.pixel_numbers(image[5:6, 11:17], 0, 255, top=5, left=11).data
    assert (on_paper.text, on_ink.text) == (("0", "100", "0"), ("255", "255", "255"))
    assert (on_paper.textfont.color, on_ink.textfont.color) == ("#1C2333", "#FFFFFF")


def test_numbers_after_a_transform_have_two_decimals_and_a_true_minus(image: Tensor) -> None:
    values = (image.float() / 255 - 0.1307) / 0.3081
    cells, on_paper, on_ink = figures.pixel_numbers(values[5:6, 11:13], -0.42, 2.82, top=5, left=11).data
    assert (on_paper.text, on_ink.text) == (("−0.42",), ("2.82",))
    assert (cells.zmin, cells.zmax) == (-0.42, 2.82)


@pytest.mark.parametrize(("stage", "low", "high"), [("raw", 0, 255), ("tensor", 0, 1), ("normalized", -0.43, 2.83)])
def test_the_histogram_keeps_its_shape_and_changes_its_scale(
    image: Tensor, stage: Any, low: float, high: float
) -> None:
    counts = image.flatten().bincount(minlength=256)
    values = scale(stage, (0.1307, 0.3081))
    figure = figures.pixel_histogram(values, 60_000 * counts, 0.5, "all images", counts)
    in_browser(figure)
    bars, line = figure.data
    assert sum(share for share in bars.y if share) == pytest.approx(100)
    assert bars.y == line.y
    # 45 pixels of full ink in the last bin, 15 of 100 in the thirteenth, nothing between.
    assert bars.y[-1] == pytest.approx(100 * 45 / 784) and bars.y[12] == pytest.approx(100 * 15 / 784)
    assert bars.y[13] is None
    start, end = figure.layout.xaxis.range
    assert start == pytest.approx(low, abs=0.02 * (high - low)) and end == pytest.approx(high, abs=0.02 * (high - low))
    assert figure.layout.shapes[0].x0 == 0.5


def test_a_histogram_of_a_set_alone_has_no_bars(image: Tensor) -> None:
    counts = image.flatten().bincount(minlength=256)
    figure = figures.pixel_histogram(scale("raw", (0.1, 0.3)), counts, 3.0, "test images")
    assert [trace.name for trace in figure.data] == ["test images"]


def test_class_balance_shows_shares_and_tells_counts() -> None:
    counts = {"training images": torch.tensor([3, 1]), "test images": torch.tensor([5, 5])}
    figure = figures.class_balance(counts, ["0", "1"])
    in_browser(figure)
    train, test = figure.data
    assert (list(train.y), list(test.y)) == ([75, 25], [50, 50])
    assert list(train.customdata) == [3, 1]
    assert train.marker.color != test.marker.color
    assert figure.layout.shapes[0].y0 == 50
