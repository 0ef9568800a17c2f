"""My digits: saved drawings, how well the models read them, and fine-tuning a copy of a model on them."""

from collections.abc import Sequence

import streamlit as st
import torch

from mlpcore import datasets
from mlpcore.collection import MAX_DIGITS, Digit, as_tensors
from mlpcore.datasets import DataUnavailable
from mlpcore.fine_tuning import FineTuned, fine_tune, may_fine_tune
from ui.data_gate import dataset_ready
from ui.models import Choice, draw_with
from ui.pictures import ink_on_paper
from ui.session import my_digits, my_models
from ui.words import a_digit, percent, plain

_PICTURE_PIXELS = 84
_TUNED, _COUNT = "my_digits_tuned", "my_digits_tuned_count"
_MOST_COPIES = 4


@st.fragment
def show_my_digits(choices: Sequence[Choice]) -> None:
    """The saved drawings and how the chosen models read them; export, deletion and fine-tuning."""
    digits = my_digits().digits
    if not digits:
        st.info(
            "No drawings saved yet. Draw a digit, then choose what it was below the answers, and it appears here. Only "
            "you see your drawings. They are lost when the server restarts.",
            icon=":material/draw:",
        )
        return
    st.caption(
        f"{len(digits)} of at most {MAX_DIGITS}. Only you see them. They are lost when the server restarts, so export "
        "what you want to keep."
    )
    _scores(digits, choices)
    _gallery(digits, choices)
    with st.container(horizontal=True):
        st.download_button(
            "Export",
            my_digits().to_json,
            file_name="my-digits.json",
            mime="application/json",
            key="my_digits_export",
            icon=":material/download:",
            on_click="ignore",
            help="A JSON file with the label, date, pen strokes and 28×28 image of each drawing.",
        )
        st.button("Delete all", key="my_digits_clear", icon=":material/delete_sweep:", on_click=my_digits().clear)
    st.subheader("Fine-tune a copy")
    _fine_tuning(digits, choices)


def _scores(digits: Sequence[Digit], choices: Sequence[Choice]) -> None:
    with st.container(horizontal=True, gap="medium"):
        for choice in choices:
            # A copy fine-tuned here is scored on what it has not seen.
            fair = [digit for digit in digits if digit.held_out or choice.key not in my_models()]
            if not fair:
                continue
            images, labels = as_tensors(fair)
            right = int((choice.model.logits(images).argmax(dim=1) == labels).sum())
            st.metric(
                choice.short_title,
                f"{right} of {len(fair)} right",
                width="content",
                help="On the held-out drawings only, since it may have been trained on the others."
                if choice.key in my_models() else "On all drawings saved here.",
            )  # fmt: skip


def _gallery(digits: Sequence[Digit], choices: Sequence[Choice]) -> None:
    images, labels = as_tensors(digits)
    right = sum((choice.model.logits(images).argmax(dim=1) == labels).int() for choice in choices)
    with st.container(horizontal=True, gap="small"):
        for place, digit in enumerate(digits):
            score = f", {int(right[place])} of {len(choices)} right" if choices else ""  # type: ignore[index]
            with st.container(width=_PICTURE_PIXELS + 16, gap="xsmall"):
                st.image(
                    ink_on_paper(digit.image, _PICTURE_PIXELS),
                    width=_PICTURE_PIXELS,
                    caption=f"{digit.label}{score}{', held out' if digit.held_out else ''}",
                    alt=f"A drawing saved as {a_digit(digit.label)}{score}.",
                )
                st.button(
                    "Delete",
                    key=f"my_digits_delete_{digit.number}",
                    type="tertiary",
                    icon=":material/delete:",
                    on_click=my_digits().delete,
                    args=(digit,),
                    help=f"Saved {digit.date:%d %B %Y, %H:%M} UTC.",
                )


def _fine_tuning(digits: Sequence[Digit], choices: Sequence[Choice]) -> None:
    held_out = sum(digit.held_out for digit in digits)
    st.caption(
        "A copy of a model is trained on your drawings, mixed with MNIST images so that it does not forget the rest. "
        f"Every third drawing you save is held out: the copy is not trained on it, and only scored on "
        f"these ({held_out} now)."
    )
    if not choices:
        st.caption("Choose at least one model above.")
        return
    names = {choice.key: choice.title for choice in choices}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox("Model to copy", list(names), format_func=names.__getitem__, key="my_digits_base", width=320)
        pressed = st.button(
            "Fine-tune a copy",
            key="my_digits_tune",
            icon=":material/school:",
            disabled=not may_fine_tune(digits),
            help="Takes a few seconds; stay on this tab until it is done. You need at least three saved drawings. Your "
            f"last {_MOST_COPIES} copies stay in the list of models.",
        )
    if pressed and dataset_ready("mnist"):
        _tune(next(choice for choice in choices if choice.key == key), digits)
    tuned: FineTuned | None = st.session_state.get(_TUNED)
    if tuned:
        st.success(_outcome(tuned), icon=":material/school:")


def _tune(choice: Choice, digits: Sequence[Digit]) -> None:
    # For this thread, so that it does not wait for whatever trains meanwhile.
    torch.set_num_threads(1)
    models = my_models()
    number = st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1
    title = f"My copy {number} of {choice.short_title}"
    bar = st.progress(0.0, text="Fine-tuning a copy")
    try:
        for event in fine_tune(choice.model, digits, datasets.load("mnist"), title):
            if isinstance(event, FineTuned):
                key = f"tuned-{number}"
                models[key] = event.model
                if len(models) > _MOST_COPIES:
                    del models[next(iter(models))]
                st.session_state[_TUNED] = event
                draw_with(key)
            else:
                bar.progress(event, text="Fine-tuning a copy")
    except DataUnavailable as problem:
        st.error(str(problem), icon=":material/error:")
        return
    st.rerun()


def _outcome(tuned: FineTuned) -> str:
    return (
        f"**{plain(tuned.model.title)}** is now one of the models. "
        f"Of the {tuned.held_out} held-out drawings, which it has not seen, the original model reads "
        f"{tuned.right_before} correctly and the copy {tuned.right_after}. On MNIST's test images the copy reaches "
        f"{percent(tuned.model.test.accuracy, 2)}."
        + (" That is too few drawings to tell much: save more." if tuned.held_out < 20 else "")
    )
