"""Kills trainings at random moments and checks that nothing is lost.

A child process trains a small experiment as the app does, through a queue with a store. It is killed by SIGKILL at a
random moment within the time that a whole training takes. Afterwards the folder must open, the list must be intact, and
the run must be listed as interrupted, with a history that is the beginning of an uninterrupted run's. Another child
resumes it and is killed in turn, up to three times; the last one may finish. Weights, history and evaluation must equal
those of an uninterrupted training bit for bit, except for the seconds.

Checkpoints are written all the time here, so that some kills hit the middle of one.
"""

import argparse
import dataclasses
import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/crash.py`

from mlpcore import datasets
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.history import History
from mlpcore.runs import RunQueue
from mlpcore.store import Store, StoredRun
from mlpcore.training import Finished, Result, Trainer

EXPERIMENT = experiment_from_fields(
    {
        "hidden": (96, 48), "dropout": 0.2, "batch_norm": True, "train_size": 3000, "validation": 500, "epochs": 6,
        "accumulate": 2, "optimizer": "adamw", "schedule": "cosine", "augment": "affine", "early_stopping": 4,
        "device": "cpu",
    }
)  # fmt: skip
"""A second or two, in which everything changes that a checkpoint must keep."""

KILLS_OF_ONE_RUN = 3

if sys.platform == "win32":
    _processes = multiprocessing.get_context("spawn")
else:
    # A process with PyTorch imported and without threads, from which children come at once.
    _processes = multiprocessing.get_context("forkserver")
    _processes.set_forkserver_preload(["mlpcore.runs"])


class Lost(Exception):
    """Something did not survive a kill; the message says what."""


@dataclass(frozen=True)
class Expected:
    """The outcome of an uninterrupted training."""

    history: History
    result: Result
    state: dict[str, torch.Tensor]


@dataclass
class Tally:
    """Counts of kills, of kills in the middle of writing a file, and of runs that were trained to the end."""

    kills: int = 0
    while_writing: int = 0
    runs: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=30, help="how many kills (default 30)")
    times = parser.parse_args().times
    if times < 1:
        parser.error("--times must be at least 1")
    with tempfile.TemporaryDirectory() as folder:
        try:
            tally = crash(Path(folder), times)
        except Lost as lost:
            sys.exit(f"Lost: {lost}")
    print(
        f"{tally.kills} kills, {tally.while_writing} of them in the middle of writing a file: all {tally.runs} runs "
        "ended with the weights, the history and the evaluation of an uninterrupted one, bit for bit."
    )


def crash(folder: Path, times: int, experiment: Experiment = EXPERIMENT) -> Tally:
    """Kills `times` trainings in `folder`, which is empty, and resumes each to its end.

    Raises:
        Lost: something did not survive.
    """
    expected = _uninterrupted(experiment)
    _, seconds = _serve(folder / "whole", experiment, None)
    _check_end(folder / "whole", expected)
    tally = Tally()
    while tally.kills < times:
        home = folder / str(tally.runs)
        for resumed in range(min(KILLS_OF_ONE_RUN, times - tally.kills)):
            killed, lived = _serve(home, experiment, random.uniform(0, seconds))
            if not killed:
                # The machine has become faster, or there was only a rest to train.
                seconds = seconds if resumed else min(seconds, lived)
                break
            tally.kills += 1
            tally.while_writing += any(home.glob("*/*.half"))
            _check_middle(home, expected)
        _serve(home, experiment, None)
        _check_end(home, expected)
        tally.runs += 1
    return tally


def _uninterrupted(experiment: Experiment) -> Expected:
    trainer = Trainer(experiment, datasets.load(experiment.data.dataset))
    *_, last = trainer
    assert isinstance(last, Finished)
    return Expected(trainer.history, last.result, trainer.model.state_dict())


def _serve(home: Path, experiment: Experiment, kill_after: float | None) -> tuple[bool, float]:
    """Starts a server that trains, and kills it after so many seconds: (whether it was killed, how long it ran)."""
    mine, its = _processes.Pipe()
    process = _processes.Process(target=_server, args=(home, experiment, its))
    process.start()
    its.close()
    mine.recv()
    started = time.monotonic()
    process.join(kill_after)
    seconds, killed = time.monotonic() - started, process.is_alive()
    process.kill()
    process.join()
    if not killed and process.exitcode:
        raise Lost(f"the server ended with exit code {process.exitcode}")
    mine.close()
    process.close()
    return killed, seconds


def _server(home: Path, experiment: Experiment, connection: Connection) -> None:
    """What the child does: trains the run that is there, or a new one, to its end."""
    datasets.load(experiment.data.dataset)
    connection.send("ready")
    queue = RunQueue(cores=1, store=Store(home, seconds_between=0.0, share_of_time=1.0))
    kept = queue.runs()
    run = kept[0] if kept else queue.submit(experiment)
    queue.resume(run)
    while not run.status.is_final:
        time.sleep(0.01)
    queue.close()
    if queue.unsaved or run.unsaved or run.error:
        raise Lost(f"{queue.unsaved} {run.unsaved} {run.error}")


def _check_middle(home: Path, expected: Expected) -> None:
    """Checks that a killed server left a folder that opens, with the run in it."""
    if not (home / "runs.db").exists():
        return  # killed before it had begun
    store = Store(home)
    run = _only_run(home, store)
    if run and run.status == "interrupted":
        history = store.history(run.id, run.experiment, run.step)
        state = store.state(run.id)
        steps = len(state["losses"]) if state else 0
        if not run.step <= steps <= history.steps:
            raise Lost(f"listed with {run.step} steps, kept with {steps}, recorded with {history.steps}")
        if not _same_record(history, expected.history, history.steps):
            raise Lost(f"the history of the first {history.steps} steps differs")
    elif run and run.status != "finished":
        raise Lost(f"the run is {run.status} after its server was killed")
    store.close()


def _check_end(home: Path, expected: Expected) -> None:
    """Checks that the run ended as an uninterrupted one does."""
    store = Store(home)
    run = _only_run(home, store)
    if not run or run.status != "finished":
        raise Lost(f"the run is {run and run.status} at the end")
    history = store.history(run.id, run.experiment, run.step)
    state, result = store.model(run.id).state_dict(), store.result(run.id)
    if history.steps != expected.history.steps or not _same_record(history, expected.history, history.steps):
        raise Lost("the final history differs")
    if list(state) != list(expected.state) or not all(torch.equal(state[name], expected.state[name]) for name in state):
        raise Lost("the final weights differ")
    if (result.test.loss, result.train.loss) != (expected.result.test.loss, expected.result.train.loss):
        raise Lost("the final evaluation differs")
    store.close()


def _only_run(home: Path, store: Store) -> StoredRun | None:
    """The only run in the list, which must be intact."""
    runs = store.runs()
    connection = sqlite3.connect(home / "runs.db")
    (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    if verdict != "ok":
        raise Lost(f"the database is damaged: {verdict}")
    if len(runs) > 1:
        raise Lost(f"{len(runs)} runs are listed instead of one")
    return runs[0] if runs else None


def _same_record(one: History, other: History, steps: int) -> bool:
    """Whether two histories are equal up to a step, except for the seconds."""
    epochs = [
        [dataclasses.replace(record, seconds=0.0) for record in history.epochs[: len(one.epochs)]]
        for history in (one, other)
    ]
    health = [[record for record in history.health if record.step <= steps] for history in (one, other)]
    return (
        one.losses[:steps].tobytes() == other.losses[:steps].tobytes()
        and one.rates[:steps].tobytes() == other.rates[:steps].tobytes()
        and epochs[0] == epochs[1]
        and health[0] == health[1]
    )


if __name__ == "__main__":
    main()
