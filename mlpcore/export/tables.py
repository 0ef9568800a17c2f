"""A run's history as CSV, with a header line."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, fields

import numpy as np

from mlpcore.history import EpochRecord, History


def history_csv(history: History) -> str:
    """The epochs, with the fields of `EpochRecord` as columns; what was not measured is empty.

    Accuracies are fractions, losses are in nats. Numbers are written with full precision.
    """
    names = [field.name for field in fields(EpochRecord)]
    return _table(names, (asdict(record).values() for record in history.epochs))


def steps_csv(history: History) -> str:
    """The steps: their number from 1, the training loss in nats, and the learning rate, both float32."""
    numbers = range(1, history.steps + 1)
    # numpy writes a float32 with as few digits as identify it.
    losses, rates = history.losses.astype(np.str_), history.rates.astype(np.str_)
    return _table(["step", "loss", "learning_rate"], zip(numbers, losses, rates, strict=True))


def _table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()
