"""Trained models: saved as files, bundled with MLP Lab, or made by a run."""

from mlpcore.models.files import BUNDLED, InvalidModel, as_bytes, bundled, load, save, title_in
from mlpcore.models.trained import Classifier, Reliability, Score, TrainedModel

__all__ = [
    "BUNDLED",
    "Classifier",
    "InvalidModel",
    "Reliability",
    "Score",
    "TrainedModel",
    "as_bytes",
    "bundled",
    "load",
    "save",
    "title_in",
]
