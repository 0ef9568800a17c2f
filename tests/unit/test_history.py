"""The record of a run is as large as what has happened, and can be read at any time."""

import threading
import tracemalloc

import numpy as np
import pytest

from mlpcore.experiment import Experiment
from mlpcore.history import History

LONG = Experiment().changed(epochs=1000)


def test_what_was_added_is_there() -> None:
    history = History(LONG)
    for step in range(5000):
        history.append_step(step / 10, step / 100)
    assert history.losses.tolist() == (np.arange(5000) / 10).astype(np.float32).tolist()
    assert history.rates.tolist() == (np.arange(5000) / 100).astype(np.float32).tolist()
    again = History(LONG)
    again.fill(history.losses, history.rates, [], [])
    again.append_step(7.0, 8.0)
    assert again.losses.tolist() == [*history.losses.tolist(), 7.0]
    assert again.rates.tolist() == [*history.rates.tolist(), 8.0]


def test_a_long_run_takes_no_memory_before_its_steps_are_taken() -> None:
    tracemalloc.start()
    try:
        histories = [History(LONG) for _ in range(10)]
        for history in histories:
            history.append_step(1.0, 0.001)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < len(histories) * LONG.total_steps


def test_there_is_no_room_for_more_steps_than_the_run_has() -> None:
    history = History(Experiment().changed(epochs=1))
    steps = np.zeros(Experiment().changed(epochs=1).total_steps, np.float32)
    history.fill(steps, steps, [], [])
    with pytest.raises(IndexError):
        history.append_step(0.0, 0.0)
    with pytest.raises(ValueError, match="broadcast"):
        History(Experiment().changed(epochs=1)).fill(np.append(steps, 0), np.append(steps, 0), [], [])


def test_whoever_looks_on_sees_only_steps_that_were_taken() -> None:
    history = History(LONG)

    def train() -> None:
        for _ in range(20_000):
            history.append_step(1.0, 1.0)

    training = threading.Thread(target=train)
    training.start()
    while training.is_alive():
        seen = history.steps
        assert len(history.losses) >= seen and len(history.rates) >= seen
        assert (history.losses == 1).all() and (history.rates == 1).all()
    training.join()
