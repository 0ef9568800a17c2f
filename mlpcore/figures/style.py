"""What all figures share: colors, layout, axes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb, sample_colorscale

RUN_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C7CF0", "#8F5A45")
"""Blue, vermillion, green and purple of Okabe and Ito's palette for every kind of colour vision, and two more.

Their sky blue, orange and yellow are too pale for white, their black for a dark page. All colours here have a contrast
of at least 3 : 1 to white and to a near-black page.
"""

BUNDLED_COLORS = {"drawing": "#0E8388", "two-hidden": "#7D7A1E", "one-hidden": "#6B7A90"}
TUNED_COLORS = ("#C2414B", "#A0701A", "#4C8C3F", "#7A6FC9")
"""The models that come with MLP Lab, and copies tuned on somebody's drawings: other colours than those of runs."""

TRAIN, VALIDATION = "#7A828C", "#B98000"
"""Measured on training and on validation images, for all runs."""

FOR, AGAINST = "#D47F1E", "#3F7FBF"
"""Ink that a neuron or an answer wants, and ink that it does not: told apart by every kind of colour vision."""

MISTAKES = "#CC3D5C"

ACCENT, NEUTRAL = "#3D8F99", "#808080"
"""For whatever belongs to no run and no set of images: the important part, and the rest."""

_LAYERS = ("#3F62C4", "#9C55BC", "#CF5672", "#C9862B")

TOP_MARGIN = 28
"""Pixels above the plot, where the legend is, and the tools when the reader points at the chart."""


def run_color(number: int) -> str:
    """The colour of run `number`, counted from 1, in every figure; colours repeat after the last."""
    return RUN_COLORS[(number - 1) % len(RUN_COLORS)]


def layer_styles(count: int) -> list[tuple[str, str]]:
    """Name and colour of `count` linear layers, from the first hidden one to the output, along a ramp of colours."""
    names = [f"hidden {number}" for number in range(1, count)] + ["output"]
    # From the end, so that the output of a model without hidden layers is coloured as an output, too.
    colors = sample_colorscale(_LAYERS, np.linspace(1, 0, count)[::-1], colortype="rgb")
    return list(zip(names, colors, strict=False))


def probability_in_words(share: float) -> str:
    """A model's probability in percent; never 100, since softmax only comes close to it."""
    return ">99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"


def faded(color: str, opacity: float) -> str:
    """The hex `color`, partly transparent."""
    red, green, blue = hex_to_rgb(color)
    return f"rgba({red}, {green}, {blue}, {opacity})"


def axis(title: str = "", **settings: Any) -> dict[str, Any]:
    """An axis with its title close by."""
    return {"title": {"text": title, "standoff": 14}, "automargin": True, **settings}


def figure(traces: Sequence[dict[str, Any]], **layout: Any) -> go.Figure:
    """A compact figure with the legend in a row on top; it keeps the reader's zoom when it is redrawn."""
    legend = {
        "orientation": "h", "xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom",
        "tracegroupgap": 0, "font": {"size": 11},
    }  # fmt: skip
    common = {
        "uirevision": "constant",
        "margin": {"l": 0, "r": 8, "t": TOP_MARGIN, "b": 0},
        "legend": legend,
        "hovermode": "closest",
    }
    return go.Figure(traces, common | layout)
