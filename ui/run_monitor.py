"""A run: its status, controls, live charts and epochs."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import plotly.graph_objects as go
import streamlit as st

from mlpcore import figures, runs
from mlpcore.experiment import Experiment
from mlpcore.history import History
from mlpcore.provenance import made_by
from mlpcore.runs import Run, Status
from ui.experiment_form import fill_form
from ui.glossary import meaning
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.results import draw_button, show_more_results, show_score
from ui.session import may_change, title_of
from ui.words import duration, plain

REFRESH_SECONDS = 0.5
_LOSS_HEIGHT = 280
_ROW_HEIGHT, _ROWS = 35, 5
"""Pixels of a row in the table of epochs, and the number of rows that are seen without scrolling."""

STATUS_BADGES: dict[Status, tuple[str, Literal["blue", "gray", "green", "orange", "red"]]] = {
    Status.QUEUED: (":material/hourglass_empty:", "gray"),
    Status.TRAINING: (":material/model_training:", "blue"),
    Status.PAUSED: (":material/pause:", "orange"),
    Status.FINISHED: (":material/check:", "green"),
    Status.STOPPED: (":material/stop:", "gray"),
    Status.FAILED: (":material/error:", "red"),
    Status.INTERRUPTED: (":material/power_off:", "gray"),
}


def run_monitor(run: Run) -> None:
    """Shows `run`, live while it trains; the rest of the page does not rerun."""
    final = run.status.is_final
    st.fragment(_monitor, run_every=None if final else REFRESH_SECONDS)(run, was_final=final)


def show_empty_monitor(experiment: Experiment) -> None:
    """The place for a run before there is one, with the axes that `experiment` would have."""
    st.caption("Nothing has been trained yet. Choose the layers and settings, press Train, and watch the loss fall.")
    live_chart(
        _drawn(figures.loss_per_step, 0, History(experiment), experiment.total_steps, color=figures.run_color(1)),
        key="loss_per_step_empty",
        alt="Empty line chart: training loss against step.",
        height=_LOSS_HEIGHT,
    )


def _monitor(run: Run, *, was_final: bool) -> None:
    if run.status.is_final and not was_final:
        # The whole page changes when a run ends: results appear, and the refreshing stops.
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="run_head"):
        st.subheader(plain(title_of(run)), width="content", anchor=False)
        icon, color = STATUS_BADGES[run.status]
        st.badge("stopping" if run.stopping and not was_final else run.status, icon=icon, color=color)
    st.progress(run.progress, text=progress_in_words(run))
    if was_final:
        _what_next(run)
    else:
        controls(run)
    if run.status is Status.INTERRUPTED:
        _resume(run)
    if run.elsewhere:
        st.caption("Another process on this computer is training it; this is what it has saved last.")
    if run.unsaved:
        st.warning(run.unsaved, icon=":material/save:")
    if run.error:
        st.error(run.error, icon=":material/error:")
    if run.result:
        show_score(run.result)
    # Empty charts, too, so that nothing moves when the first step and the first epoch are done.
    if run.step or not was_final:
        _loss_chart(run)
    if run.result:
        show_more_results(run, run.result)
    if run.step or not was_final:
        _epochs(run)
        _layers(run)


def _what_next(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.result:
            draw_button(run)
        if not lesson() and st.button(
            "Use its settings",
            key="use_settings",
            type="tertiary",
            icon=":material/content_copy:",
            on_click=fill_form,
            args=(run.experiment,),
            help="Copies the settings of this run to the form.",
        ):
            st.rerun()


def _resume(run: Run) -> None:
    ending = (
        "it will end exactly as if it had not been interrupted."
        if run.made_by == made_by()
        else "its numbers may differ slightly from those of an uninterrupted training, since other versions or another "
        "processor began it."
    )
    st.info(
        f"The server stopped during this training. Its progress was saved: you can resume it, and {ending}",
        icon=":material/power_off:",
    )
    pressed = st.button(
        "Resume", key="run_take_up", icon=":material/play_arrow:", type="primary", disabled=not may_change(run)
    )
    if pressed:
        runs.queue.resume(run)
        st.rerun()


def progress_in_words(run: Run) -> str:
    """The progress of `run`, its speed, and the time left."""
    experiment = run.experiment
    if run.status is Status.QUEUED:
        place = runs.queue.place(run)
        return f"Waiting, number {place} in the queue" if place else "Starting"
    if run.is_trained and not run.status.is_final:
        return "Training is done; evaluating on all training and test images"
    epoch = max(1, math.ceil(run.step / experiment.steps_per_epoch))
    words = [
        f"Epoch {epoch} of {experiment.hyperparameters.epochs}",
        f"step {run.step:,} of {experiment.total_steps:,}",
    ]
    speed = run.steps_per_second
    if run.status is Status.TRAINING and speed:
        images_per_step = experiment.data.train_images / experiment.steps_per_epoch
        words += [
            f"{speed * images_per_step:,.0f} images per second",
            f"{duration((experiment.total_steps - run.step) / speed)} left",
        ]
    return " · ".join(words)


def controls(run: Run) -> None:
    """Buttons that pause, advance and stop `run`."""
    # Every button keeps its place, so that nobody presses one that has just moved there.
    queue, paused, training = runs.queue, run.status is Status.PAUSED, run.status is Status.TRAINING
    done = run.is_trained or run.elsewhere or not may_change(run)
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Resume" if paused else "Pause",
            key="run_pause",
            icon=":material/play_arrow:" if paused else ":material/pause:",
            on_click=queue.resume if paused else queue.pause,
            args=(run,),
            disabled=not (paused or training) or run.stopping or done,
            width=110,
        )
        for label, key, advance in [
            ("1 step", "run_1_step", lambda: queue.advance(run, 1)),
            ("10 steps", "run_10_steps", lambda: queue.advance(run, 10)),
            ("1 epoch", "run_1_epoch", lambda: queue.advance_epoch(run)),
        ]:
            st.button(label, key=key, on_click=advance, disabled=not paused or done, help="Available while paused.")
        never_began = run.step == 0 and not training
        st.button(
            "Cancel" if never_began else "Stop",
            key="run_stop",
            icon=":material/stop:",
            on_click=queue.stop,
            args=(run,),
            disabled=run.stopping or done,
            width=100,
            help="Removes it from the queue." if never_began
            else "Ends the training for good; the model is evaluated as it is now.",
        )  # fmt: skip


@lru_cache(maxsize=256)
def _drawn(draw: Callable[..., go.Figure], version: int, history: History, length: int, **options: object) -> str:
    """The figure of a history, shared by all sessions; a new `version` means that the history has grown."""
    return as_json(draw(history, length, **options))


def _loss_chart(run: Run) -> None:
    st.markdown("**Training loss per step**", help=meaning("loss", "nat", "step"))
    chart = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        log = st.toggle("Log scale", key="chart_log", persist_state="session")
        smoothing = st.select_slider(
            "Smoothing",
            [0.0, 0.5, 0.8, 0.9, 0.95, 0.99],
            key="chart_smoothing",
            width=160,
            persist_state="session",
            help="Draws a moving average of the loss; the band shows the measured values.",
        )
    with chart:
        live_chart(
            _drawn(
                figures.loss_per_step,
                run.history.steps,
                run.history,
                run.experiment.total_steps,
                smoothing=smoothing,
                log=log,
                color=figures.run_color(run.number),
            ),
            key=f"loss_per_step_{run.id}",
            alt="Line chart: training loss against step, with the range of the losses in each stretch of steps.",
            height=_LOSS_HEIGHT,
        )


def _epochs(run: Run) -> None:
    epochs, measured = run.experiment.hyperparameters.epochs, len(run.history.epochs)
    left, right = st.columns(2)
    with left:
        st.markdown("**Loss per epoch**", help=meaning("epoch", "overfitting"))
        live_chart(
            _drawn(figures.loss_per_epoch, measured, run.history, epochs),
            key=f"loss_per_epoch_{run.id}",
            alt="Line chart: training and validation loss against epoch.",
            height=260,
        )
    with right:
        st.markdown("**Accuracy per epoch**", help=meaning("accuracy", "validation image"))
        live_chart(
            _drawn(figures.accuracy_per_epoch, measured, run.history, epochs),
            key=f"accuracy_per_epoch_{run.id}",
            alt="Line chart: training and validation accuracy against epoch.",
            height=260,
        )
    _epoch_table(run)


def _epoch_table(run: Run) -> None:
    """The figures of every epoch as numbers, the newest first, in a table whose height is known from the start."""
    records = run.history.epochs[::-1]
    columns: dict[str, tuple[list[float], str, str]] = {
        "Training loss": (
            [record.loss for record in records],
            "%.4f",
            "Mean over the steps of the epoch, while the weights were changing: what the tutorial prints.",
        ),
        "Training accuracy": (
            [100 * record.train_accuracy for record in records],
            "%.2f %%",
            "On a fixed sample of training images, after the epoch.",
        ),
    }
    if run.experiment.data.validation:
        columns |= {
            "Validation loss": (
                [record.val_loss or 0.0 for record in records],
                "%.4f",
                "On the validation images, after the epoch.",
            ),
            "Validation accuracy": (
                [100 * (record.val_accuracy or 0.0) for record in records],
                "%.2f %%",
                "On the validation images, after the epoch.",
            ),
        }
    columns |= {
        "Seconds": ([record.seconds for record in records], "%.1f", "Time spent computing; pauses are not counted."),
        "Learning rate": (
            [record.learning_rate for record in records],
            "%.3g",
            "Rate of the last update of the epoch.",
        ),
    }
    st.dataframe(
        {"Epoch": [record.epoch for record in records], **{name: column[0] for name, column in columns.items()}},
        column_config={
            name: st.column_config.NumberColumn(format=form, help=explanation)
            for name, (_, form, explanation) in columns.items()
        },
        hide_index=True,
        height=_ROW_HEIGHT * (1 + min(run.experiment.hyperparameters.epochs, _ROWS)) + 3,
        row_height=_ROW_HEIGHT,
        key=f"epochs_{run.id}",
        alt="Table: losses, accuracies, seconds and learning rate of each epoch.",
    )


def _layers(run: Run) -> None:
    history, steps = run.history, run.experiment.total_steps
    # Every third health record is enough while it trains; at rest, all are shown.
    records = len(history.health) // 3 if run.status is Status.TRAINING else -len(history.health)
    st.markdown(
        "**Health of the layers**",
        help="For each layer: the share of dead ReLU neurons (those that output 0 for every image of a fixed sample of "
        "training images, and so learn nothing from them), the norm of its gradient, and the size of an update "
        f"relative to the weights.\n\n{meaning('gradient')}",
    )
    live_chart(
        _drawn(figures.layer_health, records, history, steps),
        key=f"layer_health_{run.id}",
        alt="Line charts per layer against step: share of dead ReLUs, gradient norm, size of update against weight.",
        height=380,
    )
    st.markdown("**Learning rate**", help=meaning("learning rate"))
    live_chart(
        _drawn(figures.learning_rate, records, history, steps),
        key=f"learning_rate_{run.id}",
        alt="Line chart: learning rate against step.",
        height=180,
    )
