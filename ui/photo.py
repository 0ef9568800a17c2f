"""A digit from a photo, read the same way as a drawn one."""

from collections.abc import Sequence

import streamlit as st

from mlpcore.drawing import UnreadablePhoto, image_from_photo
from ui.answers import show_answers
from ui.drawing_board import show_seen
from ui.keeping import what_it_was
from ui.models import Choice
from ui.why import show_why

_TYPES = ["png", "jpg", "jpeg", "webp"]
_MEGABYTES = 10
_PHOTO = "photo"


def show_photo(choices: Sequence[Choice]) -> None:
    """Takes a photo by file or clipboard and shows what the chosen models read in it."""
    left, right = st.columns([3, 7], gap="large")
    with left:
        st.file_uploader(
            "Photo of one digit",
            type=_TYPES,
            max_upload_size=_MEGABYTES,
            key="photo_file",
            on_change=_take_file,
            help="Dark on light or light on dark, PNG, JPEG or WebP. The photo is read here and not kept.",
        )
        st.chat_input(
            "Or paste one here, then press Enter",
            key="photo_paste",
            accept_file=True,
            file_type=_TYPES,
            max_upload_size=_MEGABYTES,
            on_submit=_take_pasted,
        )
        photo: bytes | None = st.session_state.get(_PHOTO)
        if photo is None:
            return
        try:
            image = image_from_photo(photo)
        except UnreadablePhoto as problem:
            st.error(str(problem), icon=":material/broken_image:")
            return
        st.image(photo, width=220, alt="The photo that was given.")
        show_seen(image, key="photo")
    with right:
        show_answers(image, choices, key="photo")
        what_it_was(image, ())
        show_why(image, choices, key="photo")


def _take_file() -> None:
    file = st.session_state["photo_file"]
    st.session_state[_PHOTO] = file.getvalue() if file else None


def _take_pasted() -> None:
    files = st.session_state["photo_paste"].files
    if files:
        st.session_state[_PHOTO] = files[0].getvalue()
