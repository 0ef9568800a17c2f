"""Starting a comparison, and whether the visitor has peeked."""

from mlpcore.comparison.job import Job, jobs
from mlpcore.comparison.plan import Plan
from mlpcore.comparison.result_cache import ResultCache
from ui.session import owner


def start(plan: Plan) -> Job:
    """Starts the training runs of a plan."""
    job = Job(plan, lambda job: job.train(plan.runs), owner(), cache=ResultCache(jobs))
    jobs.add(job)
    return job


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
