"""Figures of the inside of a model: one image's way through the layers, one neuron's sum, one training step.

Orange is what speaks for or lies above 0, blue what speaks against or lies below, as in all figures.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb
from scipy.special import expit
from torch import Tensor

from mlpcore.experiment import CLASSES, OptimizerName
from mlpcore.figures.numbers import in_words
from mlpcore.figures.style import ACCENT, AGAINST, FOR, MISTAKES, NEUTRAL, axis, faded, figure, layer_styles
from mlpcore.inspection.accumulation import Loop
from mlpcore.inspection.optimizer_updates import Update
from mlpcore.inspection.single_step import LayerStep
from mlpcore.inspection.weighted_sum import WeightedSum

Call = Literal["zero_grad", "forward", "loss", "backward", "step"]

_SIDE = 28
_SIGNED = [(0.0, AGAINST), (0.5, faded(NEUTRAL, 0.08)), (1.0, FOR)]
_DIGITS = [str(digit) for digit in range(CLASSES)]

Floats = npt.NDArray[np.float32]


def strip(rows: Mapping[str, Floats], what: str, selected: int | None = None) -> go.Figure:
    """How large are a layer's numbers? A row of cells for each kind of number, each row on its own scale about 0.

    Args:
        rows: float32 [size] each, by what they are, the first on top.
        what: a cell stands for, e.g. ``neuron``.
        selected: the cell that is marked.
    """
    values = np.stack(list(rows.values()))
    largest = np.where(np.isfinite(values), np.abs(values), 0).max(axis=1, keepdims=True)
    cells = {
        "type": "heatmap",
        "z": values / np.where(largest > 0, largest, 1),
        "y": [f"{name}<br>up to ±{most:.3g}" for name, most in zip(rows, largest[:, 0], strict=True)],
        "zmin": -1,
        "zmax": 1,
        "colorscale": _SIGNED,
        "showscale": False,
        "customdata": in_words(values, ".4g"),
        "hovertemplate": f"{what} %{{x}}: %{{customdata}}<extra></extra>",
    }
    size = values.shape[1]
    # On a wide layer a single cell is too thin to see its frame.
    half = max(0.5, size / 250)
    mark = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "line": {"color": MISTAKES, "width": 2}}
    return figure(
        [cells],
        margin={"l": 0, "r": 4, "t": 4, "b": 0},
        dragmode=False,
        shapes=[] if selected is None else [{**mark, "x0": selected - half, "x1": selected + half}],
        xaxis=axis(range=[-0.5, size - 0.5], fixedrange=True, showgrid=False, zeroline=False, nticks=8),
        yaxis=axis(autorange="reversed", fixedrange=True, showgrid=False, type="category", tickfont={"size": 11}),
    )


def signed_picture(weights: Floats, width: int) -> npt.NDArray[np.uint8]:
    """Weights, float32 [28, 28], as a picture whose weak places are clear, so that it fits a light and a dark page.

    Args:
        width: pixels that the picture has at least.

    Returns:
        uint8 [n · 28, n · 28, 4]: red, green, blue and opacity.
    """
    largest = float(np.abs(weights).max()) or 1.0
    picture = np.empty((*weights.shape, 4), np.uint8)
    picture[..., :3] = np.where(weights[..., None] > 0, hex_to_rgb(FOR), hex_to_rgb(AGAINST))
    picture[..., 3] = np.round(255 * np.abs(weights) / largest)
    factor = -(-width // _SIDE)
    enlarged: npt.NDArray[np.uint8] = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    return enlarged


def looked_for(weights: Floats, image: Tensor) -> go.Figure:
    """Which ink does a neuron want, and which not? Its weights, float32 [28, 28], with the outline of the image."""
    largest = float(np.abs(weights).max()) or 1.0
    heatmap = {
        "type": "heatmap",
        "z": weights,
        "zmin": -largest,
        "zmax": largest,
        "colorscale": _SIGNED,
        "colorbar": {"thickness": 8, "outlinewidth": 0, "title": {"text": "weight", "side": "right"}},
        "customdata": in_words(weights, ".3f"),
        "hovertemplate": "row %{y}, column %{x}: weight %{customdata}<extra></extra>",
    }
    outline = {
        "type": "contour",
        "z": image.numpy(),
        "contours": {"start": 127.5, "end": 127.5, "size": 1, "coloring": "none"},
        "showscale": False,
        "hoverinfo": "skip",
    }
    # A light line within a dark one is seen on any colour.
    lines = [{**outline, "line": {"color": color, "width": width}} for color, width in [("#1C2333", 3), ("#FFFFFF", 1)]]
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain", "range": [-0.5, _SIDE - 0.5]}
    return figure(
        [heatmap, *lines],
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        showlegend=False,
        dragmode=False,
        xaxis=hidden,
        yaxis={**hidden, "range": hidden["range"][::-1], "scaleanchor": "x"},  # type: ignore[index]
    )


def sum_waterfall(terms: WeightedSum, source: str) -> go.Figure:
    """How does a neuron's sum come about? Its largest terms one after the other, the rest, the bias, the sum.

    Args:
        source: what the terms come from: ``pixel`` or ``neuron``.
    """
    names = [
        f"pixel {place // _SIDE}, {place % _SIDE}" if source == "pixel" else f"{source} {place}"
        for place in terms.sources.tolist()
    ]
    values = [*terms.terms.tolist(), terms.rest, terms.bias, terms.total]
    factors = (in_words(each, ".4g") for each in (terms.weights, terms.inputs, terms.terms))
    hovers = [f"w · x = {weight} · {x} = {term}" for weight, x, term in zip(*factors, strict=True)]
    bars = {
        "type": "waterfall",
        "orientation": "h",
        "measure": ["relative"] * (len(values) - 1) + ["total"],
        "x": values,
        "y": [*names, "all others", "bias b", "sum"],
        "text": in_words(values, "+.3g").tolist(),
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [*hovers, *in_words([terms.rest, terms.bias, terms.total], ".4g")],
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
        "increasing": {"marker": {"color": FOR}},
        "decreasing": {"marker": {"color": AGAINST}},
        "totals": {"marker": {"color": NEUTRAL}},
        "connector": {"line": {"color": NEUTRAL, "width": 1}},
    }
    ends = np.concatenate([[0.0], np.cumsum(values[:-1])])
    room = 0.4 * (float(np.ptp(ends)) or 1.0)
    return figure(
        [bars],
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        showlegend=False,
        dragmode=False,
        xaxis=axis("Sum so far", fixedrange=True, range=[ends.min() - room, ends.max() + room]),
        yaxis=axis(autorange="reversed", fixedrange=True, showgrid=False, type="category"),
    )


def contributions(neurons: Sequence[int], values: Sequence[float], digit: int) -> go.Figure:
    """Which of these neurons raise the logit of `digit`, and which lower it?"""
    bars = {
        "type": "bar",
        "x": [str(neuron) for neuron in neurons],
        "y": list(values),
        # As numbers on a scale of two colours: plotly checks a colour per bar one by one.
        "marker": {"color": [int(value > 0) for value in values], "colorscale": [(0.0, AGAINST), (1.0, FOR)],
                   "cmin": 0, "cmax": 1, "line": {"width": 0}},
        "customdata": in_words(values, "+.3f"),
        "hovertemplate": f"neuron %{{x}} changes the logit of {digit} by %{{customdata}}<extra></extra>",
    }  # fmt: skip
    return figure(
        [bars],
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        showlegend=False,
        dragmode=False,
        xaxis=axis("Neuron", type="category", fixedrange=True),
        yaxis=axis("Contribution", fixedrange=True),
    )


def logit_bars(logits: Floats, color: str) -> go.Figure:
    """Which class has the largest logit? Bars from 0, the largest in full colour; logits are float32 [10]."""
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": logits,
        "y": _DIGITS,
        "marker": {"color": (np.arange(len(logits)) == logits.argmax()).astype(int),
                   "colorscale": [(0.0, faded(color, 0.5)), (1.0, color)], "cmin": 0, "cmax": 1, "line": {"width": 0}},
        "customdata": in_words(logits, ".4f"),
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
    }  # fmt: skip
    return figure(
        [bars],
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        bargap=0.25,
        showlegend=False,
        dragmode=False,
        xaxis=axis("Logit", fixedrange=True),
        yaxis=axis(type="category", autorange="reversed", showgrid=False, dtick=1, fixedrange=True),
    )


# Places in a loop of two rows, which is narrow enough for a phone.
_PLACES = {"DataLoader": (0.0, 1.0), "model": (1.0, 1.0), "loss": (2.0, 1.0), "autograd": (2.0, 0.0),
           ".grad": (1.0, 0.0), "optimizer": (0.0, 0.0)}  # fmt: skip
_HALF_WIDTH, _HALF_HEIGHT = 0.3, 0.17

_LINKS: tuple[tuple[str, str, str, frozenset[Call]], ...] = (
    ("DataLoader", "model", "images", frozenset({"forward"})),
    ("model", "loss", "logits", frozenset({"loss"})),
    ("loss", "autograd", "loss", frozenset({"backward"})),
    ("autograd", ".grad", "fills", frozenset({"backward"})),
    (".grad", "optimizer", "reads", frozenset({"step"})),
    ("optimizer", ".grad", "clears", frozenset({"zero_grad"})),
    ("optimizer", "model", "parameters", frozenset({"step"})),
    ("DataLoader", "loss", "labels", frozenset({"loss"})),
)


def who_talks_to_whom(call: Call | None) -> go.Figure:
    """Who hands what to whom in a training step, and which of it happens in this call? Its links light up."""
    arrows: list[dict[str, Any]] = []
    busy: set[str] = set()
    for source, target, text, calls in _LINKS:
        active = call in calls
        busy |= {source, target} if active else set()
        arrows.append(_arrow(source, target, active))
        arrows.append(_words(source, target, text, active))
    boxes = [
        {
            "type": "rect",
            "x0": x - _HALF_WIDTH,
            "x1": x + _HALF_WIDTH,
            "y0": y - _HALF_HEIGHT,
            "y1": y + _HALF_HEIGHT,
            "line": {"color": ACCENT if name in busy else NEUTRAL, "width": 3 if name in busy else 1},
            "fillcolor": faded(ACCENT, 0.25) if name in busy else faded(NEUTRAL, 0.08),
        }
        for name, (x, y) in _PLACES.items()
    ]
    names = [
        {"x": x, "y": y, "text": f"<b>{name}</b>" if name in busy else name, "showarrow": False, "font": {"size": 12}}
        for name, (x, y) in _PLACES.items()
    ]
    plain = {"visible": False, "fixedrange": True}
    return figure(
        [],
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        dragmode=False,
        shapes=boxes,
        annotations=[*arrows, *names],
        xaxis={**plain, "range": [-0.36, 2.36]},
        yaxis={**plain, "range": [-0.45, 1.5]},
    )


def _ends(source: str, target: str) -> tuple[float, float, float, float]:
    """Where a link begins and ends, at the boxes' edges."""
    (x0, y0), (x1, y1) = _PLACES[source], _PLACES[target]
    if (source, target) == ("DataLoader", "loss"):  # past the model, above it
        return x0 + _HALF_WIDTH, y0 + _HALF_HEIGHT + 0.1, x1 - _HALF_WIDTH, y1 + _HALF_HEIGHT + 0.1
    if y0 == y1:
        # Two links go between the same boxes, one above the other.
        shift = {("optimizer", ".grad"): -0.1, (".grad", "optimizer"): 0.1}.get((source, target), 0.0)
        side = _HALF_WIDTH if x1 > x0 else -_HALF_WIDTH
        return x0 + side, y0 + shift, x1 - side, y1 + shift
    side = _HALF_HEIGHT if y1 > y0 else -_HALF_HEIGHT
    return x0, y0 + side, x1, y1 - side


