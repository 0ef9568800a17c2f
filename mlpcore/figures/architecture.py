"""The drawing of a network."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.experiment import Architecture
from mlpcore.figures.style import NEUTRAL, faded, figure, layer_styles
from mlpcore.network import ACTIVATIONS

MAX_NEURONS = 8
"""Maximum number of neurons drawn per layer."""

_HEIGHT_PIXELS = 220

# Heights in the drawing, whose unit is the distance of two neurons; 0 is the middle of every layer.
_TITLES, _SIZES, _BRACKET, _EXTRAS = 5.1, -5.1, -5.8, -6.5

Heights = npt.NDArray[np.float64]


def network_drawing(architecture: Architecture) -> go.Figure:
    """Which layers does the network have, how large are they, and where are the parameters?

    Larger layers are drawn with more neurons, on a logarithmic scale; three dots stand for the others.
    """
    sizes = architecture.sizes
    last = len(sizes) - 1
    drawn = [_heights(size) for size in sizes]
    connections = [_connections(index, drawn[index], drawn[index + 1]) for index in range(last)]
    neurons = _marks(architecture, drawn, size=13)
    dots = _marks(architecture, [_dots(heights) for heights in drawn], size=3)
    hidden_layers = {"x0": 0.7, "x1": last - 0.7, "y0": _BRACKET, "y1": _BRACKET}
    plain = {"visible": False, "fixedrange": True}
    return figure(
        [*connections, neurons, dots, _words(architecture)],
        height=_HEIGHT_PIXELS,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        dragmode=False,
        xaxis={**plain, "range": [-0.5, last + 0.5]},
        yaxis={**plain, "range": [_EXTRAS - 0.6, _TITLES + 0.6]},
        shapes=[{**hidden_layers, "type": "line", "line": {"color": NEUTRAL}}] if architecture.hidden else [],
    )


def _heights(size: int) -> Heights:
    """Where the neurons drawn of a layer are, from top to bottom, with a gap where some are left out."""
    count = min(size, round(3 + math.log2(size) / 2), MAX_NEURONS)
    places = np.arange(float(size)) if count == size else np.delete(np.arange(count + 1.0), count // 2)
    heights: Heights = places.max() / 2 - places
    return heights


def _connections(index: int, left: Heights, right: Heights) -> dict[str, Any]:
    """A line from every drawn neuron of layer `index` to every one of the next; NaN lifts the pen."""
    pairs = len(left) * len(right)
    ends = [np.repeat(left, len(right)), np.tile(right, len(left)), np.full(pairs, np.nan)]
    return {
        "x": np.tile([index, index + 1, np.nan], pairs),
        "y": np.column_stack(ends).ravel(),
        "mode": "lines",
        "line": {"color": faded(NEUTRAL, 0.4), "width": 0.7},
        "hoverinfo": "skip",
    }


def _dots(heights: Heights) -> Heights:
    """Three dots in the gap between the neurons drawn of a layer; none without a gap."""
    above_gap = heights[:-1][np.diff(heights) < -1]
    return (above_gap[:, None] - [0.75, 1, 1.25]).ravel()


def _marks(architecture: Architecture, layers: list[Heights], size: int) -> dict[str, Any]:
    """Neurons, or the dots between them, of all layers; each tells about its layer."""
    layer = np.repeat(np.arange(len(layers)), [len(heights) for heights in layers])
    colors = [NEUTRAL, *(color for _, color in layer_styles(len(layers) - 1))]
    words = [_layer_in_words(architecture, index) for index in range(len(layers))]
    # Numbers on a scale of the layers' colours: plotly checks a colour per mark one by one, which takes milliseconds.
    scale = list(zip(np.linspace(0, 1, len(layers)), colors, strict=True))
    last = len(layers) - 1
    return {
        "x": layer,
        "y": np.concatenate(layers),
        "mode": "markers",
        "marker": {"size": size, "color": layer, "colorscale": scale, "cmin": 0, "cmax": last, "line": {"width": 0}},
        "text": np.array(words)[layer],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _layer_in_words(architecture: Architecture, index: int) -> str:
    """A layer's size and parameters, as a reader finds them under the pointer."""
    size = architecture.sizes[index]
    if index == 0:
        return f"Input: {size:,} pixels, no parameters"
    inputs = architecture.sizes[index - 1]
    is_output = index == len(architecture.hidden) + 1
    norm = 2 * size if architecture.batch_norm and not is_output else 0
    return (
        f"{'Output' if is_output else f'Hidden layer {index}'}: {size:,} neurons<br>"
        f"{inputs * size + size + norm:,} parameters: {inputs:,} × {size:,} weights, {size:,} biases"
        + (f",<br>{norm:,} scales and shifts of batch norm" if norm else "")
    )


def _words(architecture: Architecture) -> dict[str, Any]:
    """The sizes under the layers, what kinds of layer they are above, and what every hidden layer does."""
    sizes, count = architecture.sizes, len(architecture.hidden)
    last, middle = count + 1, (count + 1) / 2
    words: list[tuple[float, float, str]] = [(index, _SIZES, f"<b>{size:,}</b>") for index, size in enumerate(sizes)]
    words += [(0, _TITLES, "input"), (last, _TITLES, "output")]
    if count:
        modules = ["BatchNorm1d"] if architecture.batch_norm else []
        modules.append(ACTIVATIONS[architecture.activation].__name__)
        modules += [f"Dropout {architecture.dropout:g}"] if architecture.dropout else []
        each = "each: " if count > 1 else ""
        words += [
            (middle, _TITLES, f"{count} hidden layers" if count > 1 else "hidden layer"),
            (middle, _EXTRAS, each + " → ".join(modules)),
        ]
    x, y, text = zip(*words, strict=True)
    return {"x": x, "y": y, "text": text, "mode": "text", "textfont": {"size": 11}, "hoverinfo": "skip"}
