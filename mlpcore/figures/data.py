"""Figures of the data: an image and its numbers, how often each value occurs, how many images each class has."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from mlpcore.figures.numbers import in_words
from mlpcore.figures.style import ACCENT, NEUTRAL, TRAIN, VALIDATION, axis, faded, figure

_PAPER, _PEN, _GRID = "#FFFFFF", "#1C2333", "#E6E8EF"
_DARK = 0.57
"""Share of full ink from which white is easier to read on a pixel than the pen's colour."""

_BINS = 32


def image_with_frame(image: Tensor, top: int, left: int, side: int) -> go.Figure:
    """Which part of the image is looked at? The image, uint8 [28, 28], with a frame around `side` by `side` pixels.

    Rows and columns are counted from 0, as in a tensor.
    """
    rows, columns = image.shape
    frame = {
        "type": "rect",
        "x0": left - 0.5,
        "x1": left + side - 0.5,
        "y0": top - 0.5,
        "y1": top + side - 0.5,
        "line": {"color": ACCENT, "width": 3},
    }
    pixels = {
        **_ink(image, 0, 255),
        "hovertemplate": "row %{y}, column %{x}: %{z} of 255<extra></extra>",
    }
    edge = {**frame, "x0": -0.5, "x1": columns - 0.5, "y0": -0.5, "y1": rows - 0.5}
    edge["line"] = {"color": faded(NEUTRAL, 0.5), "width": 1}
    hidden = {"visible": False}
    return _squares([pixels], rows, columns, hidden, hidden, [edge, frame])


def pixel_numbers(values: Tensor, low: float, high: float, top: int, left: int) -> go.Figure:
    """Which numbers is this part of an image made of? Each pixel with its value, dark where there is ink.

    Args:
        values: [rows, columns], uint8 or float32.
        low, high: the values of paper and of full ink.
        top, left: the part's first row and column in the image, counted from 0.
    """
    rows, columns = values.shape
    cells = {
        **_ink(values, low, high),
        "x": np.arange(left, left + columns),
        "y": np.arange(top, top + rows),
        "customdata": in_words(values.numpy(), ".4f" if values.is_floating_point() else "d"),
        "hovertemplate": "row %{y}, column %{x}: %{customdata}<extra></extra>",
    }
    form = ".2f" if values.is_floating_point() else "d"
    is_dark = (values.double() - low) / (high - low) > _DARK
    # Not the heatmap's own text, which shrinks with the longest of all numbers and is grey on grey.
    numbers = [
        {
            "type": "scatter",
            "mode": "text",
            "x": chosen[:, 1] + left,
            "y": chosen[:, 0] + top,
            "text": in_words(values[tuple(chosen.T)].numpy(), form).tolist(),
            "textfont": {"size": 11, "color": color},
            "hoverinfo": "skip",
        }
        for chosen, color in [((~is_dark).nonzero().numpy(), _PEN), (is_dark.nonzero().numpy(), _PAPER)]
    ]
    places = {"showgrid": False, "zeroline": False, "ticks": "", "dtick": 1, "tickfont": {"size": 11}}
    return _squares(
        [cells, *numbers],
        rows,
        columns,
        {**places, "side": "top", "range": [left - 0.5, left + columns - 0.5]},
        {**places, "range": [top + rows - 0.5, top - 0.5]},
    )