def _arrow(source: str, target: str, active: bool) -> dict[str, Any]:
    x0, y0, x1, y1 = _ends(source, target)
    return {
        "x": x1, "y": y1, "ax": x0, "ay": y0, "xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "",
        "showarrow": True, "arrowhead": 2, "arrowwidth": 3 if active else 1,
        "arrowcolor": ACCENT if active else NEUTRAL,
    }  # fmt: skip


def _words(source: str, target: str, text: str, active: bool) -> dict[str, Any]:
    x0, y0, x1, y1 = _ends(source, target)
    words = {"x": (x0 + x1) / 2, "text": f"<b>{text}</b>" if active else text, "showarrow": False, "font": {"size": 11}}
    if y0 != y1:
        side = {"xanchor": "left", "xshift": 4} if x0 == x1 else {"xanchor": "right", "xshift": -8}
        return {**words, "y": (y0 + y1) / 2, **side}
    if (source, target) == ("optimizer", ".grad"):  # below the boxes, between which there is little room
        return {**words, "y": y0 - _HALF_HEIGHT + 0.1, "yanchor": "top", "yshift": -2}
    return {**words, "y": y0, "yanchor": "bottom", "yshift": 2}


def gradient_norms(moments: Mapping[str, Sequence[float | None]]) -> go.Figure:
    """How large is each layer's gradient, at each of these moments? None where `.grad` is None."""
    colors = (faded(NEUTRAL, 0.7), ACCENT)
    count = len(next(iter(moments.values())))
    names = [name for name, _ in layer_styles(count)]
    bars = [
        {
            "type": "bar",
            "name": moment,
            "x": names,
            # As a bar without height, so that its word has a place.
            "y": [value or 0.0 for value in values],
            "marker": {"color": color, "line": {"width": 0}},
            "text": ["None" if value is None else f"{value:.3g}" for value in values],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": f"%{{x}}, {moment}: %{{text}}<extra></extra>",
        }
        for (moment, values), color in zip(moments.items(), colors, strict=False)
    ]
    return figure(
        bars,
        barmode="group",
        dragmode=False,
        showlegend=True,
        xaxis=axis(type="category", fixedrange=True),
        yaxis=axis("Norm of the gradient", fixedrange=True, rangemode="tozero"),
    )


