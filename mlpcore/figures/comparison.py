"""Figures of several experiments side by side; each has the color that `run_color` gives to its place."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.comparison.agreement import Agreement
from mlpcore.comparison.results import Comparison, Summary
from mlpcore.figures.style import ACCENT, NEUTRAL, axis, faded, figure, run_color
from mlpcore.history import History

Quantity = Literal["loss", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]

_TITLES: dict[Quantity, str] = {
    "loss": "Training loss, mean of steps (nats)",
    "train_loss": "Loss on the training sample (nats)",
    "train_accuracy": "Accuracy on the training sample (%)",
    "val_loss": "Validation loss (nats)",
    "val_accuracy": "Validation accuracy (%)",
}

MAX_POINTS = 300
"""Points of a line at most, and dots of single runs of one experiment."""

_DOTS_APART, _DOTS_BELOW, _MEAN_BELOW = 0.32, 0.06, 0.4
"""How far the dots of one experiment are spread across their row, so that equal accuracies are all seen, and how far
below its middle they and their mean lie, since its name stands at its top."""


def accuracy_over_seeds(comparison: Comparison) -> go.Figure:
    """How accurate is each experiment with every seed, and how sure is its mean?

    A row per experiment, the first on top: a dot per seed, and below them the mean with its 95 % interval.
    """
    traces: list[dict[str, Any]] = []
    names = []
    for number, summary in enumerate(comparison.summaries, start=1):
        row = -float(number)
        color = run_color(number)
        names.append({
            "text": summary.name, "showarrow": False, "xref": "paper", "x": 0, "xanchor": "left",
            "y": row + 0.5, "yanchor": "top",
        })  # fmt: skip
        if summary.mean is None:
            continue
        traces += [
            {
                "x": 100 * summary.accuracies,
                "y": row - _DOTS_BELOW + _spread_out(len(summary.runs)) * _DOTS_APART,
                "mode": "markers",
                "marker": {"size": 9, "color": faded(color, 0.7)},
                "customdata": [run.seed for run in summary.runs],
                "hovertemplate": f"{summary.name}<br>seed %{{customdata}}: %{{x:.2f}} %<extra></extra>",
            },
            {
                "x": [100 * summary.mean],
                "y": [row - _MEAN_BELOW],
                "mode": "markers",
                "marker": {"size": 11, "symbol": "diamond", "color": color},
                "error_x": _whiskers(summary, color),
                "hovertemplate": f"{summary.name}<br>{_mean_in_words(summary)}<extra></extra>",
            },
        ]
    rows = len(comparison.summaries)
    return figure(
        traces,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        annotations=names,
        xaxis=axis("Test accuracy (%)", autorangeoptions={"clipmax": 100}),
        yaxis=axis(range=[-rows - 0.6, -0.4], visible=False, fixedrange=True),
    )


def curves_over_seeds(
    names: Sequence[str], histories: Sequence[Sequence[History]], quantity: Quantity, epochs: int
) -> go.Figure:
    """How does each experiment get on from epoch to epoch, and how much does the seed matter?

    The line is the mean over the seeds that have come so far, the band reaches from the lowest to the highest of them,
    dots are single runs. With up to a few hundred dots there is one per epoch and run, else every 2nd epoch and so on.

    Args:
        names: what the experiments are called.
        histories: per experiment the histories of its runs, which may still grow, or be empty.
        quantity: which of an epoch's figures; an experiment without validation images has no line for those.
        epochs: of the longest run, once it is over.
    """
    scale = 100 if quantity.endswith("accuracy") else 1
    unit = "%" if scale == 100 else "nats"
    traces: list[dict[str, Any]] = []
    # Plotly takes some HTML for what it is, and anybody may name a run.
    texts = [escape(name, quote=False) for name in names]
    for number, (name, runs) in enumerate(zip(texts, histories, strict=True), start=1):
        values = _per_epoch(runs, quantity) * scale
        if not values.size:
            continue
        color = run_color(number)
        shown = _every(len(values), epochs)
        counts = (~np.isnan(values)).sum(axis=1)[shown]
        means, lows, highs = (reduce(values[shown], axis=1) for reduce in (np.nanmean, np.nanmin, np.nanmax))
        group = {"x": shown + 1, "legendgroup": name}
        edge = {**group, "mode": "lines", "line": {"color": faded(color, 0), "width": 0}, "hoverinfo": "skip"}
        line = {
            **group,
            "y": means,
            "name": name,
            "mode": "lines+markers" if len(shown) == 1 else "lines",
            "line": {"color": color, "width": 2},
            "marker": {"size": 7},
            "customdata": np.column_stack([lows, highs, counts]),
            "hovertemplate": f"{name}<br>epoch %{{x}}: %{{y:.4~g}} {unit}",
        }
        if values.shape[1] == 1:
            traces.append(line | {"hovertemplate": line["hovertemplate"] + "<extra></extra>"})
            continue
        line["hovertemplate"] += ", mean of %{customdata[2]}<br>lowest %{customdata[0]:.4~g}, highest %{customdata[1]:.4~g}<extra></extra>"  # noqa: E501  # fmt: skip
        traces += [
            {**edge, "y": lows, "showlegend": False},
            {**edge, "y": highs, "showlegend": False, "fill": "tonexty", "fillcolor": faded(color, 0.18)},
            line,
            _dots(values, _every(len(values), epochs * values.shape[1]), name, color),
        ]
    margin = max(0.25, 0.03 * epochs)
    between_ticks = next(size for size in (1, 2, 5, 10, 20, 50, 100, 200) if epochs <= 8 * size)
    limits = {"autorangeoptions": {"clipmax": 100}} if scale == 100 else {"rangemode": "tozero"}
    return figure(
        traces,
        showlegend=True,
        xaxis=axis("Epoch", range=[1 - margin, epochs + margin], tick0=0, dtick=between_ticks, zeroline=False),
        yaxis=axis(_TITLES[quantity], **limits),
    )


def agreement_matrix(agreement: Agreement, names: tuple[str, str], classes: Sequence[str]) -> go.Figure:
    """Where two models give different answers, what does each say?

    The diagonal, where both say the same, is left out of the color scale.
    """
    counts = agreement.answers
    on_diagonal = np.eye(len(classes), dtype=bool)
    first, second = names
    rows, columns = np.array(classes)[np.indices(counts.shape)]
    cells = {"type": "heatmap", "x": classes, "y": classes, "showscale": False, "xgap": 1, "ygap": 1}
    # On the strongest tint, too, text in the theme's color is readable, be it dark on light or light on dark.
    different = {
        **cells,
        "z": np.where(on_diagonal | (counts == 0), np.nan, counts),
        "zmin": 0,
        "zmax": counts[~on_diagonal].max(initial=1),
        "colorscale": [(0.0, faded(ACCENT, 0.08)), (1.0, faded(ACCENT, 0.5))],
        "hoverongaps": True,
        "text": [
            [f"{first}: {a}<br>{second}: {b}<br>{count:,} images" for b, count in zip(classes, row, strict=True)]
            for a, row in zip(classes, counts, strict=True)
        ],
        "hovertemplate": "%{text}<extra></extra>",
    }
    same = {
        **cells,
        "z": np.where(on_diagonal, 1.0, np.nan),
        "colorscale": [(0.0, faded(NEUTRAL, 0.2)), (1.0, faded(NEUTRAL, 0.2))],
        "hoverinfo": "skip",
    }
    numbers = {
        "x": columns[counts > 0],
        "y": rows[counts > 0],
        "mode": "text",
        "text": counts[counts > 0],
        "textfont": {"size": 10},
        "hoverinfo": "skip",
    }
    return figure(
        [same, different, numbers],
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        xaxis=axis(f"Answer of: {second}", type="category", showgrid=False),
        yaxis=axis(f"Answer of: {first}", type="category", autorange="reversed", showgrid=False),
    )


def class_accuracies_compared(comparison: Comparison, classes: Sequence[str]) -> go.Figure:
    """Which classes does each experiment know best and least?

    Bars are means over the seeds, whiskers reach from the lowest to the highest seed. The axis is cut below where
    nothing happens, and says so.
    """
    traces: list[dict[str, Any]] = []
    lowest = 100.0
    for number, summary in enumerate(comparison.summaries, start=1):
        if not summary.runs:
            continue
        shares = 100 * np.array([run.test.class_accuracies for run in summary.runs])
        means, lows, highs = shares.mean(axis=0), shares.min(axis=0), shares.max(axis=0)
        lowest = float(np.nanmin(lows, initial=lowest))
        color = run_color(number)
        traces.append({
            "type": "bar",
            "name": summary.name,
            "x": classes,
            "y": means,
            "marker": {"color": faded(color, 0.6), "line": {"width": 0}},
            "error_y": {
                "array": highs - means, "arrayminus": means - lows, "visible": len(summary.runs) > 1, "color": color,
                "thickness": 1.5, "width": 2,
            },
            "customdata": np.column_stack([lows, highs]),
            "hovertemplate": f"{summary.name}<br>%{{x}}: %{{y:.1f}} %"
            + (", seeds %{customdata[0]:.1f} to %{customdata[1]:.1f} %" if len(summary.runs) > 1 else "")
            + "<extra></extra>",
        })  # fmt: skip
    cut = 5 * int(lowest // 5) if 50 <= lowest < 100 else 0
    return figure(
        traces,
        showlegend=True,
        barmode="group",
        xaxis=axis("True class", type="category"),
        yaxis=axis(f"Accuracy (%), axis cut at {cut} %" if cut else "Accuracy (%)", range=[cut, 100]),
    )


def accuracy_against_parameters(comparison: Comparison) -> go.Figure:
    """What does a larger model bring?

    A mark per experiment at its mean accuracy, with the 95 % interval over seeds; the parameters on a logarithmic axis.
    """
    traces = [
        {
            "x": [summary.parameters],
            "y": [100 * summary.mean],
            "name": summary.name,
            "mode": "markers",
            "marker": {"size": 11, "symbol": "diamond", "color": run_color(number)},
            "error_y": _whiskers(summary, run_color(number)),
            "hovertemplate": f"{summary.name}<br>%{{x:,}} parameters<br>{_mean_in_words(summary)}<extra></extra>",
        }
        for number, summary in enumerate(comparison.summaries, start=1)
        if summary.mean is not None
    ]
    return figure(
        traces,
        showlegend=True,
        xaxis=axis("Parameters", type="log", dtick="D2", tickformat="~s"),
        yaxis=axis("Test accuracy (%)", autorangeoptions={"clipmax": 100}),
    )


def _spread_out(count: int) -> npt.NDArray[np.floating]:
    """Heights of `count` dots between -0.5 and 0.5: like random ones, but the same each time, and never close.

    The multiples of the golden ratio, modulo 1, fill the range evenly however many there are.
    """
    golden = (math.sqrt(5) - 1) / 2
    heights: npt.NDArray[np.floating] = (0.5 + golden * np.arange(count)) % 1 - 0.5
    return heights


def _whiskers(summary: Summary, color: str) -> dict[str, Any]:
    """The 95 % interval of the mean accuracy, as Plotly takes it; hidden where there is none."""
    if summary.interval is None or summary.mean is None:
        return {"visible": False}
    low, high = summary.interval
    return {
        "array": [100 * (high - summary.mean)],
        "arrayminus": [100 * (summary.mean - low)],
        "color": color,
        "thickness": 2,
        "width": 5,
    }


def _mean_in_words(summary: Summary) -> str:
    assert summary.mean is not None
    count = len(summary.runs)
    mean = (
        f"mean of {count} seeds: {100 * summary.mean:.2f} %" if count > 1 else f"one seed: {100 * summary.mean:.2f} %"
    )
    if summary.interval is None:
        return mean
    low, high = summary.interval
    return f"{mean}<br>95 % interval {100 * low:.2f} to {100 * high:.2f} %"


def _per_epoch(runs: Sequence[History], quantity: Quantity) -> npt.NDArray[np.float64]:
    """The epochs' figures, float64 [epochs, runs], without runs that have none; NaN where a run has not come so far."""
    series = [[getattr(record, quantity) for record in run.epochs] for run in runs]
    measured = [values for values in series if values and values[0] is not None]
    table = np.full((max(map(len, measured), default=0), len(measured)), np.nan)
    for column, values in enumerate(measured):
        table[: len(values), column] = values
    return table


def _every(so_far: int, points: int) -> npt.NDArray[np.int64]:
    """Places of the epochs to show, out of those so far, if all would make `points` in the end; the last one always."""
    stride = math.ceil(points / MAX_POINTS)
    return np.unique(np.append(np.arange(0, so_far, stride), so_far - 1))


def _dots(values: npt.NDArray[np.float64], shown: npt.NDArray[np.int64], name: str, color: str) -> dict[str, Any]:
    """A dot per run at each of the epochs `shown`."""
    epochs = np.repeat(shown + 1, values.shape[1])
    heights = values[shown].ravel()
    there = ~np.isnan(heights)
    return {
        "x": epochs[there],
        "y": heights[there],
        "mode": "markers",
        "marker": {"size": 4, "color": faded(color, 0.5)},
        "legendgroup": name,
        "showlegend": False,
        "hoverinfo": "skip",
    }
