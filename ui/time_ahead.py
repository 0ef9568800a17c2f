"""How long trainings will take on this computer, and which need none because their results are reused."""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache

import streamlit as st

from mlpcore import datasets, runs
from mlpcore.claims import Claim
from mlpcore.claims.forecast import first_training
from mlpcore.comparison.batch import relative_cost
from mlpcore.comparison.costs import seconds_per_cost
from mlpcore.comparison.job import jobs
from mlpcore.comparison.result_cache import ResultCache
from mlpcore.experiment import DatasetName, Experiment
from mlpcore.provenance import made_by
from mlpcore.runs import Run, Status
from ui.words import duration

_NEWEST = 10
"""Finished runs of which the largest tells the speed: a small one says little, an old one is of another time."""


_background = ThreadPoolExecutor(1, "speed")


def measure_speed(dataset: DatasetName) -> None:
    """Starts to measure this computer's speed, once per server, so that it is known when it is asked for.

    Not on a page's own thread: while a page is half drawn, what is below moves as soon as somebody clicks.
    """
    _measurement(dataset)


def untrained(experiments: Sequence[Experiment]) -> list[Experiment]:
    """Those whose results cannot be reused, so that they must be trained."""
    cache = ResultCache(jobs)
    return [experiment for experiment in experiments if experiment not in cache]


def seconds_to_train(experiments: Sequence[Experiment]) -> float:
    """About how many seconds it takes to train these, side by side; 0 for none."""
    if not experiments:
        return 0.0
    side_by_side = max(1, min(len(experiments), (os.cpu_count() or 1) // experiments[0].threads))
    cost = sum(map(relative_cost, experiments))
    return cost * _seconds_per_cost(experiments[0].data.dataset) / side_by_side


def seconds_for_claim(claim: Claim) -> float | None:
    """About how many seconds an investigation takes; None if it trains nothing, so that it cannot be estimated."""
    experiments, share = first_training(claim)
    return seconds_to_train(untrained(experiments)) / share if experiments else None


def say_how_long(claim: Claim) -> None:
    """Says about how long an investigation takes on this computer."""
    seconds = seconds_for_claim(claim)
    if seconds is None:
        st.caption("This measures times instead of training models, so how long it takes is not known beforehand.")
    elif seconds == 0:
        st.caption("All its runs were trained here before, so this is quick.")
    else:
        st.caption(f"About {duration(seconds)} on this computer; longer if it is busier than before.")


def _seconds_per_cost(dataset: DatasetName) -> float:
    here = [run for run in runs.queue.runs() if run.status is Status.FINISHED and run.made_by == made_by()][:_NEWEST]
    largest = max(here, key=lambda run: relative_cost(run.experiment), default=None)
    return (largest and _speed_of(largest)) or _measurement(dataset).result()


@lru_cache(maxsize=1)
def _speed_of(run: Run) -> float | None:
    """Seconds per unit of `relative_cost`, by the run's last epoch; None if its history cannot be read."""
    epochs = run.history.epochs
    if not epochs:
        return None
    return epochs[-1].seconds * run.experiment.hyperparameters.epochs / relative_cost(run.experiment)


@cache
def _measurement(dataset: DatasetName) -> Future[float]:
    return _background.submit(lambda: seconds_per_cost(datasets.load(dataset)))
