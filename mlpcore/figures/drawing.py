"""Figures of one drawing: what a model answers, what it sees, and which pixels speak for and against the answer."""

from collections.abc import Sequence
from textwrap import wrap
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

# Without titles, which would take room even if they were empty.
_PLAIN = {"automargin": True, "fixedrange": True}
# The axis goes on to the right of 100 %, where the number beside a full bar stands.
_SHARES = {**_PLAIN, "range": [0, 155], "tickvals": [0, 50, 100], "ticktext": ["0", "", "100 %"]}
_CLASSES = {**_PLAIN, "type": "category", "autorange": "reversed", "showgrid": False, "dtick": 1}
_BAR_LAYOUT = {"bargap": 0.25, "dragmode": False}
_HEADING_CHARACTERS = 56
"""In a line, of all headings together, so that they fit on a phone."""

_GAP = 0.06
"""Share of a column that is left empty at its right."""

Picture = npt.NDArray[np.float32]


def answer_bars(probabilities: Picture, color: str, classes: Sequence[str]) -> go.Figure:
    """How probable is each class to a model? The answer stands out in the model's colour; the axis never moves.

    Args:
        probabilities: float32 [classes], each 0 to 1.
        color: hex.
        classes: their names.
    """
    return figure(
        [_bars(probabilities, color, classes)],
        **_BAR_LAYOUT,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis=_SHARES,
        yaxis=_CLASSES,
    )


def answers_side_by_side(
    probabilities: Sequence[Picture], titles: Sequence[str], colors: Sequence[str], classes: Sequence[str]
) -> go.Figure:
    """How probable is each class to each of several models? A row of bars per class, and a column per model.

    Args:
        probabilities: of each model, float32 [classes], each 0 to 1.
        titles: of the models.
        colors: of the models, hex.
        classes: their names.
    """
    headings = ["<br>".join(wrap(title, _HEADING_CHARACTERS // len(titles))) for title in titles]
    width = 1 / len(titles)
    axes: dict[str, Any] = {}
    traces, annotations = [], []
    for column, (shares, heading, color) in enumerate(zip(probabilities, headings, colors, strict=True)):
        number = "" if column == 0 else str(column + 1)
        left, right = column * width, (column + 1 - _GAP) * width
        axes[f"xaxis{number}"] = {**_SHARES, "domain": [left, right]}
        traces.append({**_bars(shares, color, classes), "xaxis": f"x{number}", "yaxis": "y"})
        annotations.append(
            {
                "text": heading, "font": {"size": 12}, "showarrow": False, "align": "left",
                "xref": "paper", "x": left, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom",
            }
        )  # fmt: skip
    lines = max(heading.count("<br>") for heading in headings) + 1
    return figure(
        traces,
        **_BAR_LAYOUT,
        **axes,
        yaxis=_CLASSES,
        margin={"l": 0, "r": 0, "t": 6 + 16 * lines, "b": 0},
        annotations=annotations,
        showlegend=False,
    )


def _bars(probabilities: Picture, color: str, classes: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "x": 100 * probabilities,
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