def gradient_histograms(steps: Sequence[LayerStep]) -> go.Figure:
    """How are the single numbers of each layer's gradient spread? On a logarithmic axis, since most are close to 0."""
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": middles,
            "customdata": in_words(middles, ".2g"),
            "y": [100 * count / step.parameters if count else None for count in step.histogram.counts.tolist()],
            "line": {"color": color, "width": 2, "shape": "hvh"},
            "hovertemplate": f"{name}: %{{y:.3~g}} % around %{{customdata}}<extra></extra>",
        }
        for step, (name, color) in zip(steps, layer_styles(len(steps)), strict=True)
        for middles in [(step.histogram.edges[:-1] + step.histogram.edges[1:]) / 2]
    ]
    return figure(
        lines,
        dragmode=False,
        showlegend=True,
        xaxis=axis("Gradient of a single parameter", fixedrange=True),
        yaxis=axis("Share of the layer (%)", type="log", fixedrange=True, exponentformat="none", dtick=1),
    )


def relative_changes(steps: Sequence[LayerStep]) -> go.Figure:
    """How far did the step move each layer, measured by the layer's own size?"""
    styles = layer_styles(len(steps))
    bars = [
        {
            "type": "bar",
            "x": [name],
            "y": [100 * step.change / step.norm],
            "marker": {"color": color, "line": {"width": 0}},
            "text": [f"{100 * step.change / step.norm:.2f} %"],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": f"%{{x}}: changed by %{{y:.3f}} % of {step.norm:.4g}<extra></extra>",
        }
        for step, (name, color) in zip(steps, styles, strict=True)
    ]
    return figure(
        bars,
        dragmode=False,
        showlegend=False,
        xaxis=axis(type="category", fixedrange=True),
        yaxis=axis("Change (% of the norm)", fixedrange=True, rangemode="tozero"),
    )


