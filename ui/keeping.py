"""Saying which digit a drawing is, which saves it to My digits."""

from collections.abc import Sequence

import streamlit as st
from torch import Tensor

from mlpcore.collection import MAX_DIGITS
from mlpcore.drawing import Stroke
from mlpcore.experiment import CLASSES
from ui.session import my_digits
from ui.words import a_digit


def what_it_was(image: Tensor, strokes: Sequence[Stroke], key: str) -> None:
    """Asks which digit the drawing, uint8 [28, 28], is; an answer saves it, and another answer changes its label."""
    kept = my_digits().find(image)
    pills = f"{key}_was_digit"
    st.session_state[pills] = kept.label if kept else None
    st.pills(
        "It was a",
        range(CLASSES),
        key=pills,
        on_change=_keep,
        args=(pills, image, strokes),
        disabled=my_digits().is_full and not kept,
        help="Saves the drawing to My digits, which only you see. Click again to undo.",
    )
    if kept:
        st.caption(
            f":material/check: Saved to My digits as {a_digit(kept.label)} ({len(my_digits().digits)} in total)."
        )
    elif my_digits().is_full:
        st.caption(f"My digits is full ({MAX_DIGITS} drawings). Delete some there to save more.")


def _keep(pills: str, image: Tensor, strokes: Sequence[Stroke]) -> None:
    label, kept = st.session_state[pills], my_digits().find(image)
    if label is not None and (kept or not my_digits().is_full):
        my_digits().keep(image, strokes, label)
    elif kept:
        my_digits().delete(kept)
