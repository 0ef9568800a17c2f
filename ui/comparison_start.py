"""Starting a comparison: what is known already, how long the rest will take, and whether somebody has peeked."""

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
    """Starts to train what a plan needs."""
    job = Job(plan, lambda job: job.train(plan.runs), owner(), cache=ResultCache(jobs))
    jobs.add(job)
    return job


def time_needed(plan: Plan) -> tuple[int, float]:
    """How many runs of `plan` are to be trained, and how many seconds they will take, about."""
    cache = ResultCache(jobs)
    missing = [run for run in plan.runs if run not in cache]
    side_by_side = max(1, (os.cpu_count() or 1) // plan.experiments[0].threads)
    cost = sum(map(relative_cost, missing))
    return len(missing), cost * _seconds_per_cost(plan.experiments[0].data.dataset) / side_by_side


@st.cache_data(show_spinner=False)
def _seconds_per_cost(dataset: DatasetName) -> float:
    # Once for each server: a machine that is busy in that moment makes all its estimates longer.
    return seconds_per_cost(datasets.load(dataset))


def seen_before(plan: Plan) -> str | None:
    """A warning where two or more of these models were compared before with other seeds, some of them the plan's."""
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
        "You have seen these models with some of these seeds. Whoever adds seeds after a look, until a difference "
        "appears, finds one sooner or later, also where there is none. For a fair second comparison begin with seed "
        f"{max(seed for look in looks for seed in look.seeds) + 1}: it is in the shared settings."
    )
