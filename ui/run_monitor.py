"""A run as it goes: status, controls and live charts."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import plotly.graph_objects as go
import streamlit as st

from mlpcore import figures, runs
from mlpcore.history import History
from mlpcore.runs import Run, Status
from ui.experiment_form import fill_form
from ui.field_inputs import plain
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.results import show_result
from ui.session import may_change, title_of
from ui.words import duration

REFRESH_SECONDS = 0.5

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
    """Shows `run`, live while it trains; the rest of the page stays as it is."""
    final = run.status.is_final
    st.fragment(_monitor, run_every=None if final else REFRESH_SECONDS)(run, was_final=final)


def _monitor(run: Run, *, was_final: bool) -> None:
    if run.status.is_final and not was_final:
        # The end concerns the whole page: results appear and the ticking stops.
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="run_head"):
        st.subheader(plain(title_of(run)), width="content", anchor="run")
        icon, color = STATUS_BADGES[run.status]
        st.badge("stopping" if run.stopping and not was_final else run.status, icon=icon, color=color)
        if not lesson() and st.button(
            "Use its settings",
            key="use_settings",
            type="tertiary",
            icon=":material/content_copy:",
            on_click=fill_form,
            args=(run.experiment,),
            help="Puts the settings of this run into the form.",
        ):
            st.rerun()
    st.progress(run.progress, text=progress_in_words(run))
    if not was_final:
        controls(run)
    elif run.status is Status.INTERRUPTED:
        _resume(run)
    if run.elsewhere:
        st.caption("Another process on this computer trains it; here you see what it has kept last.")
    if run.unsaved:
        st.warning(run.unsaved, icon=":material/save:")
    if run.error:
        st.error(run.error, icon=":material/error:")
    if run.result:
        show_result(run, run.result)
    if run.step:
        _charts(run)
    else:
        st.caption("The curves begin with the first step.")


def _resume(run: Run) -> None:
    st.info(
        "The server ended while this run was training. What it had learned is kept: it can go on, and will end exactly "
        "as if nothing had happened.",
        icon=":material/power_off:",
    )
    pressed = st.button(
        "Resume", key="run_take_up", icon=":material/play_arrow:", type="primary", disabled=not may_change(run)
    )
    if pressed:
        runs.queue.resume(run)
        st.rerun()


def progress_in_words(run: Run) -> str:
    """How far `run` has come, how fast it is, and how long it will take."""
    experiment = run.experiment
    if run.status is Status.QUEUED:
        place = runs.queue.place(run)
        return f"Waiting for its turn, place {place} in the queue" if place else "Starting"
    if run.is_trained and not run.status.is_final:
        return "Trained; evaluating on all training and test images"
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
    # Every button keeps its place, so that none comes to lie under a finger that meant another.
    queue, paused, training = runs.queue, run.status is Status.PAUSED, run.status is Status.TRAINING
    done = run.is_trained or run.elsewhere or not may_change(run)
    with st.container(horizontal=True):
        st.button(
            "Resume" if paused else "Pause",
            key="run_pause",
            icon=":material/play_arrow:" if paused else ":material/pause:",
            on_click=queue.resume if paused else queue.pause,
            args=(run,),
            disabled=not (paused or training) or run.stopping or done,
            width=120,
        )
        for label, key, advance in [
            ("1 step", "run_1_step", lambda: queue.advance(run, 1)),
            ("10 steps", "run_10_steps", lambda: queue.advance(run, 10)),
            ("1 epoch", "run_1_epoch", lambda: queue.advance_epoch(run)),
        ]:
            st.button(label, key=key, on_click=advance, disabled=not paused or done, help="While it is paused.")
        never_began = run.step == 0 and not training
        st.button(
            "Cancel" if never_began else "Stop",
            key="run_stop",
            icon=":material/stop:",
            on_click=queue.stop,
            args=(run,),
            disabled=run.stopping or done,
            width=110,
            help="Takes it out of the queue." if never_began
            else "Ends the training here for good; the model is evaluated as it is.",
        )  # fmt: skip


@lru_cache(maxsize=256)
def _drawn(draw: Callable[..., go.Figure], version: int, history: History, length: int, **options: object) -> str:
    """What `draw` makes of a history, for all who look on; a new `version` says that the history has grown."""
    return as_json(draw(history, length, **options))


def _charts(run: Run) -> None:
    history, experiment = run.history, run.experiment
    steps = experiment.total_steps
    # Every third look at the layers is enough while it runs; when it rests all are shown.
    looks = len(history.health) // 3 if run.status is Status.TRAINING else -len(history.health)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("**Training loss per step**", width="stretch")
        log = st.toggle("Log scale", key="chart_log", persist_state="session")
        smoothing = st.select_slider(
            "Smoothing",
            [0.0, 0.5, 0.8, 0.9, 0.95, 0.99],
            key="chart_smoothing",
            width=160,
            persist_state="session",
            help="Averages the line over its recent past; the band shows what was measured.",
        )
    live_chart(
        _drawn(
            figures.loss_per_step,
            history.steps,
            history,
            steps,
            smoothing=smoothing,
            log=log,
            color=figures.run_color(run.number),
        ),
        key=f"loss_per_step_{run.id}",
        alt="Line chart: training loss against step, with the range of the losses in each stretch of steps.",
        height=280,
    )
    if history.epochs:
        _epoch_charts(run)
    else:
        st.caption("Loss and accuracy per epoch appear after the first epoch.")
    st.markdown(
        "**Health of the layers**",
        help="Per layer: the share of ReLU neurons that gave 0 for all of a fixed sample of training images (dead ones "
        "learn nothing from them), the size of its gradient, and the size of an update compared with the weights that "
        "it changes.",
    )
    live_chart(
        _drawn(figures.layer_health, looks, history, steps),
        key=f"layer_health_{run.id}",
        alt="Line charts per layer against step: share of dead ReLUs, gradient norm, size of update against weight.",
        height=380,
    )
    st.markdown("**Learning rate**")
    live_chart(
        _drawn(figures.learning_rate, looks, history, steps),
        key=f"learning_rate_{run.id}",
        alt="Line chart: learning rate against step.",
        height=180,
    )


def _epoch_charts(run: Run) -> None:
    epochs, measured = run.experiment.hyperparameters.epochs, len(run.history.epochs)
    left, right = st.columns(2)
    with left:
        st.markdown("**Loss per epoch**")
        live_chart(
            _drawn(figures.loss_per_epoch, measured, run.history, epochs),
            key=f"loss_per_epoch_{run.id}",
            alt="Line chart: training and validation loss against epoch.",
            height=260,
        )
    with right:
        st.markdown("**Accuracy per epoch**")
        live_chart(
            _drawn(figures.accuracy_per_epoch, measured, run.history, epochs),
            key=f"accuracy_per_epoch_{run.id}",
            alt="Line chart: training and validation accuracy against epoch.",
            height=260,
        )
