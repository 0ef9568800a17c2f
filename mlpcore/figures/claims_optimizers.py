"""Figures of the claim about optimizers; an optimizer has the color of its place."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.figures.claims import seeds_and_mean
from mlpcore.figures.style import NEUTRAL, axis, figure, run_color

Floats = npt.NDArray[np.floating]

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")


def accuracy_by_rate(rates: Sequence[float], accuracies: Mapping[str, Floats], common: float) -> go.Figure:
    """Which learning rate suits which optimizer?

    Args:
        rates: tried, ascending.
        accuracies: by the optimizer's name, on validation images at each rate, [rates], 0 to 1; NaN where it diverged.
        common: the rate to mark with a line.
    """
    traces = []
    for number, (name, values) in enumerate(accuracies.items(), start=1):
        color = run_color(number)
        traces.append({
            "x": list(rates),
            "y": 100 * values,
            "name": name,
            "mode": "lines+markers",
            "line": {"color": color, "width": 2},
            "marker": {"size": 8, "symbol": _SYMBOLS[(number - 1) % len(_SYMBOLS)], "color": color},
            "hovertemplate": f"{name}, rate %{{x:g}}: %{{y:.1f}} %<extra></extra>",
        })  # fmt: skip
    return figure(
        traces,
        showlegend=True,
        # Five names take two rows on a phone.
        margin={"l": 0, "r": 8, "t": 48, "b": 0},
        shapes=[{
            "type": "line", "xref": "x", "x0": common, "x1": common, "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"},
        }],
        xaxis=axis("Learning rate", type="log", dtick=1, tickformat="~g"),
        yaxis=axis("Validation accuracy (%)", rangemode="tozero"),
    )  # fmt: skip


def accuracy_by_optimizer(accuracies: Mapping[str, Floats], rates: Mapping[str, float]) -> go.Figure:
    """How accurate is each optimizer on test images?

    A row per optimizer, the first on top: a dot per seed, and the mean as a diamond with its figure below.

    Args:
        accuracies: by the optimizer's name, with every seed, [seeds], 0 to 1.
        rates: by the optimizer's name, the learning rate that it had.
    """
    traces: list[dict[str, Any]] = []
    everything = 100 * np.concatenate(list(accuracies.values()))
    room = max(float(np.ptp(everything)), 0.5) / 8
    rows = [f"{name}, {rates[name]:g}" for name in accuracies]
    for number, (row, values) in enumerate(zip(rows, accuracies.values(), strict=True), start=1):
        traces += seeds_and_mean(row, values, number)
    return figure(
        traces,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        # Room for the figures below the outermost diamonds.
        xaxis=axis("Test accuracy (%)", range=[everything.min() - room, everything.max() + room]),
        yaxis=axis(type="category", range=[len(rows) - 0.3, -0.5], fixedrange=True),
    )
