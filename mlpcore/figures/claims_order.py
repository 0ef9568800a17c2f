"""Figures of the claim about the order of the images; an order has the color of its place."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.figures.claims import seeds_and_mean
from mlpcore.figures.style import NEUTRAL, axis, faded, figure, run_color

Floats = npt.NDArray[np.floating]

MAX_POINTS = 300
"""Points of a line at most."""


def accuracy_per_order(names: Sequence[str], accuracies: Sequence[Floats]) -> go.Figure:
    """How accurate is each order in the end?

    A row per order, the first on top: a dot per seed, and the mean as a diamond with its figure below.

    Args:
        names: of the orders.
        accuracies: per order the test accuracy with every seed, 0 to 1.
    """
    traces: list[dict[str, Any]] = []
    for number, (name, values) in enumerate(zip(names, accuracies, strict=True), start=1):
        traces += seeds_and_mean(name, values, number)
    return figure(
        traces,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        xaxis=axis("Test accuracy (%)", range=[0, 112], tickvals=[0, 20, 40, 60, 80, 100]),
        yaxis=axis(type="category", range=[len(names) - 0.3, -0.5], fixedrange=True),
    )


def accuracy_per_digit(names: Sequence[str], accuracies: Sequence[Floats]) -> go.Figure:
    """Which digits does each order leave the network with?

    Bars are means over the seeds, whiskers reach from the lowest to the highest seed.

    Args:
        names: of the orders.
        accuracies: per order the share of every digit's test images that were recognized, [seeds, 10], 0 to 1.
    """
    traces = []
    for number, (name, values) in enumerate(zip(names, accuracies, strict=True), start=1):
        means, lows, highs = (100 * reduce(values, axis=0) for reduce in (np.mean, np.min, np.max))
        color = run_color(number)
        traces.append({
            "type": "bar",
            "name": name,
            "x": [str(digit) for digit in range(values.shape[1])],
            "y": means,
            "marker": {"color": faded(color, 0.6), "line": {"width": 0}},
            "error_y": {
                "array": highs - means, "arrayminus": means - lows, "visible": len(values) > 1, "color": color,
                "thickness": 1.5, "width": 2,
            },
            "customdata": np.column_stack([lows, highs]),
            "hovertemplate": f"{name}<br>%{{x}}: %{{y:.1f}} %, seeds %{{customdata[0]:.1f}} to "
            "%{customdata[1]:.1f} %<extra></extra>",
        })  # fmt: skip
    return figure(
        traces,
        showlegend=True,
        barmode="group",
        xaxis=axis("True digit", type="category"),
        yaxis=axis("Test accuracy (%)", range=[0, 100]),
    )


def loss_by_turns(shuffled: Floats, by_class: Floats, turns: Sequence[tuple[int, int]]) -> go.Figure:
    """What happens to the loss in an epoch when the digit changes?

    Args:
        shuffled, by_class: loss of every batch of an epoch, in nats, of the first and of the last order.
        turns: per digit its first batch in sorted order, and the one after its last, counted from 0.
    """
    traces = []
    for number, name, values in [(1, "Shuffled", shuffled), (3, "Sorted", by_class)]:
        bins = np.array_split(np.arange(len(values)), min(MAX_POINTS, len(values)))
        traces.append({
            "x": [float(batches.mean()) + 1 for batches in bins],
            "y": [float(values[batches].mean()) for batches in bins],
            "name": name,
            "mode": "lines",
            "line": {"color": run_color(number), "width": 1.5},
            "hovertemplate": f"{name}<br>batch %{{x:.0f}}: %{{y:.2f}} nats<extra></extra>",
        })  # fmt: skip
    changes = [{
        "type": "line", "xref": "x", "x0": start + 0.5, "x1": start + 0.5, "yref": "paper", "y0": 0, "y1": 1,
        "line": {"color": faded(NEUTRAL, 0.35), "width": 1, "dash": "dot"},
    } for start, _ in turns[1:]]  # fmt: skip
    return figure(
        traces,
        showlegend=True,
        shapes=changes,
        xaxis=axis(
            "Digit shown, where sorted",
            range=[0, len(by_class) + 1],
            tickvals=[(start + end + 1) / 2 for start, end in turns],
            ticktext=[str(digit) for digit in range(len(turns))],
            showgrid=False,
            zeroline=False,
        ),
        yaxis=axis("Training loss (nats)", rangemode="tozero"),
    )
