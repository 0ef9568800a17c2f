"""Figures of the claim about batch sizes; a size has the color of its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.figures.style import NEUTRAL, axis, faded, figure, run_color

Floats = npt.NDArray[np.floating]

UPDATES, IMAGES, SECONDS = "Updates", "Images seen", "Seconds"

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")


@dataclass(frozen=True, eq=False)
class Course:
    """How the loss fell with batches of one size.

    Attributes:
        size: images in a batch.
        images_per_epoch, updates_per_epoch: what an epoch takes of either.
        seconds_per_update: as measured.
        losses: on validation images after every epoch, in nats, [seeds, epochs].
    """

    size: int
    images_per_epoch: int
    updates_per_epoch: int
    seconds_per_update: float
    losses: Floats

    def spent(self, measure: str) -> float:
        """What an epoch takes of `UPDATES`, `IMAGES` or `SECONDS`."""
        return {
            UPDATES: self.updates_per_epoch,
            IMAGES: self.images_per_epoch,
            SECONDS: self.updates_per_epoch * self.seconds_per_update,
        }[measure]


def cost_of_goal(sizes: Sequence[int], spent: Mapping[str, Mapping[int, Floats]]) -> go.Figure:
    """What does each batch size take to the goal, as times of what the thriftiest size takes?

    Lines go through the means of the seeds, whiskers reach from the lowest to the highest.

    Args:
        sizes: images in a batch, of all sizes, ascending.
        spent: of `UPDATES`, `IMAGES` and `SECONDS`, by the size of a batch, with every seed, [seeds]; sizes left out
            are not drawn.
    """
    traces = []
    for number, (measure, values) in enumerate(spent.items(), start=1):
        means, lows, highs = (
            np.array([reduce(values[size]) for size in values]) for reduce in (np.mean, np.min, np.max)
        )
        lowest = means.min() if len(means) else 1.0
        color = run_color(number)
        traces.append({
            "x": list(values),
            "y": means / lowest,
            "name": measure,
            "mode": "lines+markers",
            "line": {"color": color, "width": 2.5, "dash": ("dash", "dot", "solid")[number - 1]},
            "marker": {"size": 9, "symbol": _SYMBOLS[number - 1], "color": color},
            "error_y": {
                "array": (highs - means) / lowest, "arrayminus": (means - lows) / lowest, "color": color,
                "thickness": 1.5, "width": 3,
            },
            "customdata": means,
            "hovertemplate": f"batch size %{{x:,}}<br>{measure}: %{{customdata:,.4~g}}, %{{y:.3~g}} times the "
            "lowest<extra></extra>",
        })  # fmt: skip
    return figure(
        traces,
        showlegend=True,
        xaxis=_sizes(sizes),
        yaxis=axis("Times the lowest", type="log", dtick=1),
    )


def loss_by_cost(courses: Sequence[Course], goal: float) -> go.Figure:
    """How does the validation loss fall with updates, with images and with seconds? One panel for each.

    Lines are means over the seeds, bands reach from the lowest to the highest.

    Args:
        courses: of all sizes, ascending.
        goal: validation loss to mark with a line, in nats.
    """
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    panels = (UPDATES, IMAGES, SECONDS)
    for panel, measure in enumerate(panels, start=1):
        suffix = "" if panel == 1 else str(panel)
        bottom = (len(panels) - panel) / len(panels)
        layout[f"xaxis{suffix}"] = axis(measure, type="log", dtick=1, anchor=f"y{suffix}")
        layout[f"yaxis{suffix}"] = axis(
            "Loss (nats)",
            type="log",
            tickvals=[0.2, 0.5, 1, 2],
            domain=[bottom + (0.08 if bottom else 0), bottom + 0.31],
            anchor=f"x{suffix}",
        )
        for number, course in enumerate(courses, start=1):
            traces += [
                {**trace, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "showlegend": panel == 1 and "name" in trace}
                for trace in _mean_and_band(course, measure, run_color(number), courses[-1] is course)
            ]
    lines = [{
        "type": "line", "xref": "x domain" if panel == 1 else f"x{panel} domain", "x0": 0, "x1": 1,
        "yref": "y" if panel == 1 else f"y{panel}", "y0": goal, "y1": goal,
        "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"},
    } for panel in range(1, len(panels) + 1)]  # fmt: skip
    return figure(traces, showlegend=True, shapes=lines, **layout)


def agreement_by_size(sizes: Sequence[int], cosines: Mapping[str, Floats]) -> go.Figure:
    """How well does a batch's gradient point the way of that of all images?

    A dot per batch, a line through the means.

    Args:
        sizes: images in a batch, ascending.
        cosines: by the model's name, of the angles between both gradients, [sizes, batches].
    """
    traces: list[dict[str, Any]] = []
    for number, (name, values) in enumerate(cosines.items(), start=1):
        color = run_color(number)
        # Side by side, so that the dots of one model do not hide those of the other.
        beside = np.array(sizes) * (0.88 if number == 1 else 1.14)
        traces += [
            {
                "x": np.repeat(beside, values.shape[1]),
                "y": values.ravel(),
                "mode": "markers",
                "marker": {"size": 6, "color": faded(color, 0.35)},
                "customdata": np.repeat(sizes, values.shape[1]),
                "legendgroup": name,
                "showlegend": False,
                "hovertemplate": f"{name}, one batch of %{{customdata:,}}: %{{y:.2f}}<extra></extra>",
            },
            {
                "x": beside,
                "y": values.mean(axis=1),
                "name": name,
                "legendgroup": name,
                "mode": "lines+markers",
                "line": {"color": color, "width": 2.5},
                "marker": {"size": 9, "symbol": _SYMBOLS[number - 1], "color": color},
                "customdata": np.column_stack([sizes, values.std(axis=1)]),
                "hovertemplate": f"{name}, batches of %{{customdata[0]:,}}: %{{y:.2f}}, standard deviation "
                "%{customdata[1]:.2f}<extra></extra>",
            },
        ]
    return figure(
        traces,
        showlegend=True,
        xaxis=_sizes(sizes),
        yaxis=axis("Cosine of the angle", zerolinecolor=NEUTRAL, zerolinewidth=1.5),
    )


def _mean_and_band(course: Course, measure: str, color: str, is_full: bool) -> list[dict[str, Any]]:
    name = "all" if is_full else f"{course.size:,}"
    lows, means, highs = (reduce(course.losses, axis=0) for reduce in (np.min, np.mean, np.max))
    common = {
        "x": course.spent(measure) * np.arange(1, course.losses.shape[1] + 1), "mode": "lines", "legendgroup": name,
    }  # fmt: skip
    edge = {**common, "line": {"color": faded(color, 0), "width": 0}, "hoverinfo": "skip"}
    return [
        {**edge, "y": lows},
        {**edge, "y": highs, "fill": "tonexty", "fillcolor": faded(color, 0.18)},
        {
            **common,
            "y": means,
            "name": name,
            "mode": "lines+markers",
            "line": {"color": color, "width": 2},
            "marker": {"size": 4, "color": color},
            "hovertemplate": f"batch size {name}<br>{measure}: %{{x:,.4~g}}<br>loss %{{y:.3f}} nats<extra></extra>",
        },
    ]


def _sizes(sizes: Sequence[int]) -> dict[str, Any]:
    return axis("Batch size (images)", type="log", tickvals=list(sizes), ticktext=[f"{size:,}" for size in sizes])
