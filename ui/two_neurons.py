"""The two-neuron window: a model whose last hidden layer has two neurons, shown as a plane while it learns."""

from functools import lru_cache

import numpy as np
import streamlit as st

from mlpcore import datasets, runs
from mlpcore.datasets import Images
from mlpcore.experiment import Experiment
from mlpcore.figures.projection import accuracy_by_step, clicked_point, grid, two_neuron_plane
from mlpcore.figures.style import run_color
from mlpcore.inspection.plane_code import two_neurons
from mlpcore.runs import Run
from mlpcore.two_neurons import EVERY, Look, PlaneWatch, experiment, newest, shown_images, submit, watch_of
from ui.inside.subjects import use_one_thread
from ui.live_chart import as_json, clickable_chart, last_click, live_chart
from ui.pictures import ink_on_paper
from ui.run_monitor import STATUS_BADGES, controls, progress_in_words
from ui.session import owner
from ui.show_code import show_code
from ui.texts import texts
from ui.words import a_digit, percent

_REFRESH_SECONDS = 0.3
"""Between two updates of the page; an epoch takes a second or two."""

_LIMITS = (-1.08, 1.08)
"""A little beyond the range of tanh."""

_PICTURE_PIXELS = 84


def show_two_neurons() -> None:
    """Offers to train the model, and shows its plane during and after training; MNIST must be on disk."""
    words = texts("two_neurons")
    st.subheader("Two neurons, while they learn", anchor=False)
    run = newest(runs.queue, owner())
    watch = (watch_of(run) if run else None) or _untrained()
    st.markdown(words["intro"].format(sizes=_sizes(watch.experiment), images=len(watch.images.labels)))
    busy = run is not None and not run.status.is_final
    with st.container(horizontal=True):
        following = run.experiment.seed + 1 if run else 0
        st.button(
            "Train again with a new seed" if run else "Train",
            key="two_neurons_train",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(following, False),
            disabled=busy,
        )
        st.button(
            "Step by step",
            key="two_neurons_step_by_step",
            icon=":material/pause:",
            on_click=_start,
            args=(following, True),
            disabled=busy,
            help="The same, but paused before the first step.",
        )
    st.caption(words["start"])
    final = run is None or run.status.is_final
    st.fragment(_window, run_every=None if final else _REFRESH_SECONDS)(run, watch, was_final=final)
    st.markdown(words["regions"])
    st.markdown(words["activation"])
    show_code(two_neurons(watch.experiment, EVERY), key="two_neurons_code")


def _sizes(trained: Experiment) -> str:
    return "-".join(map(str, trained.architecture.sizes))


def _start(seed: int, paused: bool) -> None:
    submit(runs.queue, PlaneWatch(experiment(seed), _images()), owner(), paused=paused)


def _window(run: Run | None, watch: PlaneWatch, *, was_final: bool) -> None:
    use_one_thread()
    if run and run.status.is_final and not was_final:
        # The end concerns the whole page: the buttons above change, and the refreshing stops.
        st.rerun()
    with st.container(key="two_neurons_head"):
        if run:
            _head(run, was_final)
    left, right = st.columns([3, 2])
    # The slider is below the chart, but decides what the chart shows.
    look = _chosen_stage(run, watch) if run and was_final else watch.latest
    with left:
        clicked = _plane(run, watch, look)
        if run and was_final:
            _stage_slider(run, watch)
    with right:
        with st.container(horizontal=True):
            st.metric("Step", f"{look.step:,}", width="content")
            st.metric(
                "Recognized",
                percent(look.accuracy),
                width="content",
                help=f"The share of the {len(watch.images.labels):,} test images shown that the model gets right.",
            )
        _accuracy(run, watch)
        _show_clicked(watch, look, clicked)


def _head(run: Run, was_final: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_sizes(run.experiment)}, seed {run.experiment.seed}**", width="content")
        icon, color = STATUS_BADGES[run.status]
        st.badge("stopping" if run.stopping and not was_final else run.status, icon=icon, color=color)
    st.progress(run.progress, text=progress_in_words(run))
    if not was_final:
        controls(run)
    if run.error:
        st.error(run.error, icon=":material/error:")
    if run.result:
        low, high = run.result.test.interval
        st.markdown(
            f"On all {len(run.result.test.correct):,} test images: **{percent(run.result.test.accuracy, 2)}** "
            f"(95 % interval {percent(low, 2)} to {percent(high, 2)})."
        )


def _plane(run: Run | None, watch: PlaneWatch, look: Look) -> int | None:
    """The plane at one moment; returns the number of the point that was clicked last."""
    key = f"two_neurons_plane_{run.id if run else ''}"
    labels = watch.images.labels.numpy()
    last = last_click(key)
    drawing = two_neuron_plane(
        look.points,
        labels,
        EVERY * np.arange(len(labels)),
        look.answers(_places()),
        _LIMITS,
        None if last is None else clicked_point(last),
    )
    clicked = clickable_chart(
        as_json(drawing),
        key=key,
        alt=f"Scatter chart: {len(labels):,} test digits in the plane of the two neurons after step {look.step:,}, "
        f"over the regions of the ten answers; {percent(look.accuracy)} lie in their own region.",
        height=480,
    )
    return None if clicked is None else clicked_point(clicked)


def _accuracy(run: Run | None, watch: PlaneWatch) -> None:
    looks = [*watch.looks]
    live_chart(
        as_json(
            accuracy_by_step(
                np.array([each.step for each in looks]),
                np.array([each.accuracy for each in looks]),
                watch.experiment.total_steps,
                run_color(1),
            )
        ),
        key=f"two_neurons_accuracy_{run.id if run else ''}",
        alt=f"Line chart: share of the images recognized by step, {percent(looks[-1].accuracy)} at the end.",
        height=220,
    )


def _stage_key(run: Run) -> str:
    return f"two_neurons_stage_{run.id}"


def _stages(watch: PlaneWatch) -> dict[int, Look]:
    return {look.step: look for look in [*watch.looks, watch.latest]}


def _chosen_stage(run: Run, watch: PlaneWatch) -> Look:
    return _stages(watch).get(st.session_state.get(_stage_key(run), -1), watch.latest)


def _stage_slider(run: Run, watch: PlaneWatch) -> None:
    steps = list(_stages(watch))
    if len(steps) > 1:
        st.select_slider(
            "Training step",
            steps,
            value=steps[-1],
            key=_stage_key(run),
            format_func=lambda step: f"{step:,}",
            help=texts("two_neurons")["stages"],
        )


def _show_clicked(watch: PlaneWatch, look: Look, number: int | None) -> None:
    if number is None:
        st.caption(texts("two_neurons")["click"])
        return
    image, label = watch.images.images[number], int(watch.images.labels[number])
    x, y = (f"{value:.2f}".replace("-", "−") for value in look.points[number])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(
            ink_on_paper(image, _PICTURE_PIXELS),
            width=_PICTURE_PIXELS,
            alt=f"Test image {EVERY * number:,}, {a_digit(label)}.",
        )
        st.markdown(
            f"Test image {EVERY * number:,}: **{a_digit(label)}**, at ({x}, {y}). After step {look.step:,} the "
            f"model answers **{look.answers(look.points[number])}**.",
            width="stretch",
        )


@lru_cache(maxsize=1)
def _images() -> Images:
    return shown_images(datasets.load("mnist"))


@lru_cache(maxsize=1)
def _untrained() -> PlaneWatch:
    return PlaneWatch(experiment(0), _images())


@lru_cache(maxsize=1)
def _places() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return grid(_LIMITS)
