"""A digit from a photo, read in the same way as a drawn one."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from torch import Tensor

from mlpcore.drawing import UnreadablePhoto, image_from_photo
from ui.answers import show_answers
from ui.drawing_board import show_seen
from ui.drawing_code import show_drawing_code
from ui.keeping import what_it_was
from ui.lessons import lesson
from ui.models import Choice
from ui.why import show_why

_TYPES = ["png", "jpg", "jpeg", "webp"]
_MEGABYTES = 10
_PHOTO, _UPLOADER = "photo", "photo_uploader"


@dataclass(frozen=True, eq=False)
class _Photo:
    """The file, and the image found in it, uint8 [28, 28], or the problem with it."""

    content: bytes
    image: Tensor | None
    problem: str = ""


@st.fragment
def show_photo(choices: Sequence[Choice]) -> None:
    """Takes a photo from a file or the clipboard and shows how the chosen models read it."""
    # A new key empties the uploader, so that it never names a file that is no longer shown.
    uploader = f"photo_file_{st.session_state.setdefault(_UPLOADER, 0)}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="photo_input"):
        st.file_uploader(
            "Photo of one digit",
            type=_TYPES,
            max_upload_size=_MEGABYTES,
            key=uploader,
            on_change=_take_file,
            args=(uploader,),
            width=420,
            help="PNG, JPEG or WebP, dark on light or light on dark. The photo is kept for this browser session only, "
            "until you remove or replace it.",
        )
        st.chat_input(
            "Or paste one and press Enter",
            key="photo_paste",
            accept_file=True,
            file_type=_TYPES,
            max_upload_size=_MEGABYTES,
            on_submit=_take_pasted,
            width=360,
        )
    photo: _Photo | None = st.session_state.get(_PHOTO)
    if photo is None:
        return
    if photo.image is None:
        st.error(photo.problem, icon=":material/broken_image:")
        return
    with st.container(horizontal=True, gap="large"):
        with st.container(width=304):
            st.image(photo.content, width=220, alt="Your photo.")
            st.button("Remove photo", key="photo_remove", type="tertiary", icon=":material/delete:", on_click=_remove)
            show_seen(photo.image, key="photo")
        with st.container(width="stretch"):
            show_answers(photo.image, choices, key="photo")
            if not lesson().locks("keep"):
                what_it_was(photo.image, (), key="photo")
            show_why(photo.image, choices, key="photo")
    show_drawing_code(photo.image, choices, key="photo")


def _take(content: bytes) -> None:
    try:
        st.session_state[_PHOTO] = _Photo(content, image_from_photo(content))
    except UnreadablePhoto as problem:
        st.session_state[_PHOTO] = _Photo(content, None, str(problem))


def _take_file(uploader: str) -> None:
    file = st.session_state[uploader]
    if file:
        _take(file.getvalue())
    else:
        # This also happens between one file and the next, so the uploader has to stay.
        st.session_state.pop(_PHOTO, None)


def _take_pasted() -> None:
    files = st.session_state["photo_paste"].files
    st.session_state[_UPLOADER] += 1
    if files:
        _take(files[0].getvalue())
    else:
        problem = "That was text, not a picture. Copy a picture of a digit, paste it here, and press Enter."
        st.session_state[_PHOTO] = _Photo(b"", None, problem)


def _remove() -> None:
    st.session_state.pop(_PHOTO, None)
    st.session_state[_UPLOADER] += 1
