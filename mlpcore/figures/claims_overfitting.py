"""Figures of the claim about overfitting."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from mlpcore.figures.style import NEUTRAL, TRAIN, VALIDATION, axis, faded, figure, run_color

Floats = npt.NDArray[np.floating]


def learning_and_memorizing(train: Floats, validation: Floats, right: float) -> go.Figure:
    """Does the network get better on new images while it gets better on its own?

    Args:
        train, validation: accuracy after every epoch, [runs, epochs], 0 to 1.
        right: share of the training labels that are right, 0 to 1, drawn as a line.
    """
    epochs = train.shape[1]
    return figure(
        [
            *_mean_and_band("Training", 100 * train, TRAIN, " %"),
            *_mean_and_band("Validation", 100 * validation, VALIDATION, " %"),
            {
                "x": [1, epochs],
                "y": [100 * right, 100 * right],
                "name": f"{100 * right:.0f} % are right",
                "mode": "lines",
                "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"},
                "hovertemplate": "right among the training labels: %{y:.0f} %<extra></extra>",
            },
        ],
        showlegend=True,
        xaxis=axis("Epoch", range=[0.5, epochs + 0.5], zeroline=False),
        yaxis=axis("Accuracy (%)", autorangeoptions={"clipmax": 101}),
    )


def highest_and_final(highest: Mapping[str, Floats], tested: Mapping[str, Floats]) -> go.Figure:
    """How much of the best on the way is left in the end?

    A row per variant, the first on top: a ring for the highest validation accuracy on the way, mean of the runs, and
    a diamond for the mean test accuracy of the final weights, with a dot per run.

    Args:
        highest, tested: both by the variant's name, [runs], 0 to 1.
    """
    traces: list[dict[str, Any]] = []
    lowest = 100 * min(float(values.min()) for values in [*highest.values(), *tested.values()])
    for number, (name, values) in enumerate(tested.items(), start=1):
        color = run_color(number)
        top, mean = 100 * float(highest[name].mean()), 100 * float(values.mean())
        # The legend shows the first row's marks, which stand for all.
        marks = {"y": [name], "showlegend": number == 1}
        traces += [
            {"x": [top, mean], "y": [name, name], "mode": "lines", "line": {"color": faded(color, 0.5), "width": 3},
             "showlegend": False, "hoverinfo": "skip"},
            {"x": 100 * values, "y": [name] * len(values), "mode": "markers", "showlegend": False,
             "marker": {"size": 7, "color": faded(color, 0.5)},
             "hovertemplate": f"{name}, one seed: final test accuracy %{{x:.1f}} %<extra></extra>"},
            {**marks, "x": [top], "mode": "markers", "name": "highest (validation)",
             "marker": {"size": 11, "symbol": "circle-open", "color": color, "line": {"width": 2.5}},
             "hovertemplate": f"{name}: highest validation accuracy %{{x:.1f}} %<extra></extra>"},
            {**marks, "x": [mean], "mode": "markers+text", "name": "final (test)",
             "marker": {"size": 11, "symbol": "diamond", "color": color},
             "text": [f"{mean:.1f} %"], "textposition": "bottom center",
             "hovertemplate": f"{name}: final test accuracy, mean %{{x:.1f}} %<extra></extra>"},
        ]  # fmt: skip
    return figure(
        traces,
        showlegend=True,
        # Wide enough for the figures below the outermost marks.
        xaxis=axis("Accuracy (%)", range=[max(0, lowest - 6), 100]),
        yaxis=axis(type="category", range=[len(tested) - 0.3, -0.5], fixedrange=True),
    )


def surer_mistakes(accuracy: Floats, loss: Floats) -> go.Figure:
    """Does a climbing validation loss mean worse answers? Accuracy above, loss below, over the same epochs.

    Args:
        accuracy: on the validation images after every epoch, [runs, epochs], 0 to 1.
        loss: likewise, in nats.
    """
    epochs = accuracy.shape[1]
    lowest = int(loss.mean(axis=0).argmin()) + 1
    return figure(
        [
            *_mean_and_band("Accuracy", 100 * accuracy, VALIDATION, " %"),
            *({**trace, "yaxis": "y2"} for trace in _mean_and_band("Loss", loss, VALIDATION, " nats")),
        ],
        showlegend=False,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        shapes=[{
            "type": "line", "xref": "x", "x0": lowest, "x1": lowest, "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": NEUTRAL, "width": 1, "dash": "dot"},
        }],
        annotations=[{
            "text": "lowest loss", "showarrow": False, "xref": "x", "x": lowest, "xanchor": "left", "xshift": 4,
            "yref": "paper", "y": 0.5,
        }],
        xaxis=axis("Epoch", range=[0.5, epochs + 0.5], anchor="y2", zeroline=False),
        yaxis=axis("Accuracy (%)", domain=[0.56, 1], autorangeoptions={"clipmax": 100}),
        yaxis2=axis("Loss (nats)", domain=[0, 0.44], rangemode="tozero"),
    )  # fmt: skip


def _mean_and_band(name: str, values: Floats, color: str, unit: str) -> list[dict[str, Any]]:
    """The mean of runs over the epochs, and a band from the lowest to the highest; `values` are [runs, epochs]."""
    means, lows, highs = (reduce(values, axis=0) for reduce in (np.mean, np.min, np.max))
    common = {"x": np.arange(1, values.shape[1] + 1), "mode": "lines", "legendgroup": name}
    edge = {**common, "line": {"color": faded(color, 0), "width": 0}, "hoverinfo": "skip", "showlegend": False}
    return [
        {**edge, "y": lows},
        {**edge, "y": highs, "fill": "tonexty", "fillcolor": faded(color, 0.2)},
        {
            **common,
            "y": means,
            "name": name,
            "line": {"color": color, "width": 2.5},
            "hovertemplate": f"{name}, epoch %{{x}}: %{{y:.4~g}}{unit}<extra></extra>",
        },
    ]
