"""Figures of a training run, and of the learning-rate test."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from scipy.signal import lfilter

from mlpcore.experiment import CLASSES
from mlpcore.figures.style import ACCENT, NEUTRAL, TRAIN, VALIDATION, axis, faded, figure, layer_styles
from mlpcore.history import EpochRecord, HealthRecord, History

MAX_POINTS = 300
"""Maximum number of points of a line."""

MAX_MARKERS = 40
"""Lines of up to this many points have markers."""

_LOSS_TITLE = "Cross-entropy loss (nats)"
_LOG = {"type": "log", "tickformat": "~g", "minorloglabels": "complete"}

_USUAL_UPDATE = 0.001

Floats = npt.NDArray[np.floating]
_Record = TypeVar("_Record", EpochRecord, HealthRecord)


class _Bins(NamedTuple):
    """Bins of steps of equal width, except for the last; each array has a number per bin."""

    first: npt.NDArray[np.integer]
    last: npt.NDArray[np.integer]
    low: Floats
    mean: Floats
    high: Floats

    @property
    def middle(self) -> Floats:
        return (self.first + self.last) / 2


def _bin_width(total_steps: int) -> int:
    """Steps per bin. It depends only on the length of the whole run, so that bins do not move as the run progresses."""
    return math.ceil(total_steps / MAX_POINTS)


def _binned(values: Floats, total_steps: int) -> _Bins:
    """Bins of the values at steps 1, 2, …, up to the first that is infinite or not a number."""
    finite = np.isfinite(values)
    values = values if finite.all() else values[: finite.argmin()]
    width = _bin_width(total_steps)
    starts = np.arange(0, len(values), width)
    ends = np.minimum(starts + width, len(values))
    return _Bins(
        first=starts + 1,
        last=ends,
        low=np.minimum.reduceat(values, starts),
        mean=np.add.reduceat(values, starts, dtype=np.float64) / (ends - starts),
        high=np.maximum.reduceat(values, starts),
    )


def _smoothed(values: Floats, smoothing: float) -> Floats:
    """Exponential moving average with bias correction: the weights of the values so far add up to 1."""
    weights = 1 - smoothing ** np.arange(1, len(values) + 1)
    average: Floats = lfilter([1 - smoothing], [1, -smoothing], values) / weights
    return average


def _line_mode(points: int) -> str:
    """Lines, with markers if there are few points: a line with one point would be invisible."""
    return "lines+markers" if points <= MAX_MARKERS else "lines"


def _step_axis(total_steps: int) -> dict[str, Any]:
    return axis("Step", range=[0, total_steps], exponentformat="none", separatethousands=True)


def loss_per_step(
    history: History, total_steps: int, *, smoothing: float = 0.0, log: bool = False, color: str
) -> go.Figure:
    """Is the loss falling, how fast, and how much does it differ from batch to batch?

    The line is the mean loss of each bin of steps, the band goes from the lowest to the highest loss in it. With
    `smoothing` (0 to 0.99) the line is the exponential moving average of the means with bias correction, with weight
    1 - `smoothing` for each new mean; the band is not smoothed. A run that diverged is shown up to that step.
    """
    bins = _binned(history.losses, total_steps)
    # A logarithmic axis cannot show a loss of 0: the band ends at the lowest positive number.
    drawn = np.concatenate([bins.low, bins.mean])
    floor = drawn[drawn > 0].min(initial=np.inf) if log else 0.0
    edge = {
        "x": bins.middle,
        "mode": "lines",
        "line": {"color": faded(color, 0.4), "width": 1},
        "hoverinfo": "skip",
        "legendgroup": "range",
    }
    width = _bin_width(total_steps)
    single = width == 1
    mean = "Loss of the step" if single else f"Mean of {width:,} steps"
    guessing = math.log(CLASSES)
    traces = [
        {**edge, "y": np.maximum(bins.low, floor), "showlegend": False},
        {
            **edge,
            "y": np.maximum(bins.high, floor),
            "fill": "tonexty",
            "fillcolor": faded(color, 0.25),
            "name": "As measured" if single else "Range",
        },
        {
            "x": bins.middle,
            "y": _smoothed(bins.mean, smoothing),
            "mode": _line_mode(len(bins.mean)),
            "line": {"color": color, "width": 2},
            "marker": {"size": 6},
            "name": "Smoothed" if smoothing else mean,
            "customdata": np.column_stack(bins).astype(np.float32),
            "hovertemplate": (
                "Step %{customdata[0]:,}: %{customdata[3]:.4~g} nats"
                if single
                else "Steps %{customdata[0]:,} to %{customdata[1]:,}<br>mean %{customdata[3]:.4~g} nats, "
                "range %{customdata[2]:.4~g} to %{customdata[4]:.4~g}"
            )
            + ("<br>smoothed %{y:.4~g} nats" if smoothing else "")
            + "<extra></extra>",
        },
        _reference([0, total_steps], guessing),
    ]
    yaxis = axis(_LOSS_TITLE, **_LOG) if log else axis(_LOSS_TITLE, rangemode="tozero")
    label = {
        "text": f"guessing: ln {CLASSES} = {guessing:.3f}",
        "showarrow": False,
        "xref": "paper", "x": 1, "xanchor": "right",
        "y": math.log10(guessing) if log else guessing,
        # There is room below the line, unless a much larger loss pushes it down to the step axis.
        "yanchor": "bottom" if bins.high.max(initial=0) > 2 * guessing else "top",
    }  # fmt: skip
    return figure(traces, xaxis=_step_axis(total_steps), yaxis=yaxis, annotations=[label])


def _reference(x: Sequence[float], y: float, **settings: Any) -> dict[str, Any]:
    """A faint dotted line at `y`: a trace, not a shape, so that the axis always includes it."""
    return {
        "x": x,
        "y": [y, y],
        "mode": "lines",
        "line": {"color": NEUTRAL, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
        **settings,
    }


def learning_rate(history: History, total_steps: int) -> go.Figure:
    """Which learning rate did each step use?"""
    bins = _binned(history.rates, total_steps)
    trace = {
        "x": bins.middle,
        "y": bins.mean,
        "mode": _line_mode(len(bins.mean)),
        "line": {"color": ACCENT, "width": 2},
        "marker": {"size": 6},
        "hovertemplate": "Step %{x:,.0f}: learning rate %{y:.3~g}<extra></extra>",
    }
    return figure(
        [trace],
        xaxis=_step_axis(total_steps),
        yaxis=axis("Learning rate", rangemode="tozero", tickformat="~g"),
    )


def loss_per_epoch(history: History, epochs: int) -> go.Figure:
    """Does the model generalize to images that it was not trained on, and how long should it be trained?

    The mean over an epoch's steps is measured while the weights change, the other two with the weights at its end.
    """
    records = _thinned(history.epochs)
    steps_mean = _epoch_line(records, [record.loss for record in records], TRAIN, "Mean of steps", "nats")
    steps_mean["line"] |= {"dash": "dot"}
    steps_mean["marker"] |= {"symbol": "circle-open"}
    return _per_epoch(
        [
            steps_mean,
            _epoch_line(records, [record.train_loss for record in records], TRAIN, "Training sample", "nats"),
            *_validation(history.best_epoch, records, "val_loss", 1, "nats"),
        ],
        epochs,
        axis(_LOSS_TITLE, rangemode="tozero"),
    )


def accuracy_per_epoch(history: History, epochs: int) -> go.Figure:
    """What is the accuracy on training and validation images after each epoch?"""
    records = _thinned(history.epochs)
    accuracies = [100 * record.train_accuracy for record in records]
    limits = {"autorangeoptions": {"clipmax": 100}} if records else {"range": [0, 100]}
    return _per_epoch(
        [
            _epoch_line(records, accuracies, TRAIN, "Training sample", "%"),
            *_validation(history.best_epoch, records, "val_accuracy", 100, "%"),
        ],
        epochs,
        axis("Accuracy (%)", **limits),
    )


def _epoch_line(
    records: Sequence[EpochRecord], values: Sequence[float | None], color: str, name: str, unit: str
) -> dict[str, Any]:
    return {
        "x": [record.epoch for record in records],
        "y": np.array(values, np.float64),
        "mode": _line_mode(len(records)),
        "line": {"color": color, "width": 2},
        "marker": {"size": 7},
        "cliponaxis": False,
        "name": name,
        "hovertemplate": f"Epoch %{{x}}<br>{name}: %{{y:.4~g}} {unit}<extra></extra>",
    }


def _validation(
    best: EpochRecord | None, records: Sequence[EpochRecord], field: str, scale: float, unit: str
) -> list[dict[str, Any]]:
    """The line of the validation images, and the mark of the epoch whose loss on them is lowest; none without them."""
    if best is None:
        return []

    def line(shown: Sequence[EpochRecord], name: str) -> dict[str, Any]:
        return _epoch_line(shown, [scale * getattr(record, field) for record in shown], VALIDATION, name, unit)

    mark = line([best], "Best epoch") | {
        "mode": "markers",
        "marker": {"size": 14, "symbol": "circle-open", "color": VALIDATION, "line": {"width": 2}},
        "hovertemplate": f"Epoch %{{x}}, lowest validation loss<br>Validation: %{{y:.4~g}} {unit}<extra></extra>",
    }
    return [line(records, "Validation"), mark]


def _per_epoch(traces: list[dict[str, Any]], epochs: int, yaxis: dict[str, Any]) -> go.Figure:
    margin = max(0.25, 0.03 * epochs)
    between_ticks = next(size for size in (1, 2, 5, 10, 20, 50, 100, 200) if epochs <= 8 * size)
    xaxis = axis("Epoch", range=[1 - margin, epochs + margin], tick0=0, dtick=between_ticks, zeroline=False)
    return figure(traces, showlegend=True, xaxis=xaxis, yaxis=yaxis)


def _thinned(records: Sequence[_Record]) -> list[_Record]:
    """All records, or every 2nd, 4th, …, so that a line does not get too many points; the last one always.

    With powers of two, a growing line keeps its points until it is twice as long.
    """
    records = list(records)
    stride = 1
    while len(records) > stride * (MAX_POINTS - 1):
        stride *= 2
    kept = records[::stride]
    if (len(records) - 1) % stride:
        kept.append(records[-1])
    return kept


def layer_health(history: History, total_steps: int) -> go.Figure:
    """Does every layer learn, or are ReLUs dead, gradients vanishing or exploding, updates too small or too large?

    As a rule of thumb, updates are about a thousandth of the weights with a good learning rate. The row of dead ReLUs
    is shown if there are layers with ReLU.
    """
    records = _thinned(history.health)
    steps = np.array([record.step for record in records])
    layers = len(records[0].layers) if records else 0
    shares, norms, ratios = (
        np.array([[getattr(layer, field) for layer in record.layers] for record in records], np.float64)
        for field in ("dead_share", "gradient_norm", "update_ratio")
    )
    rows = [
        ("Gradient norm", norms, "gradient norm %{y:.3~g}", _LOG),
        (f"Update ÷ weights (rule of thumb: {_USUAL_UPDATE})", ratios, "update ÷ weights %{y:.3~g}", _LOG),
    ]
    if not np.isnan(shares).all():
        rows.insert(0, ("Dead ReLUs (% of the layer)", 100 * shares, "%{y:.1f} % dead", {"rangemode": "tozero"}))
    traces, axes, titles = [], {}, []
    height = 1 / len(rows)
    for number, (title, values, hover, settings) in enumerate(rows, start=1):
        suffix = "" if number == 1 else str(number)
        bottom = 1 - number * height
        axes[f"yaxis{suffix}"] = axis(domain=[bottom, bottom + 0.75 * height], nticks=4, **settings)
        titles.append({
            "text": title, "showarrow": False, "xref": "paper", "x": 0, "xanchor": "left",
            "yref": f"y{suffix} domain", "y": 1, "yanchor": "bottom",
        })  # fmt: skip
        for index, (name, color) in enumerate(layer_styles(layers)):
            traces.append({
                "x": steps, "y": values[:, index], "yaxis": f"y{suffix}", "mode": _line_mode(len(steps)),
                "line": {"color": color, "width": 1.5}, "marker": {"size": 6},
                "name": name, "legendgroup": name, "showlegend": number == len(rows),
                "hovertemplate": f"{name}, step %{{x:,}}<br>{hover}<extra></extra>",
            })  # fmt: skip
    traces.append(_reference([0, total_steps], _USUAL_UPDATE, yaxis=f"y{len(rows)}"))
    xaxis = _step_axis(total_steps) | {"anchor": f"y{len(rows)}"}
    return figure(traces, xaxis=xaxis, annotations=titles, **axes)


def rate_finder(rates: Floats, losses: Floats, suggestion: float | None) -> go.Figure:
    """At which learning rates does the loss fall fastest, and where does training break down?

    The loss axis ends at twice the first loss, so the curve may leave the chart at the top, where training diverges.
    """
    top = 2 * losses[0] if len(losses) else 1.0
    curve = {
        "x": rates,
        "y": losses,
        "mode": "lines+markers",
        "line": {"color": TRAIN, "width": 1},
        "marker": {"size": 7},
        "showlegend": False,
        "hovertemplate": "Learning rate %{x:.2~g}<br>loss %{y:.4~g} nats<extra></extra>",
    }
    traces = [curve]
    if suggestion is not None:
        side = "left" if suggestion**2 > rates[0] * rates[-1] else "right"
        traces.append({
            "x": [suggestion, suggestion],
            "y": [0, top],
            "mode": "lines+text",
            "text": ["", f"suggested: {suggestion:.2g}"],
            "textposition": f"bottom {side}",
            "line": {"color": ACCENT, "width": 2, "dash": "dash"},
            "hoverinfo": "skip",
            "showlegend": False,
        })  # fmt: skip
    return figure(
        traces,
        hovermode="x",  # a click anywhere above or below a point takes its rate
        xaxis=axis("Learning rate", type="log", dtick=1, exponentformat="power"),
        yaxis=axis(_LOSS_TITLE, range=[0, top]),
    )
