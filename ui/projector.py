"""The projector: test digits as points at each stage of a model, before and after training."""

from functools import lru_cache

import numpy as np
import streamlit as st

from mlpcore import datasets
from mlpcore.collection import Digit
from mlpcore.datasets import Images, normalization, to_input
from mlpcore.experiment import Experiment
from mlpcore.figures.projection import Star, clicked_point, projected_digits
from mlpcore.figures.style import probability_in_words
from mlpcore.inspection.layers import Model
from mlpcore.inspection.plane_code import projecting
from mlpcore.inspection.projection import stages
from mlpcore.inspection.stage_planes import StagePlane, stage_plane
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.network import MLP
from ui.inside.address import ONLY, POINTS_MODEL, STAGE, TRAINED, USUAL_MODEL, note_address
from ui.inside.subjects import use_one_thread
from ui.lessons import lesson
from ui.live_chart import as_json, clickable_chart, last_click
from ui.models import all_choices, can_be_asked
from ui.pictures import ink_on_paper
from ui.session import my_digits
from ui.show_code import show_code
from ui.texts import texts
from ui.words import a_digit, percent

_EVERY = 5
"""Every fifth test image is shown, 2,000 of them."""

_PICTURE_PIXELS = 112


@st.fragment
def show_projector() -> None:
    """Lets a person choose a model and a stage, and shows the images there; MNIST must be on disk."""
    use_one_thread()
    words = texts("projector")
    st.subheader("The digits as points", anchor=False)
    st.markdown(words["intro"].format(images=len(_images().labels)))
    hidden, locked = "projector" in lesson().hidden, lesson().locks("projector")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        trained = _pick_model()
        fresh = _fresh(trained.experiment)
        if not hidden:
            st.segmented_control(
                "Training",
                [False, True],
                key=TRAINED,
                format_func={False: "Before", True: "After"}.__getitem__,
                required=True,
                disabled=locked,
                persist_state="session",
            )
        after: bool = st.session_state[TRAINED]
        model = trained if after else fresh
        # Both, so that switching from one to the other is fast.
        planes = {True: _planes(trained.experiment, trained.network), False: _planes(fresh.experiment, fresh.network)}
        stage = _pick_stage(planes[after])
    if not hidden:
        st.pills(
            "Show only these digits",
            range(10),
            key=ONLY,
            selection_mode="multi",
            disabled=locked,
            persist_state="session",
            help="If none is chosen, all are shown.",
        )
    only: list[int] = st.session_state[ONLY]
    shown = planes[after][stage]
    left, right = st.columns([2, 1])
    with left:
        clicked = _chart(model, shown, stage, after, only)
    with right:
        with st.container(key="projector_clicked"):
            _show_clicked(model, clicked)
        with st.container(key="projector_table"):
            st.markdown(words["table"] + "\n\n" + _table(planes, stage, after))
            st.caption(words["plane"].format(shares=percent(float(shown.plane.shares.sum())), size=shown.size))
            if len(planes[after]) == 1:
                st.info(words["no_hidden"], icon=":material/info:")
            elif not after:
                st.caption(words["untrained"])
    show_code(projecting(model, stage, _EVERY), key="projector_code")
    note_address()


def _pick_model() -> Model:
    choices = all_choices()
    if st.session_state[POINTS_MODEL] not in choices:
        # A run may have been deleted since.
        st.session_state[POINTS_MODEL] = USUAL_MODEL if USUAL_MODEL in choices else next(iter(choices))
    if "projector" not in lesson().hidden:
        st.selectbox(
            "Model",
            list(choices),
            key=POINTS_MODEL,
            format_func=lambda key: choices[key].title,
            disabled=lesson().locks("projector"),
            width=290,
            persist_state="session",
        )
    chosen = choices[st.session_state[POINTS_MODEL]]
    return chosen.model if can_be_asked(chosen) else choices[USUAL_MODEL].model


def _pick_stage(planes: list[StagePlane]) -> int:
    st.session_state[STAGE] = min(st.session_state[STAGE], len(planes) - 1)
    if "projector" not in lesson().hidden:
        st.segmented_control(
            "Stage",
            range(len(planes)),
            key=STAGE,
            format_func=lambda stage: f"{_name(stage)} ({planes[stage].size:,})",
            required=True,
            disabled=lesson().locks("projector"),
            wrap=True,
            persist_state="session",
        )
    stage: int = st.session_state[STAGE]
    return stage


