"""A running comparison: progress, time left, live curves, and a button to cancel it."""

from collections import defaultdict
from functools import lru_cache

import streamlit as st

from mlpcore import figures
from mlpcore.comparison.batch import Batch
from mlpcore.comparison.job import Job
from mlpcore.comparison.plan import Plan, names_of
from mlpcore.experiment import Experiment
from mlpcore.figures import Quantity
from mlpcore.history import History
from ui.live_chart import as_json, live_chart
from ui.run_monitor import REFRESH_SECONDS
from ui.session import owner
from ui.words import duration, percent, plain

MOST_CURVES = 6
"""There are no more colors, so more lines could not be told apart."""

_CURVES: dict[Quantity, str] = {
    "loss": "Training loss",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "train_accuracy": "Training accuracy",
}


def follow(job: Job) -> None:
    """Shows the progress of `job`, live until it is over; then the whole page reruns."""
    over = job.is_over
    st.fragment(_follow, run_every=None if over else REFRESH_SECONDS)(job, was_over=over)


def _follow(job: Job, *, was_over: bool) -> None:
    if job.is_over and not was_over:
        st.rerun()
    if was_over:
        st.caption(_ending_in_words(job))
    else:
        with st.container(horizontal=True, vertical_alignment="center"):
            progress = job.progress
            st.progress(progress, text=_progress_in_words(job, progress))
            st.button(
                "Cancel",
                key=f"cancel_{job.id}",
                icon=":material/stop:",
                on_click=job.cancel,
                disabled=job.cancelled or job.owner != owner(),
                help="Stops all its runs. Finished ones are kept.",
            )
    if job.error:
        st.error(plain(job.error), icon=":material/error:")
    if job.batches and not was_over:
        _show_groups(job, job.batches[-1])
        show_curves(job)


def _progress_in_words(job: Job, progress: float) -> str:
    """What the progress bar shows, and the runs behind it: a share of the training, since runs take unequal time."""
    if job.cancelled:
        return f"Stopping · {_runs_in_words(job)}"
    left = job.seconds_left
    parts = [f"{percent(progress, 0)} done", _runs_in_words(job), f"about {duration(left)} left" if left else ""]
    return " · ".join(filter(None, parts))


def _runs_in_words(job: Job) -> str:
    if not job.batches:
        return "measuring"
    finished, started, reused = _count_runs(job)
    # Only a plan's number of runs is known from the start; a claim decides on the way what else it trains.
    runs = f"{finished} of {started} runs finished" if isinstance(job.subject, Plan) else f"{finished} runs finished"
    return f"{runs}, {reused} of them reused" if reused else runs


def _ending_in_words(job: Job) -> str:
    ended = "Cancelled" if job.cancelled else "Stopped" if job.error else "Done"
    finished, started, reused = _count_runs(job)
    if not started:
        return f"{ended} after {duration(job.seconds)}"
    if reused == started:
        return f"{ended}: all {reused} runs were trained earlier, and their results are reused."
    reusing = f", {reused} of them reused" if reused else ""
    return f"{ended}: {finished} of {started} runs finished{reusing}, {duration(job.seconds)}"


def _count_runs(job: Job) -> tuple[int, int, int]:
    """How many runs are finished, how many there are in all batches so far, and how many of these were reused."""
    finished = sum(result is not None for batch in job.batches for result in batch.trained)
    return finished, sum(len(batch.trained) for batch in job.batches), sum(batch.reused for batch in job.batches)


def _groups(batch: Batch) -> dict[Experiment, list[int]]:
    """The places of the runs of each experiment, regardless of seed."""
    groups: dict[Experiment, list[int]] = defaultdict(list)
    for place, experiment in enumerate(batch.experiments):
        groups[experiment.changed(seed=0)].append(place)
    return groups


def _names(job: Job, groups: dict[Experiment, list[int]]) -> tuple[str, ...]:
    """The names of the experiments: the job's own where it has them, otherwise by what differs."""
    if all(experiment in job.names for experiment in groups):
        return tuple(job.names[experiment] for experiment in groups)
    return tuple(names_of(list(groups)))


def _show_groups(job: Job, batch: Batch) -> None:
    groups = _groups(batch)
    if len(groups) > MOST_CURVES:
        return
    for name, places, column in zip(_names(job, groups), groups.values(), st.columns(len(groups)), strict=True):
        done = sum(batch.trained[place] is not None for place in places)
        progress = batch.progress_of(places)
        text = f"{plain(name)}: {percent(progress, 0)}, {done} of {len(places)} runs finished"
        column.progress(progress, text=text)


def show_curves(job: Job) -> None:
    """Loss and accuracy per epoch for the job's latest batch, one chart each."""
    batch = job.batches[-1]
    groups = _groups(batch)
    if len(groups) > MOST_CURVES:
        return
    histories = [
        [history for place in places if (history := batch.history(place)) and history.epochs]
        for places in groups.values()
    ]
    if not any(histories):
        st.caption("The curves start after the first epoch.")
        return
    has_validation = all(experiment.data.validation for experiment in groups)
    quantities: list[Quantity] = ["loss", "val_loss", "val_accuracy"] if has_validation else ["loss", "train_accuracy"]
    epochs = max(experiment.hyperparameters.epochs for experiment in groups)
    so_far = sum(len(history.epochs) for runs in histories for history in runs)
    for quantity, column in zip(quantities, st.columns(len(quantities)), strict=True):
        with column:
            st.markdown(f"**{_CURVES[quantity]}**")
            live_chart(
                _drawn(_names(job, groups), so_far, quantity, epochs, tuple(map(tuple, histories))),
                key=f"curves_{quantity}_{job.id}_{len(job.batches)}",
                alt=f"Line chart: {_CURVES[quantity].lower()} against epoch, mean over the seeds, with a band from the "
                f"lowest to the highest, for {'; '.join(_names(job, groups))}.",
                height=280,
            )
    if not has_validation:
        st.caption("There are no validation curves, since no images are set aside for validation.")


@lru_cache(maxsize=64)
def _drawn(
    names: tuple[str, ...], version: int, quantity: Quantity, epochs: int, histories: tuple[tuple[History, ...], ...]
) -> str:
    """The curves so far, shared by all visitors; a new `version` says that the histories have grown."""
    return as_json(figures.curves_over_seeds(names, histories, quantity, epochs))
