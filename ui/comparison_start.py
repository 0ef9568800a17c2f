"""Starting a comparison: which results can be reused, how long the rest takes, and whether the visitor has peeked."""

import os

import streamlit as st

from mlpcore import datasets
from mlpcore.comparison.batch import relative_cost
from mlpcore.comparison.costs import seconds_per_cost
from mlpcore.comparison.job import Job, jobs
from mlpcore.comparison.plan import Plan
from mlpcore.comparison.result_cache import ResultCache
from mlpcore.experiment import DatasetName
from ui.session import owner


def start(plan: Plan) -> Job:
    """Starts the training runs of a plan."""
    job = Job(plan, lambda job: job.train(plan.runs), owner(), cache=ResultCache(jobs))
    jobs.add(job)
    return job


def time_needed(plan: Plan) -> tuple[int, float]:
    """How many runs of `plan` must be trained, and about how many seconds that takes."""
    cache = ResultCache(jobs)
    missing = [run for run in plan.runs if run not in cache]
    side_by_side = max(1, (os.cpu_count() or 1) // plan.experiments[0].threads)
    cost = sum(map(relative_cost, missing))
    return len(missing), cost * _seconds_per_cost(plan.experiments[0].data.dataset) / side_by_side


@st.cache_data(show_spinner=False)
def _seconds_per_cost(dataset: DatasetName) -> float:
    # Measured once per server: if the machine is busy at that moment, all estimates are too long.
    return seconds_per_cost(datasets.load(dataset))


def seen_before(plan: Plan) -> str | None:
    """A warning if the visitor has compared two or more of these models with a different set of overlapping seeds."""
    models = {experiment.changed(seed=0) for experiment in plan.experiments}
    looks = [
        job.subject
        for job in jobs.all()
        if isinstance(job.subject, Plan)
        and job.is_over
        and job.owner == owner()
        and len(models & {experiment.changed(seed=0) for experiment in job.subject.experiments}) > 1
    ]
    if not any(look.seeds != plan.seeds and set(look.seeds) & set(plan.seeds) for look in looks):
        return None
    return (
        "You have already seen these models with some of these seeds. If you add seeds after each result until a "
        "difference appears, you will find one sooner or later, even where there is none. For a fair second "
        f"comparison, set the seed in the shared settings to {max(seed for look in looks for seed in look.seeds) + 1}."
    )
