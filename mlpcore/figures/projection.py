"""Figures of images as points in a plane. A point is the digit itself, so that nobody depends on telling ten colours.

A chart tells which point was clicked by nothing but its x. Points may lie on each other, and while a model trains they
have moved on before the click arrives; so the number of a point is written into the last digits of its x, a shift
of at most 0.00002 that no eye can see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.experiment import CLASSES
from mlpcore.figures.style import axis, faded, figure

DIGIT_COLORS = (
    "#FF4B3C", "#961EFF", "#879669", "#B46996", "#F04BF0", "#0F9600", "#0096FF", "#875A00", "#4B5AA5", "#B40087",
)  # fmt: skip
"""The digits 0 to 9, in colours with a contrast of at least 3 : 1 to white and to a near-black page.

Chosen by a search for ten whose smallest difference, in OKLab, is large to normal vision and to the three kinds of
dichromacy as Machado, Oliveira and Fernandes (2009) simulate them.
"""

_GRID, _NUMBERS = 2.0**-16, 4096
"""Distance of the places that a point's x can take, and how many points can be told apart at each of them."""

_MARK, _MARK_EDGE = "#FFC400", "#1C2333"
"""What stands out from all digits: bright with a dark edge, so that it is seen on a light and on a dark page."""

_SIZE = 12
_REGION_OPACITY, _REGION_SIDE = 0.18, 160

Points = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Star:
    """A drawing among the images: where it lies, float32 [2], and what it is called."""

    point: Points
    title: str


def clicked_point(x: float) -> int:
    """The number, from 0, of the point that was clicked, whose x the chart gives; of a star, one more than the last."""
    return round((x / _GRID) % 1 * _NUMBERS) % _NUMBERS


def projected_digits(
    points: Points,
    labels: Labels,
    numbers: Labels,
    shares: Points,
    view: str,
    *,
    only: Sequence[int] = (),
    star: Star | None = None,
    chosen: int | None = None,
) -> go.Figure:
    """Do images of one digit lie together? The main plane of one stage, both directions on one scale.

    Args:
        points: float32 [N, 2], N at most 4,095.
        labels: int64 [N].
        numbers: int64 [N], what the images are called among all test images.
        shares: of the variance that lies in either direction, float32 [2], 0 to 1.
        view: what is shown; another one forgets the reader's zoom.
        only: digits to show; all if empty.
        star: a drawing among them.
        chosen: the number of the point that is ringed, as `clicked_point` gives it.
    """
    x = _numbered(points[:, 0], np.arange(len(points)))
    traces = _digits(x, points[:, 1], labels, numbers, only)
    places = list(zip(x, points[:, 1], strict=True))
    if star:
        star_x = _numbered(star.point[:1], np.array([len(points)]))
        places.append((star_x[0], star.point[1]))
        traces.append(
            {
                "type": "scattergl",
                "x": star_x,
                "y": star.point[1:],
                "mode": "markers",
                "marker": {"symbol": "star", "size": 20, "color": _MARK, "line": {"color": _MARK_EDGE, "width": 1.5}},
                "hovertemplate": f"{star.title}<extra></extra>",
            }
        )
    plain: dict[str, Any] = {"showticklabels": False, "zeroline": False, "uirevision": view}
    first, second = (f"{name} direction ({100 * share:.1f} % of the variance)" for name, share in
                     zip(("Main", "Second"), shares, strict=True))  # fmt: skip
    return figure(
        [*traces, *_ring(places, chosen)],
        showlegend=False,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        xaxis=axis(first, **plain),
        yaxis=axis(second, scaleanchor="x", **plain),
    )


