"""Digits as points: which point is which, what is shown, and colours that can be told apart."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.colors import hex_to_rgb

from mlpcore.figures.projection import (
    DIGIT_COLORS,
    Star,
    accuracy_by_step,
    clicked_point,
    grid,
    projected_digits,
    two_neuron_plane,
)

POINTS = np.array([[1.0, 2.0], [-3.0, 0.5], [1.0, 2.0], [0.0, 0.0]], np.float32)
LABELS = np.array([3, 8, 3, 0])
NUMBERS = np.array([0, 5, 10, 15])
SHARES = np.array([0.25, 0.125], np.float32)


def projected(**options: Any) -> go.Figure:
    return projected_digits(POINTS, LABELS, NUMBERS, SHARES, "input", **options)


def shown(figure: go.Figure) -> dict[int, tuple[float, float]]:
    """Every point with text by the number that a click on it would give."""
    return {
        clicked_point(x): (float(x), float(y))
        for trace in figure.data
        if trace.type == "scattergl" and trace.mode == "text"
        for x, y in zip(trace.x, trace.y, strict=True)
    }


@given(st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=50))
def test_a_point_is_known_by_its_x_alone_and_stays_where_it_is(values: list[float]) -> None:
    points = np.array([[value, 0] for value in values], np.float32)
    found = shown(projected_digits(points, np.zeros(len(points), int), np.arange(len(points)), SHARES, ""))
    assert sorted(found) == list(range(len(values)))
    assert [found[number][0] for number in range(len(values))] == pytest.approx(values, abs=2.5e-5)


def test_even_the_last_of_very_many_points_on_one_spot_is_known() -> None:
    points = np.full((4096, 2), -1, np.float32)
    found = shown(two_neuron_plane(points, np.zeros(4096, int), np.arange(4096), np.zeros((3, 3), np.int8), (-1, 1)))
    assert len(found) == 4096


def test_each_digit_is_written_where_it_lies_in_its_colour_with_its_number() -> None:
    traces = {trace.text[0]: trace for trace in projected().data}
    assert list(traces) == ["0", "3", "8"]
    assert traces["3"].text == ("3", "3")
    assert traces["3"].textfont.color == DIGIT_COLORS[3]
    assert list(traces["3"].customdata) == [0, 10]
    assert list(traces["8"].y) == [0.5]
    assert "3, test image" in traces["3"].hovertemplate


def test_only_the_digits_asked_for_are_shown() -> None:
    assert sorted(shown(projected(only=[8, 0]))) == [1, 3]


def test_the_axes_say_how_much_of_the_variance_they_show_and_have_one_scale() -> None:
    layout = projected().layout
    assert "25.0 %" in layout.xaxis.title.text
    assert "12.5 %" in layout.yaxis.title.text
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.uirevision == layout.yaxis.uirevision == "input"


def test_a_drawing_is_a_star_with_the_number_behind_the_last_image() -> None:
    (star,) = [
        trace for trace in projected(star=Star(np.array([7, 8], np.float32), "yours")).data if trace.text is None
    ]
    assert star.marker.symbol == "star"
    assert [clicked_point(x) for x in star.x] == [len(POINTS)]
    assert (star.x[0], star.y[0]) == pytest.approx((7, 8), abs=1e-4)


@pytest.mark.parametrize(("chosen", "place"), [(1, (-3, 0.5)), (4, (7, 8))])
def test_the_chosen_point_is_ringed(chosen: int, place: tuple[float, float]) -> None:
    rings = projected(star=Star(np.array([7, 8], np.float32), "yours"), chosen=chosen).data[-2:]
    for ring in rings:
        assert ring.marker.symbol == "circle-open"
        assert (ring.x[0], ring.y[0]) == pytest.approx(place, abs=1e-4)


def test_a_star_that_is_gone_is_not_ringed() -> None:
    assert len(projected(chosen=4).data) == len(projected().data)


def test_regions_have_the_colours_and_the_names_of_their_digits() -> None:
    answers = np.array([[2, 2, 9], [2, 2, 9], [2, 2, 9]], np.int8)
    regions, names, *digits = two_neuron_plane(POINTS, LABELS, NUMBERS, answers, (-1, 1)).data
    assert np.array_equal(regions.z, answers)
    assert (regions.zmin, regions.zmax) == (-0.5, 9.5)
    for digit in range(10):
        # What stands at a digit's place on the scale, on either side of its middle.
        edges = [color for place, color in regions.colorscale if abs(place - (digit + 0.5) / 10) < 0.051]
        rgb = hex_to_rgb(DIGIT_COLORS[digit])
        assert sum(color.startswith(f"rgba({rgb[0]}, {rgb[1]}, {rgb[2]},") for color in edges) == 2
    assert names.text == ("2", "9")
    assert names.x[0] < 0 < names.x[1]
    assert [trace.text[0] for trace in digits] == ["0", "3", "8"]


def test_the_grid_covers_the_plane_row_by_row_from_the_bottom() -> None:
    places = grid((-2, 2))
    assert places[0, 0].tolist() == [-2, -2]
    assert places[0, -1].tolist() == [2, -2]
    assert places[-1, -1].tolist() == [2, 2]


def test_the_accuracy_has_an_axis_for_the_whole_run_from_the_beginning() -> None:
    figure = accuracy_by_step(np.array([0, 10]), np.array([0.1, 0.5]), 1000, "#0072B2")
    assert list(figure.data[0].y) == [10, 50]
    assert figure.layout.xaxis.range[1] > 1000
    assert figure.layout.yaxis.range[1] > 100


def linear(color: str) -> npt.NDArray[np.float64]:
    share = np.array(hex_to_rgb(color)) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def oklab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ottosson's OKLab of linear sRGB."""
    lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(lab) @ np.cbrt(np.array(lms) @ rgb)


# Machado, Oliveira and Fernandes (2009), severity 1, for linear sRGB.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_no_two_digits_have_the_same_colour_to_anybody(sight: str) -> None:
    seen = [oklab(np.clip(SIGHTS[sight] @ linear(color), 0, 1)) for color in DIGIT_COLORS]
    # 0.02 is about what the eye just tells apart side by side.
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 0.07


@pytest.mark.parametrize("page", ["#FFFFFF", "#0B0E14"])
def test_every_colour_stands_out_from_either_page(page: str) -> None:
    luminance = [float(linear(color) @ [0.2126, 0.7152, 0.0722]) + 0.05 for color in (page, *DIGIT_COLORS)]
    assert min(max(one, luminance[0]) / min(one, luminance[0]) for one in luminance[1:]) >= 3
