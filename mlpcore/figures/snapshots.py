"""Figures of a model during training: its answer to one drawing, and its first-layer weights."""

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.experiment import CLASSES
from mlpcore.figures.style import AGAINST, FOR, NEUTRAL, axis, faded, figure

_SIDE = 28
_GAP = 2


def learned_curve(
    steps: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32], label: int, total: int, color: str
) -> go.Figure:
    """When did the model learn this drawing? The probability of `label` in colour, of the other digits in grey.

    Args:
        steps: int64 [n], from 0.
        probabilities: float32 [n, 10].
        total: steps of the whole run, where the axis ends from the beginning.
    """
    # A logarithmic axis has no 0; the untrained model stands at 0.5.
    x = np.maximum(steps, 0.5)
    others = [
        {
            "type": "scatter",
            "x": x,
            "y": 100 * probabilities[:, digit],
            "mode": "lines",
            "name": "other digits",
            "legendgroup": "others",
            "showlegend": digit == (0 if label else 1),
            "line": {"color": faded(NEUTRAL, 0.5), "width": 1},
            "text": [f"{digit}"] * len(x),
            "customdata": steps,
            "hovertemplate": "%{text}: %{y:.1f} % after step %{customdata:,}<extra></extra>",
        }
        for digit in range(CLASSES)
        if digit != label
    ]
    own = {
        "type": "scatter",
        "x": x,
        "y": 100 * probabilities[:, label],
        "mode": "lines+markers",
        "name": f"your {label}",
        "line": {"color": color, "width": 3},
        "marker": {"size": 4},
        "customdata": steps,
        "hovertemplate": f"{label}: %{{y:.1f}} % after step %{{customdata:,}}<extra></extra>",
    }
    ticks = [0.5, *(10**power for power in range(int(np.log10(total)) + 1))]
    return figure(
        [*others, own],
        xaxis=axis(
            "Step (logarithmic; 0 is the untrained model)",
            type="log",
            range=[np.log10(0.4), np.log10(total * 1.1)],
            tickvals=ticks,
            ticktext=["0", *(f"{tick:,}" for tick in ticks[1:])],
        ),
        yaxis=axis("Probability (%)", range=[-2, 102]),
    )


def weight_pictures(weights: npt.NDArray[np.float32], columns: int, largest: float) -> go.Figure:
    """What do these neurons of the first layer look for? One picture each, all on one scale that is symmetric about 0.

    Args:
        weights: float32 [n, 28, 28], n at least 1.
        columns: pictures in a row.
        largest: where the scale ends on either side, so that pictures of several moments can be compared.
    """
    rows = -(-len(weights) // columns)
    pitch = _SIDE + _GAP
    sheet = np.full((rows * pitch - _GAP, columns * pitch - _GAP), np.nan, np.float32)
    for number, picture in enumerate(weights):
        top, left = number // columns * pitch, number % columns * pitch
        sheet[top : top + _SIDE, left : left + _SIDE] = picture
    heatmap = {
        "type": "heatmap",
        "z": sheet,
        "zmin": -largest,
        "zmax": largest,
        "colorscale": [(0.0, AGAINST), (0.5, faded(NEUTRAL, 0.08)), (1.0, FOR)],
        "colorbar": {"title": {"text": "weight", "side": "right"}, "thickness": 10, "outlinewidth": 0},
        "hovertemplate": "weight %{z:.3f}<extra></extra>",
    }
    hidden = {"visible": False, "constrain": "domain"}
    return figure(
        [heatmap],
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        xaxis=hidden,
        yaxis={**hidden, "autorange": "reversed", "scaleanchor": "x"},
    )
