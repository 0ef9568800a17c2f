"""Runs on disk: SQLite for what is listed, one folder per run for its checkpoint, history, result and model."""

from mlpcore.store.database import Outcome, StoredRun
from mlpcore.store.problems import NotToBeTrained, StoreProblem
from mlpcore.store.recorder import Recorder
from mlpcore.store.store import Store, checked_description, runs_folder

__all__ = [
    "NotToBeTrained",
    "Outcome",
    "Recorder",
    "Store",
    "StoreProblem",
    "StoredRun",
    "checked_description",
    "runs_folder",
]
