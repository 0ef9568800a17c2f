"""How long a training will take, from the speed of runs that have finished on this computer.

Nothing is measured on purpose: a click on a link while a page measures would be lost.
"""

import os
from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from mlpcore import runs
from mlpcore.claims import Claim
from mlpcore.claims.forecast import first_training
from mlpcore.comparison.batch import relative_cost
from mlpcore.comparison.job import jobs
from mlpcore.comparison.result_cache import ResultCache
from mlpcore.experiment import Experiment
from mlpcore.runs import Run, Status
from ui.words import duration

_NEWEST = 10
"""Finished runs of which the largest tells the speed: a small one says little, an old one is of another time."""


def seconds_for(experiments: Sequence[Experiment]) -> float | None:
    """About how many seconds these take, side by side; 0 if all were trained before, None if no speed is known."""
    cache = ResultCache(jobs)
    missing = [experiment for experiment in experiments if experiment not in cache]
    if not missing:
        return 0.0
    speed = _seconds_per_cost()
    side_by_side = max(1, min(len(missing), (os.cpu_count() or 1) // missing[0].threads))
    return None if speed is None else sum(map(relative_cost, missing)) * speed / side_by_side


def seconds_for_claim(claim: Claim) -> float | None:
    """About how many seconds an investigation takes; None if that cannot be told."""
    experiments, share = first_training(claim)
    seconds = seconds_for(experiments) if experiments else None
    return None if seconds is None else seconds / share


def say_how_long(claim: Claim) -> None:
    """Says about how long an investigation takes on this computer."""
    seconds = seconds_for_claim(claim)
    if seconds is None:
        st.caption("How long this takes is not known yet: nothing comparable has been trained on this computer.")
    elif seconds == 0:
        st.caption("All its runs were trained here before, so this is quick.")
    else:
        st.caption(f"About {duration(seconds)} at the speed of the runs so far; longer if the computer is busier.")


def _seconds_per_cost() -> float | None:
    finished = [run for run in runs.queue.runs() if run.status is Status.FINISHED][:_NEWEST]
    return _speed_of(max(finished, key=lambda run: relative_cost(run.experiment))) if finished else None


@lru_cache(maxsize=1)
def _speed_of(run: Run) -> float | None:
    """Seconds per unit of `relative_cost`, by the run's last epoch; None if its history cannot be read."""
    epochs = run.history.epochs
    if not epochs:
        return None
    return epochs[-1].seconds * run.experiment.hyperparameters.epochs / relative_cost(run.experiment)
