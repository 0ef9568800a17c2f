"""Saying what a drawing really was, which keeps it in My digits."""

from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from mlpcore.collection import MAX_DIGITS, Digit
from mlpcore.drawing import Stroke
from mlpcore.experiment import CLASSES
from ui.session import my_digits

_KEPT = "kept_digit"


def what_it_was(image: Tensor, strokes: Sequence[Stroke]) -> None:
    """Asks what the drawing, uint8 [28, 28], really was; the answer keeps it, and another answer corrects that."""
    # Another drawing is another question.
    key = f"was_{hash(image.numpy().tobytes())}"
    st.pills(
        "It was a",
        range(CLASSES),
        key=key,
        on_change=_keep,
        args=(key, image, strokes),
        disabled=my_digits().is_full,
        help="Keeps the drawing in My digits, for you alone.",
    )
    kept = _kept(image)
    if kept:
        st.caption(f":material/check: Kept as a {kept.label} in My digits, {len(my_digits().digits)} in all.")
    elif my_digits().is_full:
        st.caption(f"My digits holds {MAX_DIGITS} drawings, which is all it can: delete some there to keep more.")


def _keep(key: str, image: Tensor, strokes: Sequence[Stroke]) -> None:
    kept = _kept(image)
    if kept:
        my_digits().delete(kept)
    label = st.session_state[key]
    if label is not None and not my_digits().is_full:
        st.session_state[_KEPT] = my_digits().keep(image, strokes, label)


def _kept(image: Tensor) -> Digit | None:
    """The digit as which this very drawing was kept last, if it is still there."""
    kept: Digit | None = st.session_state.get(_KEPT)
    return kept if kept in my_digits().digits and kept and torch.equal(kept.image, image) else None
