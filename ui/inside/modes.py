"""`train()` and `eval()`, with and without `no_grad`."""

import numpy as np
import streamlit as st
import torch

from mlpcore import figures as common
from mlpcore.datasets import Dataset
from mlpcore.figures import inside as figures
from mlpcore.inspection import code
from mlpcore.inspection.memory import bytes_for_backward
from mlpcore.inspection.modes import in_both_modes
from mlpcore.inspection.workbench import with_dropout
from ui.glossary import meaning
from ui.inside.address import (
    BYTES_SIZE,
    BYTES_SIZES,
    DROPOUT,
    DROPOUTS,
    MASK_NUMBERS,
    MASKS,
    MODEL,
    USUAL_MODEL,
    note_address,
)
from ui.inside.pictured import Picture, pick_picture, show_number_problem
from ui.inside.subjects import Subject, offer_file, pick_subject, use_one_thread
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.show_code import show_code
from ui.texts import texts
from ui.words import bytes_in_words, percent

_TIMES = 10
_COMPANIONS = 1000
_SURE = 0.9


def show_modes(dataset: Dataset) -> None:
    """The same image ten times in each mode, and what is kept for the backward pass."""
    use_one_thread()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        subject = pick_subject(MODEL, USUAL_MODEL)
        picture = pick_picture(dataset, subject)
        offer_file(subject, "inside_modes_file")
    show_number_problem()
    st.subheader("The same image ten times", anchor=False, help=meaning("dropout", "batch norm"))
    st.markdown(texts("inside")["modes"])
    if subject.hidden:
        if not subject.is_trained:
            _offer_trained_model()
        _ten_times(dataset, subject, picture)
    else:
        st.info(texts("inside")["no_dropout_possible"], icon=":material/info:")
    _count_bytes(dataset, subject)
    _evaluate(dataset, subject)


def _evaluate(dataset: Dataset, subject: Subject) -> None:
    st.subheader("Both together: evaluation", anchor=False)
    st.markdown(texts("inside")["evaluation"])
    images, right = len(dataset.test.labels), int(subject.test.correct.sum())
    st.metric(
        "Test accuracy",
        percent(subject.test.accuracy, 2),
        width="content",
        help=f"{right:,} of {images:,}. The 95 % interval is {percent(subject.test.interval[0], 2)} to "
        f"{percent(subject.test.interval[1], 2)}.",
    )
    show_code(code.evaluating(subject.model), key="inside_evaluation_code")


def _offer_trained_model() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(texts("inside")["modes_untrained"], icon=":material/info:", width="stretch")
        st.button(
            "Show a trained model",
            key="inside_modes_trained",
            icon=":material/psychology:",
            disabled=lesson().locks("model"),
            on_click=_choose_trained_model,
        )


@st.fragment
def _ten_times(dataset: Dataset, subject: Subject, picture: Picture) -> None:
    use_one_thread()
    state = st.session_state
    if "dropout" not in lesson().hidden:
        _choose_dropout()
    found = in_both_modes(
        with_dropout(subject.model, state[DROPOUT]),
        picture.image,
        dataset.test.images[:_COMPANIONS],
        _TIMES,
        state[MASKS],
    )
    digit = int(found.evaluation[0].argmax())
    in_training = found.training[:, digit]
    lowest, highest = (common.probability_in_words(float(share)) for share in (in_training.min(), in_training.max()))
    answers = sorted(set(found.training.argmax(axis=1).tolist()))
    # The ten probabilities of an untrained model are so close together that the whole range would show one shade.
    both = np.concatenate([found.training, found.evaluation])
    ends = (0.0, 1.0) if subject.is_trained else (float(both.min()), float(both.max()))
    for column, name, values, sentence in zip(
        st.container(key="inside_ten_times").columns(2),
        ("train", "eval"),
        (found.training, found.evaluation),
        (
            texts("inside")["modes_train"].format(
                answers="One answer" if len(answers) == 1 else f"{len(answers)} different answers",
                digit=digit,
                lowest=lowest,
                highest=highest,
            ),
            texts("inside")["modes_eval"].format(
                share=common.probability_in_words(float(found.evaluation[0, digit])), digit=digit
            ),
        ),
        strict=True,
    ):
        with column:
            st.markdown(f"**After `{name}()`**")
            live_chart(
                as_json(figures.passes(values, subject.color, ends)),
                key=f"inside_passes_{name}",
                alt=f"After {name}(): the probabilities of all ten digits in each of {_TIMES} passes.",
                height=300,
            )
            st.markdown(sentence)
    if in_training.min() > _SURE:
        st.caption(texts("inside")["modes_sure"])
    if not subject.is_trained:
        st.caption(texts("inside")["modes_colors"].format(low=percent(ends[0]), high=percent(ends[1])))
    text = code.both_modes(subject.model, state[DROPOUT], _TIMES, picture.code(subject.model))
    show_code(text, key="inside_modes_code")
    note_address()


def _choose_dropout() -> None:
    locked = lesson().locks("dropout")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Dropout",
            DROPOUTS,
            key=DROPOUT,
            format_func=lambda share: f"{100 * share:.0f} %",
            required=True,
            disabled=locked,
            persist_state="session",
            help="Added after every hidden layer of a copy, whatever the model was trained with.",
        )
        st.button(
            "Draw new masks",
            key="inside_other_masks",
            icon=":material/casino:",
            disabled=locked,
            on_click=_other_masks,
        )


@st.fragment
def _count_bytes(dataset: Dataset, subject: Subject) -> None:
    use_one_thread()
    st.subheader("no_grad: what autograd does not keep", anchor=False)
    st.markdown(texts("inside")["no_grad"])
    if "bytes" not in lesson().hidden:
        st.segmented_control(
            "Images in the batch",
            BYTES_SIZES,
            key=BYTES_SIZE,
            required=True,
            disabled=lesson().locks("bytes"),
            persist_state="session",
        )
    size: int = st.session_state[BYTES_SIZE]
    model = subject.model
    inputs = model.inputs(dataset.train.images[:size])
    kept = bytes_for_backward(model.network, inputs)
    with torch.no_grad():
        without = bytes_for_backward(model.network, inputs)
    with st.container(horizontal=True, gap="medium", key="inside_bytes"):
        st.metric("Kept for backward", bytes_in_words(kept), width="content")
        st.metric("Under no_grad", bytes_in_words(without), width="content")
        parameters = sum(parameter.nbytes for parameter in model.network.parameters())
        st.metric("For comparison: parameters", bytes_in_words(parameters), width="content")
    st.caption(
        "The total size of the tensors that autograd keeps, after `eval()`. Time is not shown: it is mostly noise."
    )
    show_code(code.counting_bytes(model, size), key="inside_bytes_code")
    note_address()


def _choose_trained_model() -> None:
    st.session_state[MODEL] = USUAL_MODEL


def _other_masks() -> None:
    st.session_state[MASKS] = (st.session_state[MASKS] + 1) % (int(MASK_NUMBERS.high) + 1)
