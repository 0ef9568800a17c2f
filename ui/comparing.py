"""A comparison as it goes: progress, time left, live curves; and how to stop it."""

from collections import defaultdict
from functools import lru_cache

import streamlit as st

from mlpcore import figures
from mlpcore.comparison.batch import Batch
from mlpcore.comparison.job import Job
from mlpcore.comparison.plan import names_of
from mlpcore.experiment import Experiment
from mlpcore.figures import Quantity
from mlpcore.history import History
from ui.live_chart import as_json, live_chart
from ui.run_monitor import REFRESH_SECONDS
from ui.session import owner
from ui.words import duration

MOST_CURVES = 6
"""More lines than there are colours cannot be told apart."""

_AT_ONCE, _SOON = 0.5, 0.05

_CURVES: dict[Quantity, str] = {
    "loss": "Training loss",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "train_accuracy": "Training accuracy",
}


def follow(job: Job) -> None:
    """Shows how `job` gets on, live until it is over; then the whole page runs again."""
    over = job.is_over
    st.fragment(_follow, run_every=None if over else REFRESH_SECONDS)(job, was_over=over)


def _follow(job: Job, *, was_over: bool) -> None:
    if job.is_over and not was_over:
        st.rerun()
    batch = job.batches[-1] if job.batches else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.progress, text=_in_words(job, batch))
        if not was_over:
            st.button(
                "Cancel",
                key=f"cancel_{job.id}",
                icon=":material/stop:",
                on_click=job.cancel,
                disabled=job.cancelled or job.owner != owner(),
                help="Stops all its runs. What is finished stays.",
            )
    if job.error:
        st.error(job.error, icon=":material/error:")
    if batch and not was_over:
        _show_groups(job, batch)
        show_curves(job)


def _in_words(job: Job, batch: Batch | None) -> str:
    finished, begun = (sum(count(each) for each in job.batches) for count in (_finished, _all))
    runs = f"{finished} of {begun} runs finished" if batch else "measuring"
    if job.is_over:
        ended = "Cancelled" if job.cancelled else "Stopped" if job.error else "Done"
        if job.seconds < _AT_ONCE and finished == begun:
            return f"{ended}: all {finished} runs were trained before"
        return f"{ended}: {runs}, {duration(job.seconds)}" if batch else f"{ended} after {duration(job.seconds)}"
    if job.cancelled:
        return f"Stopping · {runs}"
    # The first moments say little about the speed.
    left = job.seconds_left if job.progress > _SOON else None
    return f"{runs.capitalize()} · about {duration(left)} left" if left is not None else runs.capitalize()


def _finished(batch: Batch) -> int:
    return sum(map(bool, batch.trained))


def _all(batch: Batch) -> int:
    return len(batch.trained)


def _groups(batch: Batch) -> dict[Experiment, list[int]]:
    """The places of the runs of each experiment, whatever their seeds."""
    groups: dict[Experiment, list[int]] = defaultdict(list)
    for place, experiment in enumerate(batch.experiments):
        groups[experiment.changed(seed=0)].append(place)
    return groups


def _names(job: Job, groups: dict[Experiment, list[int]]) -> tuple[str, ...]:
    """What the experiments are called: by the job where it has names for them, else by what sets them apart."""
    if all(experiment in job.names for experiment in groups):
        return tuple(job.names[experiment] for experiment in groups)
    return tuple(names_of(list(groups)))


def _show_groups(job: Job, batch: Batch) -> None:
    groups = _groups(batch)
    if len(groups) > MOST_CURVES:
        return
    for name, places, column in zip(_names(job, groups), groups.values(), st.columns(len(groups)), strict=True):
        done = sum(batch.trained[place] is not None for place in places)
        column.progress(batch.progress_of(places), text=f"{name}: {done} of {len(places)}")


def show_curves(job: Job) -> None:
    """Loss and accuracy per epoch of the runs that `job` began last: one chart per question."""
    batch = job.batches[-1]
    groups = _groups(batch)
    if len(groups) > MOST_CURVES:
        return
    histories = [
        [history for place in places if (history := batch.history(place)) and history.epochs]
        for places in groups.values()
    ]
    if not any(histories):
        st.caption("The curves begin when the first epoch is over.")
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
                f"lowest to the highest; for {'; '.join(_names(job, groups))}.",
                height=280,
            )
    if not has_validation:
        st.caption("No images are set aside for validation, so there are no curves for them.")


@lru_cache(maxsize=64)
def _drawn(
    names: tuple[str, ...], version: int, quantity: Quantity, epochs: int, histories: tuple[tuple[History, ...], ...]
) -> str:
    """The curves so far, for all who look on; a new `version` says that the histories have grown."""
    return as_json(figures.curves_over_seeds(names, histories, quantity, epochs))