def pixel_histogram(
    values: Tensor, of_set: Tensor, mean: float, set_name: str, of_image: Tensor | None = None
) -> go.Figure:
    """How often does each pixel value occur, in one image and in all, on the scale of `values`?

    Args:
        values: [256], what became of the values 0 to 255, at equal distances.
        of_set: int64 [256], how often each of them occurs among the pixels of all images.
        mean: of the pixels of all images, on the same scale.
        set_name: what to call all images.
        of_image: the same as `of_set`, for one image.
    """
    scale = values.double().numpy()
    middles = scale.reshape(_BINS, -1).mean(axis=1)
    width = middles[1] - middles[0]
    low, high = middles[0] - width / 2, middles[-1] + width / 2
    hover = "around %{customdata}: %{y:.2~f} % of the pixels of "
    around = in_words(middles, ".3g")
    traces: list[dict[str, Any]] = []
    if of_image is not None:
        traces.append({
            "type": "bar",
            "name": "this image",
            "x": middles,
            "y": _percent(of_image),
            "width": width,
            "customdata": around,
            "marker": {"color": faded(ACCENT, 0.55), "line": {"width": 0}},
            "hovertemplate": f"{hover}this image<extra></extra>",
        })  # fmt: skip
    traces.append({
        "type": "scatter",
        "mode": "lines",
        "name": set_name,
        "x": middles,
        "y": _percent(of_set),
        "customdata": around,
        "line": {"color": VALIDATION, "width": 2, "shape": "hvh"},
        "hovertemplate": f"{hover}{set_name}<extra></extra>",
    })  # fmt: skip
    line = {
        "type": "line", "yref": "paper", "x0": mean, "x1": mean, "y0": 0, "y1": 1,
        "line": {"color": VALIDATION, "width": 1, "dash": "dash"},
    }  # fmt: skip
    label = {
        "text": "mean of all", "showarrow": False, "x": mean, "xanchor": "left", "xshift": 4,
        "yref": "paper", "y": 1, "yanchor": "top", "font": {"size": 11},
    }  # fmt: skip
    # Not to be zoomed: another scale would leave the reader's section of this one empty.
    return figure(
        traces,
        dragmode=False,
        showlegend=True,
        shapes=[line],
        annotations=[label],
        xaxis=axis("Pixel value", range=[low, high], fixedrange=True, zeroline=False),
        yaxis=axis(
            "Share of pixels (%)", type="log", range=[-1.3, 2], tickvals=[0.1, 1, 10, 100],
            ticktext=["0.1", "1", "10", "100"], fixedrange=True,
        ),
    )  # fmt: skip


def class_balance(counts: dict[str, Tensor], classes: Sequence[str]) -> go.Figure:
    """Are all classes there equally often? For each set its share of images per class, beside the even share.

    Args:
        counts: int64 [10] per set; the first set's colour is that of training images.
        classes: their names.
    """
    bars = [
        {
            "type": "bar",
            "name": name,
            "x": list(classes),
            "y": 100 * of_set.numpy() / of_set.sum().item(),
            "marker": {"color": faded(color, 0.75), "line": {"width": 0}},
            "customdata": of_set.numpy(),
            "hovertemplate": f"%{{x}}: %{{customdata:,}} images, %{{y:.2f}} % of the {name}<extra></extra>",
        }
        for (name, of_set), color in zip(counts.items(), (TRAIN, ACCENT), strict=False)
    ]
    even = 100 / len(classes)
    line = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": even, "y1": even,
        "line": {"color": NEUTRAL, "width": 1, "dash": "dash"},
    }  # fmt: skip
    return figure(
        bars,
        barmode="group",
        shapes=[line],
        xaxis=axis("Class", type="category"),
        yaxis=axis("Share of images (%)", rangemode="tozero"),
    )


def _percent(counts: Tensor) -> list[float | None]:
    """Per bin; nothing where nothing is, since a logarithmic axis has no 0."""
    binned = counts.reshape(_BINS, -1).sum(dim=1)
    return [100 * share if share else None for share in (binned / binned.sum()).tolist()]


def _ink(values: Tensor, low: float, high: float) -> dict[str, Any]:
    """A trace of pixels as ink on paper, in either theme."""
    return {
        "type": "heatmap",
        "z": values.numpy(),
        "zmin": low,
        "zmax": high,
        "colorscale": [(0.0, _PAPER), (1.0, _PEN)],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }


def _squares(
    traces: Sequence[dict[str, Any]],
    rows: int,
    columns: int,
    xaxis: dict[str, Any],
    yaxis: dict[str, Any],
    shapes: Sequence[dict[str, Any]] = (),
) -> go.Figure:
    """A figure with square cells, the first row on top, which does not get in the way of a scrolling finger."""
    common = {"fixedrange": True, "constrain": "domain"}
    return figure(
        traces,
        margin={"l": 1, "r": 1, "t": 1, "b": 1},
        showlegend=False,
        dragmode=False,
        plot_bgcolor=_GRID,
        shapes=shapes,
        xaxis={"range": [-0.5, columns - 0.5], **common, **xaxis},
        yaxis={"range": [rows - 0.5, -0.5], **common, **yaxis, "scaleanchor": "x", "constraintoward": "top"},
    )
