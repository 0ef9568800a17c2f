"""Plotly figures of mlpcore's data: one function for each question that a chart answers.

A figure sets the colors of its data and its structure. Background, text and grid follow the theme of the page, and so
does the height, except for the drawing of a network.
"""

from mlpcore.figures.architecture import network_drawing
from mlpcore.figures.comparison import (
    Quantity,
    accuracy_against_parameters,
    accuracy_over_seeds,
    agreement_matrix,
    class_accuracies_compared,
    curves_over_seeds,
)
from mlpcore.figures.drawing import answer_bars, answers_side_by_side, seen_image, votes_image
from mlpcore.figures.evaluation import class_accuracies, confusion_matrix
from mlpcore.figures.snapshots import learned_curve, weight_pictures
from mlpcore.figures.style import (
    BUNDLED_COLORS,
    RUN_COLORS,
    TRAIN,
    TUNED_COLORS,
    VALIDATION,
    probability_in_words,
    run_color,
)
from mlpcore.figures.training import (
    accuracy_per_epoch,
    layer_health,
    learning_rate,
    loss_per_epoch,
    loss_per_step,
    rate_finder,
)

__all__ = [
    "BUNDLED_COLORS",
    "RUN_COLORS",
    "TRAIN",
    "TUNED_COLORS",
    "VALIDATION",
    "Quantity",
    "accuracy_against_parameters",
    "accuracy_over_seeds",
    "accuracy_per_epoch",
    "agreement_matrix",
    "answer_bars",
    "answers_side_by_side",
    "class_accuracies",
    "class_accuracies_compared",
    "confusion_matrix",
    "curves_over_seeds",
    "layer_health",
    "learned_curve",
    "learning_rate",
    "loss_per_epoch",
    "loss_per_step",
    "network_drawing",
    "probability_in_words",
    "rate_finder",
    "run_color",
    "seen_image",
    "votes_image",
    "weight_pictures",
]