def two_neuron_plane(
    points: Points,
    labels: Labels,
    numbers: Labels,
    answers: npt.NDArray[np.int8],
    limits: tuple[float, float],
    chosen: int | None = None,
) -> go.Figure:
    """Where do two neurons put the digits, and which answer has the output layer for which place?

    Args:
        points: float32 [N, 2], N at most 4,096.
        labels: int64 [N].
        numbers: int64 [N], what the images are called among all test images.
        answers: int8 [S, S], the digit answered on a grid of places, as `grid` gives it.
        limits: where both axes begin and end.
        chosen: the number of the point that is ringed, as `clicked_point` gives it.
    """
    low, high = limits
    places = np.linspace(low, high, len(answers))
    regions = {
        "type": "heatmap",
        "x": places,
        "y": places,
        "z": answers,
        "zmin": -0.5,
        "zmax": CLASSES - 0.5,
        "colorscale": [
            (edge / CLASSES, faded(color, _REGION_OPACITY))
            for digit, color in enumerate(DIGIT_COLORS)
            for edge in (digit, digit + 1)
        ],
        "showscale": False,
        "hoverinfo": "skip",
    }
    x = _numbered(points[:, 0], np.arange(len(points)))
    plain: dict[str, Any] = {"range": [low, high], "constrain": "domain", "zeroline": False, "showgrid": False}
    return figure(
        [regions, _names(answers, places), *_digits(x, points[:, 1], labels, numbers),
         *_ring(list(zip(x, points[:, 1], strict=True)), chosen)],
        showlegend=False,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        xaxis=axis("First neuron", **plain),
        yaxis=axis("Second neuron", scaleanchor="x", **plain),
    )  # fmt: skip


def grid(limits: tuple[float, float]) -> Points:
    """The places in the plane whose answers `two_neuron_plane` paints: float32 [S, S, 2], rows from the bottom up."""
    places = np.linspace(*limits, _REGION_SIDE, dtype=np.float32)
    return np.stack(np.meshgrid(places, places), axis=-1)


def accuracy_by_step(steps: Labels, accuracies: npt.NDArray[np.float64], total: int, color: str) -> go.Figure:
    """How many of the images shown were recognised after each step?

    Args:
        steps: int64 [n], from 0.
        accuracies: float64 [n], 0 to 1.
        total: steps of the whole run, where the axis ends from the beginning.
    """
    line = {
        "type": "scatter",
        "x": steps,
        "y": 100 * accuracies,
        "mode": "lines+markers",
        "line": {"color": color, "width": 2},
        "marker": {"size": 4},
        "hovertemplate": "%{y:.1f} % after step %{x:,}<extra></extra>",
    }
    return figure(
        [line],
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        xaxis=axis("Step", range=[-total / 50, total * 1.02]),
        yaxis=axis("Recognized (%)", range=[0, 102]),
    )


def _numbered(x: Points, numbers: Labels) -> npt.NDArray[np.float64]:
    """`x`, each with its number in the digits below `_GRID`, for `clicked_point` to find."""
    numbered: npt.NDArray[np.float64] = (np.round(x.astype(np.float64) / _GRID) + numbers / _NUMBERS) * _GRID
    return numbered


def _digits(
    x: npt.NDArray[np.float64], y: Points, labels: Labels, numbers: Labels, only: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """A trace for each digit, of digits. SVG would take several times as long for thousands of them."""
    return [
        {
            "type": "scattergl",
            "x": x[rows],
            "y": y[rows],
            "mode": "text",
            "text": [str(digit)] * int(rows.sum()),
            "textfont": {"color": DIGIT_COLORS[digit], "size": _SIZE},
            "customdata": numbers[rows],
            "hovertemplate": f"{digit}, test image %{{customdata:,}}<extra></extra>",
        }
        for digit in (only or range(CLASSES))
        if (rows := labels == digit).any()
    ]


def _ring(places: Sequence[tuple[float, float]], chosen: int | None) -> list[dict[str, Any]]:
    """What marks the chosen point, if it is there."""
    if chosen is None or chosen >= len(places):
        return []
    x, y = places[chosen]
    return [
        {
            "type": "scattergl",
            "x": [x],
            "y": [y],
            "mode": "markers",
            "marker": {"symbol": "circle-open", "size": size, "color": color, "line": {"width": 3}},
            "hoverinfo": "skip",
        }
        for size, color in ((30, _MARK_EDGE), (25, _MARK))
    ]


def _names(answers: npt.NDArray[np.int8], places: npt.NDArray[np.float64]) -> dict[str, Any]:
    """A large digit in the middle of every region: behind the points, and for those who cannot tell the colours."""
    found = [(digit, *np.argwhere(answers == digit).mean(axis=0)) for digit in np.unique(answers).tolist()]
    return {
        "type": "scatter",
        "x": [places[round(column)] for _, _, column in found],
        "y": [places[round(row)] for _, row, _ in found],
        "mode": "text",
        "text": [str(digit) for digit, *_ in found],
        "textfont": {"size": 40, "color": [faded(DIGIT_COLORS[digit], 0.45) for digit, *_ in found]},
        "hoverinfo": "skip",
    }
