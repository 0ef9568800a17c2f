"""Figures of the claim about capacity: two series of networks, one that grows in width and one that grows in depth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.comparison.inference import Interval
from mlpcore.figures.style import ACCENT, NEUTRAL, axis, faded, figure, run_color

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Series:
    """Networks that grow in one respect.

    Attributes:
        name: what grows.
        labels: how large it is, per network.
        parameters: int64 [networks].
        accuracies: on the test images, 0 to 1, float64 [networks, seeds].
        gaps: training minus test accuracy, as a fraction, float64 [networks, seeds].
        seconds: of training, float64 [networks].
    """

    name: str
    labels: Sequence[str]
    parameters: npt.NDArray[np.int64]
    accuracies: Floats
    gaps: Floats
    seconds: Floats


def accuracy_by_size(by_width: Series, by_depth: Series) -> go.Figure:
    """How accurate are networks of each size? A dot per seed, a line through the means.

    A network of both series, the one in which they cross, is drawn in both.
    """
    traces: list[dict[str, Any]] = []
    for number, series in enumerate((by_width, by_depth), start=1):
        traces += [
            _seeds(series, number),
            {**_line(series, number, 100 * series.accuracies.mean(axis=1), ".2f", "%"), "name": series.name},
        ]
    return figure(traces, showlegend=True, xaxis=_parameters(), yaxis=axis("Test accuracy (%)"))


def gains_of_steps(names: Sequence[str], gains: Sequence[Floats], intervals: Sequence[Interval | None]) -> go.Figure:
    """What does each step gain? A row per step, the first on top: a dot per seed, mean and interval below them.

    Args:
        names: of the steps.
        gains: per step the accuracy gained with every seed, as a fraction.
        intervals: per step that of its mean; None for one without.
    """
    traces: list[dict[str, Any]] = []
    for row, (name, values, interval) in enumerate(zip(names, gains, intervals, strict=True)):
        mean = 100 * float(values.mean())
        low, high = (100 * end for end in interval) if interval else (mean, mean)
        traces += [
            {
                "x": 100 * values,
                "y": [row - 0.12] * len(values),
                "mode": "markers",
                "marker": {"size": 8, "color": faded(ACCENT, 0.45)},
                "hovertemplate": f"{name}, one seed: %{{x:+.2f}} points<extra></extra>",
            },
            {
                "x": [mean],
                "y": [row + 0.12],
                "mode": "markers+text",
                "marker": {"size": 11, "symbol": "diamond", "color": ACCENT},
                "error_x": {"array": [high - mean], "arrayminus": [mean - low], "color": ACCENT, "thickness": 2,
                            "width": 4, "visible": interval is not None},
                "text": [f"{mean:+.1f}"],
                "textposition": "bottom center",
                "hovertemplate": f"{name}: %{{x:+.2f}} points, 95 % interval {low:+.2f} to {high:+.2f}<extra></extra>",
            },
        ]  # fmt: skip
    return figure(
        traces,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        xaxis=axis("Gain (points)", zerolinecolor=NEUTRAL, zerolinewidth=2, rangemode="tozero"),
        yaxis=axis(
            tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.3, -0.5],
            fixedrange=True, showgrid=False, zeroline=False,
        ),
    )  # fmt: skip


def gap_and_time_by_size(by_width: Series, by_depth: Series) -> go.Figure:
    """What does size cost? The generalization gap above, training time below, over the same parameters."""
    traces: list[dict[str, Any]] = []
    for number, series in enumerate((by_width, by_depth), start=1):
        traces += [
            {**_line(series, number, 100 * series.gaps.mean(axis=1), ".2f", "points"), "name": series.name},
            {**_line(series, number, series.seconds, ".2f", "s"), "showlegend": False, "yaxis": "y2"},
        ]
    return figure(
        traces,
        showlegend=True,
        xaxis=_parameters(anchor="y2"),
        yaxis=axis("Gap (points)", domain=[0.55, 1], rangemode="tozero"),
        yaxis2=axis("Training (s)", domain=[0, 0.45], type="log", tickvals=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]),
    )


def _line(series: Series, number: int, values: Floats, form: str, unit: str) -> dict[str, Any]:
    """Through one value per network, with its label: those of the first series below, of the second above."""
    color = run_color(number)
    return {
        "x": series.parameters,
        "y": values,
        "mode": "lines+markers+text",
        "line": {"color": color, "width": 2, "dash": ["solid", "dot"][number - 1]},
        "marker": {"size": 9, "symbol": ["circle", "diamond"][number - 1], "color": color},
        "text": list(series.labels),
        "textfont": {"color": color},
        "textposition": ["bottom center", "top center"][number - 1],
        "legendgroup": series.name,
        "cliponaxis": False,
        "hovertemplate": f"{series.name}: %{{text}}<br>%{{x:,}} parameters<br>%{{y:{form}}} {unit}<extra></extra>",
    }


def _seeds(series: Series, number: int) -> dict[str, Any]:
    _, seeds = series.accuracies.shape
    return {
        "x": np.repeat(series.parameters, seeds),
        "y": 100 * series.accuracies.ravel(),
        "mode": "markers",
        "marker": {"size": 6, "color": faded(run_color(number), 0.35)},
        "customdata": np.repeat(list(series.labels), seeds),
        "legendgroup": series.name,
        "showlegend": False,
        "hovertemplate": f"{series.name}: %{{customdata}}, one seed<br>%{{y:.2f}} %<extra></extra>",
    }


def _parameters(**settings: Any) -> dict[str, Any]:
    return axis("Parameters", type="log", dtick=1, **settings)