def loops(with_it: Loop, without: Loop, quantity: Literal["losses", "gradient_norms"]) -> go.Figure:
    """What becomes of a training loop that forgets `zero_grad`? Step by step beside the one that does not."""
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": np.arange(1, len(values) + 1),
            "y": values,
            "line": {"color": color, "width": 2, "dash": dash},
            "hovertemplate": f"step %{{x}}, {name}: %{{y:.4~g}}<extra></extra>",
        }
        for name, values, color, dash in [
            ("with zero_grad", getattr(with_it, quantity), ACCENT, "solid"),
            ("forgotten", getattr(without, quantity), MISTAKES, "dot"),
        ]
    ]
    title = {"losses": "Loss of the batch", "gradient_norms": "Norm of .grad at the step"}[quantity]
    return figure(
        lines,
        dragmode=False,
        showlegend=True,
        xaxis=axis("Step", fixedrange=True),
        yaxis=axis(title, fixedrange=True, rangemode="tozero"),
    )


def update_norms(found: Sequence[Update], names: Mapping[OptimizerName, str]) -> go.Figure:
    """How far would each optimizer move each layer with one and the same gradient? On a logarithmic axis.

    Args:
        names: what the optimizers are called on screen.
    """
    styles = layer_styles(len(found[0].norms))
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": [update.norms[number] or None for update in found],
            "y": [names[update.optimizer] for update in found],
            "marker": {"color": color, "line": {"width": 0}},
            "hovertemplate": f"%{{y}}, {name}: %{{x:.3~g}}<extra></extra>",
        }
        for number, (name, color) in enumerate(styles)
    ]
    return figure(
        bars,
        barmode="group",
        dragmode=False,
        showlegend=True,
        xaxis=axis("Norm of the update", type="log", fixedrange=True, exponentformat="power", dtick=1),
        yaxis=axis(type="category", autorange="reversed", fixedrange=True, showgrid=False),
    )


