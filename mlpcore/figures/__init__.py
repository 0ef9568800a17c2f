"""Plotly figures from mlpcore's data, a function per question that a chart answers.

A figure sets the colours of its data and its structure. Background, text and grid follow the theme of whoever shows
it, and so does the height, but for the drawing of a network.
"""

from mlpcore.figures.architecture import network_drawing
from mlpcore.figures.evaluation import class_accuracies, confusion_matrix
from mlpcore.figures.style import RUN_COLORS, TRAIN, VALIDATION, run_color
from mlpcore.figures.training import (
    accuracy_per_epoch,
    layer_health,
    learning_rate,
    loss_per_epoch,
    loss_per_step,
    rate_finder,
)

__all__ = [
    "RUN_COLORS",
    "TRAIN",
    "VALIDATION",
    "accuracy_per_epoch",
    "class_accuracies",
    "confusion_matrix",
    "layer_health",
    "learning_rate",
    "loss_per_epoch",
    "loss_per_step",
    "network_drawing",
    "rate_finder",
    "run_color",
]
