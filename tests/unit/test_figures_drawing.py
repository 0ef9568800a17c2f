"""What the figures of one drawing show: judged by their data, as a browser would get it."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from torch import Tensor

from mlpcore import figures

DIGITS = tuple("0123456789")
COLOR = "#0072B2"


@pytest.fixture
def image() -> Tensor:
    """A bar of full ink with a soft edge."""
    pixels = torch.zeros(28, 28, dtype=torch.uint8)
    pixels[5:20, 12:15] = 255
    pixels[5:20, 15] = 100
    return pixels


@pytest.fixture
def votes() -> np.ndarray[Any, np.dtype[np.float32]]:
    found = np.zeros((28, 28), np.float32)
    found[6, 13], found[2, 3] = 1.5, -0.25
    return found


def probabilities(**shares: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Of ten digits; `p7=0.9` is that of a 7."""
    return np.array([shares.get(f"p{digit}", 0) for digit in range(10)], np.float32)


def in_browser(figure: go.Figure) -> dict[str, Any]:
    """The figure as JSON by the book, which knows neither NaN nor infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    content: dict[str, Any] = json.loads(figure.to_json(), parse_constant=refuse)
    return content


def shown_color(bars: Any, number: int) -> str:
    """What the colour scale of two colours makes of a bar."""
    marker = bars.marker
    assert (marker.cmin, marker.cmax) == (0, 1)
    color: str = dict(marker.colorscale)[float(marker.color[number])]
    return color


def is_square_with_the_first_row_on_top(figure: go.Figure) -> bool:
    x, y = figure.layout.xaxis, figure.layout.yaxis
    return (*x.range, *y.range, y.scaleanchor) == (0.5, 28.5, 28.5, 0.5, "x")


# Answers


def test_each_class_has_a_bar_and_the_answer_stands_out() -> None:
    figure = figures.answer_bars(probabilities(p4=0.3, p9=0.6, p7=0.1), COLOR, DIGITS)
    (bars,) = figure.data
    in_browser(figure)
    assert bars.y == DIGITS
    assert bars.x == pytest.approx([0, 0, 0, 0, 30, 0, 0, 10, 0, 60])
    assert shown_color(bars, 9) == COLOR
    assert len({shown_color(bars, digit) for digit in range(9)}) == 1
    assert shown_color(bars, 4).startswith("rgba(0, 114, 178, ")


def test_values_above_one_percent_are_written_beside_their_bars() -> None:
    (bars,) = figures.answer_bars(probabilities(p0=0.009, p1=0.011, p8=0.98), COLOR, DIGITS).data
    assert bars.text == ("", "1.1 %", "", "", "", "", "", "", "98.0 %", "")


@pytest.mark.parametrize(
    ("share", "said"), [(0.9994, "99.9 %"), (0.9996, ">99.9 %"), (1.0, ">99.9 %"), (0.5, "50.0 %")]
)
def test_no_answer_is_called_certain(share: float, said: str) -> None:
    (bars,) = figures.answer_bars(probabilities(p3=share), COLOR, DIGITS).data
    assert bars.text[3] == said


def test_nothing_jumps_when_the_answer_changes() -> None:
    sure, unsure = probabilities(p2=1.0), np.full(10, 0.1, np.float32)
    one, other = (figures.answer_bars(each, COLOR, DIGITS).layout for each in (sure, unsure))
    assert one == other
    assert one.xaxis.range[0] == 0 and one.xaxis.range[1] > 100
    assert one.xaxis.tickvals == (0, 50, 100)
    assert one.yaxis.autorange == "reversed", "0 is on top"


def test_several_models_have_a_column_each_on_the_same_scale() -> None:
    answers = [probabilities(p4=0.9), probabilities(p9=0.6, p4=0.4)]
    titles, colors = ["Best for drawing (bundled)", "Run 3"], [COLOR, "#D55E00"]
    figure = figures.answers_side_by_side(answers, titles, colors, DIGITS)
    in_browser(figure)
    first, second = figure.data
    assert (first.x[4], second.x[9]) == pytest.approx((90, 60))
    assert first.y == second.y == DIGITS
    assert (shown_color(first, 4), shown_color(second, 9)) == tuple(colors)
    one, other = figure.layout.xaxis, figure.layout.xaxis2
    assert one.range == other.range
    assert one.domain[1] < other.domain[0]
    assert [note.text.replace("<br>", " ") for note in figure.layout.annotations] == titles


def test_headings_of_many_models_are_narrow() -> None:
    titles = ["Two hidden layers (bundled)"] * 4
    figure = figures.answers_side_by_side([probabilities(p4=1)] * 4, titles, [COLOR] * 4, DIGITS)
    lines = figure.layout.annotations[0].text.split("<br>")
    assert max(map(len, lines)) <= 14
    assert figure.layout.margin.t >= 16 * len(lines)


# What the network sees


def test_the_image_is_shown_pixel_by_pixel(image: Tensor) -> None:
    figure = figures.seen_image(image)
    (pixels,) = figure.data
    in_browser(figure)
    assert np.array_equal(pixels.z, image.numpy())
    assert (pixels.zmin, pixels.zmax, pixels.zsmooth) == (0, 255, None)
    assert (pixels.x[0], pixels.x[-1], pixels.y[0], pixels.y[-1]) == (1, 28, 1, 28)
    assert is_square_with_the_first_row_on_top(figure)


# Why


def test_votes_for_and_against_have_one_scale_that_is_symmetric_about_zero(
    votes: np.ndarray[Any, Any], image: Tensor
) -> None:
    figure = figures.votes_image(votes, image)
    heatmap = figure.data[0]
    in_browser(figure)
    assert np.array_equal(heatmap.z, votes)
    assert (heatmap.zmin, heatmap.zmax) == (-1.5, 1.5)
    assert heatmap.colorbar.tickvals == (-1.5, 0, 1.5)
    assert heatmap.colorbar.ticktext == ("−1.5<br>against", "0", "+1.5<br>for")
    assert "logit" in heatmap.colorbar.title.text
    assert is_square_with_the_first_row_on_top(figure)


def test_no_vote_has_no_colour_on_any_page(votes: np.ndarray[Any, Any], image: Tensor) -> None:
    scale = figures.votes_image(votes, image).data[0].colorscale
    middle = [color for at, color in scale if at == 0.5]
    assert len(middle) == 2
    assert all(color.startswith("rgba(") and color.endswith(", 0)") for color in middle)
    assert scale[0][1] != scale[-1][1]


def test_the_digit_is_outlined_where_its_ink_is_half(votes: np.ndarray[Any, Any], image: Tensor) -> None:
    _, around, within = figures.votes_image(votes, image).data
    for line in (around, within):
        assert line.type == "contour"
        assert np.array_equal(line.z, image.numpy())
        assert line.contours.start == line.contours.end == 127.5
        assert line.contours.coloring == "none"
    assert around.line.width > within.line.width
    assert around.line.color != within.line.color


def test_each_pixel_tells_its_vote_and_its_ink(votes: np.ndarray[Any, Any], image: Tensor) -> None:
    heatmap = figures.votes_image(votes, image).data[0]
    assert heatmap.customdata[6, 13] == 100
    assert heatmap.customdata[2, 3] == 0
    assert all(part in heatmap.hovertemplate for part in ("%{x}", "%{y}", "%{z", "%{customdata"))


def test_where_nothing_votes_there_is_a_picture_all_the_same(image: Tensor) -> None:
    figure = figures.votes_image(np.zeros((28, 28), np.float32), image)
    in_browser(figure)
    assert figure.data[0].zmin < 0 < figure.data[0].zmax