def _name(stage: int) -> str:
    return f"Hidden {stage}" if stage else "Input"


def _chart(model: Model, shown: StagePlane, stage: int, after: bool, only: list[int]) -> int | None:
    """The points; returns the number of the point that was clicked last."""
    images = _images()
    key = "projector_chart"
    last = last_click(key)
    drawing = projected_digits(
        shown.plane.points,
        images.labels.numpy(),
        _EVERY * np.arange(len(images.labels)),
        shown.plane.shares,
        f"{id(model.network)} {stage}",
        only=only,
        star=_star(model, shown, stage),
        chosen=None if last is None else clicked_point(last),
    )
    clicked = clickable_chart(
        as_json(drawing),
        key=key,
        alt=f"Scatter chart: {len(images.labels):,} test digits in the main plane of stage {_name(stage)}, "
        f"{'after' if after else 'before'} training.",
        height=520,
    )
    return None if clicked is None else clicked_point(clicked)


def _show_clicked(model: Model, number: int | None) -> None:
    """The image that was clicked, and the model's answer to it."""
    images, star = _images(), _newest_drawing()
    if number is None or (number == len(images.labels) and not star):
        st.caption(texts("projector")["click"])
    else:
        is_star = number == len(images.labels)
        image = star.image if star and is_star else images.images[number]
        label = star.label if star and is_star else int(images.labels[number])
        title = "Your drawing" if is_star else f"Test image {_EVERY * number:,}"
        probabilities = model.probabilities(image.unsqueeze(0))[0]
        answer = int(probabilities.argmax())
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(ink_on_paper(image, _PICTURE_PIXELS), width=_PICTURE_PIXELS, alt=f"{title}, {a_digit(label)}.")
            st.markdown(
                f"{title}: **{a_digit(label)}**. This model answers **{answer}** "
                f"({probability_in_words(float(probabilities[answer]))}).",
                width="stretch",
            )
    st.caption(texts("projector")["star" if star else "no_star"])


def _table(planes: dict[bool, list[StagePlane]], stage: int, after: bool) -> str:
    """How often the own digit's mean is nearest, for all stages, before and after training; the stage shown is bold."""
    lines = ["| Stage | Before training | After training |", "|---|---|---|"]
    for number, pair in enumerate(zip(planes[False], planes[True], strict=True)):
        before_and_after = [percent(each.nearest_mean).replace(" ", "\u00a0") for each in pair]
        if number == stage:
            before_and_after[after] = f"**{before_and_after[after]}**"
        lines.append(f"| {_name(number)} | {' | '.join(before_and_after)} |")
    return "\n".join(lines)


def _newest_drawing() -> Digit | None:
    digits = my_digits().digits
    return digits[-1] if digits else None


def _star(model: Model, shown: StagePlane, stage: int) -> Star | None:
    drawing = _newest_drawing()
    if not drawing:
        return None
    values = stages(model, drawing.image.unsqueeze(0))[stage]
    return Star(shown.plane.project(values)[0], f"your drawing, {a_digit(drawing.label)}")


@lru_cache(maxsize=1)
def _images() -> Images:
    test = datasets.load("mnist").test
    return Images(test.images[::_EVERY], test.labels[::_EVERY])


@lru_cache(maxsize=16)
def _fresh(experiment: Experiment) -> Classifier:
    return untrained(experiment)


@lru_cache(maxsize=32)
def _planes(experiment: Experiment, network: MLP) -> list[StagePlane]:
    images = _images()
    values = stages(Classifier(experiment, network), images.images)
    hidden = [stage_plane(layer, images.labels) for layer in values[1:]]
    return [_input_plane(experiment.data.normalize), *hidden]


@lru_cache(maxsize=2)
def _input_plane(normalize: bool) -> StagePlane:
    images = _images()
    pixels = to_input(images.images, normalization("mnist") if normalize else None)
    return stage_plane(pixels.flatten(1), images.labels)
