"""Runs on disk: an SQLite database for the list, and a folder for the files of each run."""

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
