"""Figures of what a model gets right."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from scipy.stats import binomtest

from mlpcore.evaluation import Evaluation
from mlpcore.figures.style import ACCENT, MISTAKES, NEUTRAL, axis, faded, figure

# Up to half of the largest share a tint on which the theme's text is readable, be it dark on light or light on dark;
# from there on a colour for white text.
_STRONG = "#B02E4B"
_MISTAKES_SCALE = [(0.0, faded(MISTAKES, 0.05)), (0.5, faded(MISTAKES, 0.22)), (0.5, _STRONG), (1.0, _STRONG)]


def confusion_matrix(evaluation: Evaluation, classes: Sequence[str]) -> go.Figure:
    """Which classes are confused with which?

    A cell's color is its share of the row, the true class; the diagonal (correct answers) has no color.
    """
    counts = evaluation.confusion
    images = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, images, out=np.zeros(counts.shape), where=images > 0)
    on_diagonal = np.eye(len(classes), dtype=bool)
    largest = shares[~on_diagonal].max() or 1.0
    is_strong = ~on_diagonal & (shares >= largest / 2)
    cells = {"type": "heatmap", "x": classes, "y": classes, "showscale": False, "xgap": 1, "ygap": 1}
    mistakes = {
        **cells,
        "z": np.where(on_diagonal | (counts == 0), np.nan, shares),
        "zmin": 0,
        "zmax": largest,
        "colorscale": _MISTAKES_SCALE,
        "text": _sentences(evaluation, classes),
        "hoverongaps": True,
        "hovertemplate": "%{text}<extra></extra>",
    }
    right = {
        **cells,
        "z": np.where(on_diagonal, 1.0, np.nan),
        "colorscale": [(0.0, faded(NEUTRAL, 0.2)), (1.0, faded(NEUTRAL, 0.2))],
        "hoverinfo": "skip",
    }
    # Not the heatmap's own text, which is made for a white page. Without a colour, text takes the theme's.
    rows, columns = np.array(classes)[np.indices(counts.shape)]
    numbers = [
        {
            "x": columns[chosen],
            "y": rows[chosen],
            "mode": "text",
            "text": counts[chosen],
            "textfont": {"size": 10, **color},
            "hoverinfo": "skip",
        }
        for chosen, color in [((counts > 0) & ~is_strong, {}), (is_strong, {"color": "white"})]
    ]
    return figure(
        [right, mistakes, *numbers],
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        showlegend=False,
        xaxis=axis("Predicted class", type="category", showgrid=False),
        yaxis=axis("True class", type="category", autorange="reversed", showgrid=False),
    )


def _sentences(evaluation: Evaluation, classes: Sequence[str]) -> list[list[str]]:
    return [
        [
            f"{true} read as {predicted}: {count:,} of {row.sum():,} images ({100 * count / row.sum():.1f} %)"
            if row.any()
            else f"no images of {true}"
            for predicted, count in zip(classes, row, strict=True)
        ]
        for true, row in zip(classes, evaluation.confusion, strict=True)
    ]


def class_accuracies(evaluation: Evaluation, classes: Sequence[str]) -> go.Figure:
    """Which classes does the model recognize best and worst?

    The error bars are 95 % Wilson score intervals. The axis does not start at 0 if all bars are long, and says so.
    """
    images, right = evaluation.confusion.sum(axis=1), evaluation.confusion.diagonal()
    accuracies = 100 * evaluation.class_accuracies
    intervals = 100 * np.array([_interval(int(k), int(n)) for k, n in zip(right, images, strict=True)])
    low, high = intervals.T
    lowest = np.nanmin(low, initial=100)
    cut = 5 * int(lowest // 5) if lowest >= 50 else 0
    bars = {
        "type": "bar",
        "x": [name if count else f"{name} (no images)" for name, count in zip(classes, images, strict=True)],
        "y": accuracies,
        "marker": {"color": faded(ACCENT, 0.55), "line": {"width": 0}},
        "error_y": {
            "array": high - accuracies,
            "arrayminus": accuracies - low,
            "color": ACCENT,
            "thickness": 2,
            "width": 4,
        },
        "customdata": np.column_stack([right, images, low, high]),
        "hovertemplate": "%{x}: %{customdata[0]:,} of %{customdata[1]:,} images correct<br>%{y:.1f} %, 95 % "
        "interval %{customdata[2]:.1f} to %{customdata[3]:.1f} %<extra></extra>",
    }
    title = f"Accuracy (%), axis cut at {cut} %" if cut else "Accuracy (%)"
    return figure(
        [bars],
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        xaxis=axis("True class", type="category"),
        yaxis=axis(title, range=[cut, 100]),
    )


def _interval(right: int, images: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share; NaN without images."""
    if not images:
        return np.nan, np.nan
    interval = binomtest(right, images).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)
