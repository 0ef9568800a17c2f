"""My digits: the drawings that somebody kept, how the models do on them, and a copy of a model that learns them."""

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
_TUNED, _TAUGHT = "my_digits_tuned", "my_digits_taught"
_MOST_COPIES = 4


@st.fragment
def show_my_digits(choices: Sequence[Choice]) -> None:
    """The kept drawings with what the chosen models read in them; exporting, deleting and learning from them."""
    digits = my_digits().digits
    if not digits:
        st.info(
            "No drawing has been kept yet. Draw one, say below it what it was, and it appears here. Nobody else sees "
            "your drawings; they are kept until the server is restarted.",
            icon=":material/draw:",
        )
        return
    st.caption(
        f"{len(digits)} of at most {MAX_DIGITS}. They are yours: nobody else sees them. A restart of the "
        "server loses them, so export what you want to keep."
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
            help="A JSON file with label, date, pen strokes and the 28×28 image of every drawing.",
        )
        st.button("Delete all", key="my_digits_clear", icon=":material/delete_sweep:", on_click=my_digits().clear)
    st.subheader("Teach a copy")
    _fine_tuning(digits, choices)


def _scores(digits: Sequence[Digit], choices: Sequence[Choice]) -> None:
    with st.container(horizontal=True, gap="medium"):
        for choice in choices:
            # A copy that was taught here is scored on what it never saw.
            fair = [digit for digit in digits if digit.held_out or choice.key not in my_models()]
            if not fair:
                continue
            images, labels = as_tensors(fair)
            right = int((choice.model.logits(images).argmax(dim=1) == labels).sum())
            st.metric(
                choice.short_title,
                f"{right} of {len(fair)} right",
                width="content",
                help="On the held-out drawings only, since it may have learned from the others."
                if choice.key in my_models() else "On all drawings kept here.",
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
                    alt=f"A drawing kept as {a_digit(digit.label)}{score}.",
                )
                st.button(
                    "Delete",
                    key=f"my_digits_delete_{digit.number}",
                    type="tertiary",
                    icon=":material/delete:",
                    on_click=my_digits().delete,
                    args=(digit,),
                    help=f"Kept {digit.date:%d %B %Y, %H:%M} UTC.",
                )


def _fine_tuning(digits: Sequence[Digit], choices: Sequence[Choice]) -> None:
    held_out = sum(digit.held_out for digit in digits)
    st.caption(
        "A copy of a model learns from your drawings, mixed with MNIST images so that it does not forget the rest. "
        f"Every third drawing you keep is held out: the copy never sees it, and only those ({held_out} now) are scored."
    )
    if not choices:
        st.caption("Choose a model above first.")
        return
    names = {choice.key: choice.title for choice in choices}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox("Model to copy", list(names), format_func=names.__getitem__, key="my_digits_base", width=320)
        pressed = st.button(
            "Teach a copy",
            key="my_digits_tune",
            icon=":material/school:",
            disabled=not may_fine_tune(digits),
            help="Takes some seconds; stay on this tab meanwhile. Possible as soon as three drawings have been kept. "
            f"The last {_MOST_COPIES} copies stay among the models.",
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
    number = st.session_state[_TAUGHT] = st.session_state.get(_TAUGHT, 0) + 1
    title = f"My copy {number} of {choice.short_title}"
    bar = st.progress(0.0, text="A copy is learning")
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
                bar.progress(event, text="A copy is learning")
    except DataUnavailable as problem:
        st.error(str(problem), icon=":material/error:")
        return
    st.rerun()


def _outcome(tuned: FineTuned) -> str:
    return (
        f"**{plain(tuned.model.title)}** is among the models now. "
        f"Of the {tuned.held_out} held-out drawings, which it never "
        f"saw, the original reads {tuned.right_before} right and the copy {tuned.right_after}. On MNIST's test images "
        f"the copy reaches {percent(tuned.model.test.accuracy, 2)}."
        + (" So few drawings say little: keep more to be surer." if tuned.held_out < 20 else "")
    )
