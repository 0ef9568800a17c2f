"""Figures of one drawing: what a model answers, what it sees, and which pixels speak for and against the answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from torch import Tensor

from mlpcore.figures.style import AGAINST, FOR, NEUTRAL, faded, figure, probability_in_words

_WORTH_A_NUMBER = 0.01
"""Probability above which a bar has its value beside it."""

_FADED = 0.5

_SIDE, _INK = 28, 255
_PIXELS = np.arange(1, _SIDE + 1)

# The sheet that one draws on, in either theme.
_PAPER, _PEN, _GRID = "#FFFFFF", "#1C2333", "#E6E8EF"

Picture = npt.NDArray[np.float32]


def answer_bars(probabilities: Picture, color: str, classes: Sequence[str]) -> go.Figure:
    """How probable is each class to a model? The answer stands out in the model's colour; the axis never moves.

    Args:
        probabilities: float32 [classes], each 0 to 1.
        color: hex.
        classes: their names.
    """
    percent = 100 * probabilities
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": percent,
        "y": classes,
        # As numbers on a scale of two colours: plotly checks a colour per bar one by one.
        "marker": {
            "color": (np.arange(len(classes)) == probabilities.argmax()).astype(int),
            "colorscale": [(0.0, faded(color, _FADED)), (1.0, color)],
            "cmin": 0,
            "cmax": 1,
            "line": {"width": 0},
        },
        "text": [probability_in_words(share) if share > _WORTH_A_NUMBER else "" for share in probabilities],
        "textposition": "outside",
        "textfont": {"size": 11},
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.6~g} %<extra></extra>",
    }
    # Without a title, which would take room even if it were empty.
    plain = {"automargin": True, "fixedrange": True}
    # The axis goes on to the right of 100 %, where the number beside a full bar stands.
    scale = {**plain, "range": [0, 155], "tickvals": [0, 50, 100], "ticktext": ["0", "50", "100 %"]}
    names = {**plain, "type": "category", "autorange": "reversed", "showgrid": False, "dtick": 1}
    return figure(
        [bars], margin={"l": 0, "r": 0, "t": 4, "b": 0}, bargap=0.25, dragmode=False, xaxis=scale, yaxis=names
    )


def seen_image(image: Tensor) -> go.Figure:
    """What does the network see? The image, uint8 [28, 28], pixel by pixel, as ink on paper."""
    pixels = {
        **_picture(image.numpy()),
        "zmin": 0,
        "zmax": _INK,
        "colorscale": [(0.0, _PAPER), (1.0, _PEN)],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "row %{y}, column %{x}: %{z} of 255<extra></extra>",
    }
    return _square([pixels], plot_bgcolor=_GRID)


def votes_image(votes: Picture, image: Tensor) -> go.Figure:
    """Which pixels speak for the answer, and which against it? With the outline of the digit.

    Args:
        votes: float32 [28, 28], in logit units.
        image: uint8 [28, 28].
    """
    largest = float(np.abs(votes).max()) or 1.0
    scale_bar = {
        "orientation": "h",
        "len": 0.8,  # the words below its ends need room
        "y": 0,
        "yanchor": "top",
        "thickness": 10,
        "outlinewidth": 0,
        "tickvals": [-largest, 0, largest],
        "ticktext": [f"−{largest:.3g}<br>against", "0", f"+{largest:.3g}<br>for"],
        "title": {"text": "vote, in logit units", "side": "bottom"},
    }
    heatmap = {
        **_picture(votes),
        "zmin": -largest,
        "zmax": largest,
        # Weaker votes are clearer, so that the scale fits a light and a dark page.
        "colorscale": [(0.0, AGAINST), (0.5, faded(AGAINST, 0)), (0.5, faded(FOR, 0)), (1.0, FOR)],
        "colorbar": scale_bar,
        "customdata": image.numpy() * (100 / _INK),
        "hovertemplate": "row %{y}, column %{x}: vote %{z:+.2f}<br>ink %{customdata:.0f} %<extra></extra>",
    }
    outline = {
        **_picture(image.numpy()),
        "type": "contour",
        "contours": {"start": _INK / 2, "end": _INK / 2, "size": 1, "coloring": "none"},
        "showscale": False,
        "hoverinfo": "skip",
    }
    # A light line within a dark one is seen on any colour.
    lines = [{**outline, "line": {"color": color, "width": width}} for color, width in [(_PEN, 3), (_PAPER, 1)]]
    return _square([heatmap, *lines])


def _picture(values: npt.NDArray[Any]) -> dict[str, Any]:
    """A trace of 28×28 pixels; rows and columns are counted from 1."""
    return {"type": "heatmap", "z": values, "x": _PIXELS, "y": _PIXELS}


def _square(traces: Sequence[dict[str, Any]], **layout: Any) -> go.Figure:
    """A figure with square pixels, the first row on top, which does not get in the way of a scrolling finger."""
    plain = {"visible": False, "fixedrange": True, "constrain": "domain"}
    first, last = edges = [0.5, _SIDE + 0.5]
    frame = {"x0": first, "x1": last, "y0": first, "y1": last, "line": {"color": faded(NEUTRAL, 0.5), "width": 1}}
    return figure(
        traces,
        margin={"l": 1, "r": 1, "t": 1, "b": 1},
        showlegend=False,
        dragmode=False,
        shapes=[{"type": "rect", **frame}],
        xaxis={**plain, "range": edges},
        yaxis={**plain, "range": edges[::-1], "scaleanchor": "x"},
        **layout,
    )
