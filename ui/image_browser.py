"""Browsing the images: by set, digit or number, at random, or in a gallery."""

import random
from collections.abc import Sequence

import streamlit as st
from torch import Tensor

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import CLASSES
from mlpcore.exploration import code, rows_of_class
from ui.data_address import (
    ALL,
    DIGIT,
    IMAGE,
    IMAGE_FIELD,
    SPLIT,
    SPLITS,
    VIEW,
    chosen_digit,
    fill_fields,
    go_to_one_that_fits,
    image_numbers,
    images_of,
)
from ui.field_inputs import number, show_problem
from ui.lessons import lesson
from ui.picture_buttons import PictureButton, picture_buttons
from ui.show_code import show_code
from ui.transforms import show_image
from ui.words import a_digit

_PER_PAGE = 24
_PICTURE_PIXELS = 44


def browse_images(dataset: Dataset) -> None:
    """Lets one choose an image, among its neighbors or otherwise, and shows it large."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choose_split(dataset)
        if "digit" not in lesson().hidden:
            st.selectbox(
                "Digit",
                [ALL, *range(CLASSES)],
                key=DIGIT,
                on_change=go_to_one_that_fits,
                args=(dataset,),
                disabled=lesson().locks("digit"),
                width=90,
                persist_state="session",
            )
        images = images_of(dataset)
        rows = rows_of_class(images, chosen_digit())
        if "image" not in lesson().hidden:
            _choose_image(dataset, images, rows)
    if "image" in lesson().hidden:
        show_image(dataset)
    else:
        try:
            _typed_number(images)
        except ValueError as problem:
            show_problem(str(problem))
        # Side by side, so that what a click shows is in view.
        left, right = st.columns(2, gap="large")
        with left:
            _gallery(images, rows)
        with right:
            show_image(dataset)
    show_code(code.browsing(state[SPLIT] == "train", state[IMAGE], chosen_digit()), key="data_browsing_code")


def _choose_image(dataset: Dataset, images: Images, rows: Tensor) -> None:
    locked = lesson().locks("image")
    st.text_input(
        "Image number",
        key=IMAGE_FIELD,
        help=f"The position in the set: {image_numbers(images).allowed}.",
        on_change=_go_to_number,
        args=(dataset,),
        live=True,
        disabled=locked,
        width=120,
        persist_state="session",
    )
    st.button(
        "Random image",
        key="data_random",
        icon=":material/shuffle:",
        disabled=locked,
        on_click=_go_to_any,
        args=(images, rows),
    )


def choose_split(dataset: Dataset) -> None:
    """Training or test images."""
    if "split" in lesson().hidden:
        return
    names = {
        "train": f"Training ({len(dataset.train.labels):,})",
        "test": f"Test ({len(dataset.test.labels):,})",
    }
    st.segmented_control(
        "Set",
        SPLITS,
        key=SPLIT,
        format_func=names.__getitem__,
        required=True,
        on_change=go_to_one_that_fits,
        args=(dataset,),
        disabled=lesson().locks("split"),
        persist_state="session",
    )


def pictures_to_open(images: Images, rows: Sequence[int], notes: Sequence[str], key: str, label: str) -> None:
    """The images at these rows, each with a note below; a click shows the image large."""
    picture_buttons(
        [
            PictureButton(
                row,
                255 - images.images[row].numpy(),
                str(row),
                note,
                f"{row}: {a_digit(int(images.labels[row]))}",
                disabled=not _may_show(images, row),
            )
            for row, note in zip(rows, notes, strict=True)
        ],
        key=key,
        label=label,
        side=_PICTURE_PIXELS,
        pressed=st.session_state[IMAGE],
        on_click=lambda row: _show(images, row),
    )


def _may_show(images: Images, row: int) -> bool:
    """Whether a lesson allows showing the image at `row` large."""
    if lesson().locks("image") or (lesson().locks("view") and st.session_state[VIEW] != "images"):
        return False
    return not lesson().locks("digit") or chosen_digit() in (None, int(images.labels[row]))


def _gallery(images: Images, rows: Tensor) -> None:
    place = int((rows < st.session_state[IMAGE]).sum())
    first = place - place % _PER_PAGE
    page = rows[first : first + _PER_PAGE].tolist()
    pictures_to_open(images, page, [str(label) for label in images.labels[page].tolist()], "data_gallery", "Images")
    with st.container(horizontal=True, vertical_alignment="center"):
        for title, icon, start in [
            ("Previous", ":material/chevron_left:", first - _PER_PAGE),
            ("Next", ":material/chevron_right:", first + _PER_PAGE),
        ]:
            there = 0 <= start < len(rows)
            st.button(
                title,
                key=f"data_page_{title.lower()}",
                icon=icon,
                disabled=not there or lesson().locks("image"),
                on_click=_show,
                args=(images, int(rows[start]) if there else 0),
            )
        st.caption(
            f"{first + 1:,} to {first + len(page):,} of {len(rows):,}. Below each image: its number and its digit."
        )


def _show(images: Images, row: int) -> None:
    st.session_state[VIEW] = "images"
    st.session_state[IMAGE] = row
    _widen_choice(images)
    fill_fields()


def _widen_choice(images: Images) -> None:
    """Chooses all digits, if the image is not of the chosen digit."""
    if chosen_digit() not in (None, int(images.labels[st.session_state[IMAGE]])):
        st.session_state[DIGIT] = ALL


def _go_to_any(images: Images, rows: Tensor) -> None:
    _show(images, random.choice(rows.tolist()))


def _go_to_number(dataset: Dataset) -> None:
    images = images_of(dataset)
    try:
        st.session_state[IMAGE] = _typed_number(images)
    except ValueError:
        return
    _widen_choice(images)


def _typed_number(images: Images) -> int:
    row = int(image_numbers(images).check(number("seed", st.session_state[IMAGE_FIELD])))
    label, digit = int(images.labels[row]), chosen_digit()
    if lesson().locks("digit") and digit not in (None, label):
        raise ValueError(f"Image {row:,} is {a_digit(label)}, and this lesson is about {digit}s only.")
    return row