def passes(probabilities: Floats, color: str, ends: tuple[float, float] = (0.0, 1.0)) -> go.Figure:
    """Does the same image always get the same answer? A row for each pass, float32 [times, 10].

    Args:
        ends: the probabilities with the faintest and the strongest color.
    """
    times = len(probabilities)
    cells = {
        "type": "heatmap",
        "z": 100 * probabilities,
        "x": _DIGITS,
        "y": np.arange(1, times + 1),
        "zmin": 100 * ends[0],
        "zmax": 100 * ends[1],
        "colorscale": [(0.0, faded(color, 0.03)), (1.0, color)],
        "colorbar": {"thickness": 8, "outlinewidth": 0, "ticksuffix": " %"},
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "pass %{y}, %{x}: %{z:.2f} %<extra></extra>",
    }
    return figure(
        [cells],
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        dragmode=False,
        xaxis=axis("Digit", type="category", fixedrange=True, showgrid=False, dtick=1),
        yaxis=axis("Pass", autorange="reversed", fixedrange=True, showgrid=False, dtick=1, zeroline=False),
    )


def sigmoid_curve(logit: float) -> go.Figure:
    """What does the sigmoid make of a logit? The curve, and the point where this logit lies on it."""
    end = max(8.0, 1.15 * abs(logit))
    x = np.linspace(-end, end, 121)
    curve = {
        "type": "scatter", "mode": "lines", "x": x, "y": 100 * expit(x), "line": {"color": NEUTRAL, "width": 2},
        "customdata": in_words(x, ".2f"), "hovertemplate": "σ(%{customdata}) = %{y:.2f} %<extra></extra>",
    }  # fmt: skip
    point = {
        "type": "scatter", "mode": "markers", "x": [logit], "y": [100 * expit(logit)],
        "marker": {"size": 14, "color": ACCENT}, "customdata": in_words([logit], ".3f"),
        "hovertemplate": "σ(%{customdata}) = %{y:.3f} %<extra></extra>",
    }  # fmt: skip
    half = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 50, "y1": 50,
        "line": {"color": NEUTRAL, "width": 1, "dash": "dash"},
    }  # fmt: skip
    return figure(
        [curve, point],
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        dragmode=False,
        shapes=[half],
        xaxis=axis("Logit z", fixedrange=True),
        yaxis=axis("σ(z), probability of yes (%)", fixedrange=True, range=[-4, 104]),
    )
