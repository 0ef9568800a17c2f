"""Trained models that can be kept and used: as files, bundled with MLP Lab, or made by a run."""

from mlpcore.models.files import BUNDLED, InvalidModel, bundled, load, save
from mlpcore.models.trained import Classifier, Reliability, Score, TrainedModel

__all__ = ["BUNDLED", "Classifier", "InvalidModel", "Reliability", "Score", "TrainedModel", "bundled", "load", "save"]
