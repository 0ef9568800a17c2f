"""What the Data page shows, and what its address says of it."""

import streamlit as st

from mlpcore import datasets
from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import CLASSES, LIMITS, Range
from mlpcore.exploration import STAGES, rows_of_class, steps_per_epoch
from mlpcore.links import as_number
from ui import page_address
from ui.lessons import lesson
from ui.page_address import Part, one_of, switch, whole_number
from ui.words import a_digit

PAGE = "data"

VIEW, SPLIT, DIGIT, IMAGE, STAGE, TOP, LEFT, TYPICAL, BATCH_SIZE, SHUFFLE, DROP_LAST, BATCH = (
    "data_view", "data_split", "data_digit", "data_image", "data_stage", "data_lens_top", "data_lens_left",
    "data_typical", "data_batch_size", "data_shuffle", "data_drop_last", "data_batch",
)  # fmt: skip
"""Keys of the session's state for what the page shows. DIGIT may be ALL; BATCH counts from 1."""

ALL = "all"

IMAGE_FIELD, BATCH_SIZE_FIELD = "data_image_field", "data_batch_size_field"
"""The texts in the fields for IMAGE and BATCH_SIZE, which may be half typed."""

VIEWS = ("images", "set", "loader")
SPLITS = ("train", "test")

LENS = 8
LENS_PLACES = Range("Place", 0, 28 - LENS, f"{LENS} of the 28 rows or columns are shown.")
"""The part of an image whose numbers are shown: its side in pixels, and where it can begin."""


def images_of(dataset: Dataset) -> Images:
    """The training or the test images, whichever are looked at."""
    return dataset.train if st.session_state[SPLIT] == "train" else dataset.test


def chosen_digit() -> int | None:
    """The digit whose images alone are looked at, if there is one."""
    digit: int | str = st.session_state[DIGIT]
    return None if isinstance(digit, str) else digit


def image_numbers(images: Images) -> Range:
    """Which numbers images have."""
    return Range("Image", 0, len(images.labels) - 1, "They are counted from 0.")


def take_address(dataset: Dataset) -> list[str]:
    """Lets the page show what its address asks for, if that is news; to be called before the widgets.

    Returns a sentence for each value in the address that is not possible and was left out.
    """
    state = st.session_state
    problems = page_address.take(PAGE, _PARTS)
    if problems is None:
        return []
    if "image" not in st.query_params:
        go_to_one_that_fits(dataset)
    label = int(images_of(dataset).labels[state[IMAGE]])
    if chosen_digit() not in (None, label):
        what = f"Image {state[IMAGE]:,} is {a_digit(label)}"
        if lesson().locks("digit") and not lesson().locks("image"):
            problems.append(f"{what}, so the next {state[DIGIT]} is shown.")
            go_to_one_that_fits(dataset)
        else:
            problems.append(f"{what}, so the choice of the digit {state[DIGIT]} is left out.")
            state[DIGIT] = ALL
    fill_fields()
    return problems


def go_to_one_that_fits(dataset: Dataset) -> None:
    """To the image itself if it is one of those that were chosen, else to the next of them, or the first."""
    state = st.session_state
    rows = rows_of_class(images_of(dataset), chosen_digit())
    after = rows[rows >= state[IMAGE]]
    state[IMAGE] = int(after[0] if len(after) else rows[0])
    fill_fields()


def fill_fields() -> None:
    """Writes what is shown into the fields; to be called before they are drawn, or in a callback."""
    st.session_state[IMAGE_FIELD] = str(st.session_state[IMAGE])
    st.session_state[BATCH_SIZE_FIELD] = str(st.session_state[BATCH_SIZE])


def note_address() -> None:
    """Writes into the address what is shown."""
    page_address.note(PAGE, _PARTS)


def address() -> dict[str, str]:
    """What the address says of what is shown now."""
    return page_address.address_of(_PARTS)


def batch_size_of(given: object, dataset: Dataset) -> int:
    """The batch size that somebody gave, where "full" means all training images; ValueError with a sentence if none."""
    return len(dataset.train.labels) if given == "full" else int(LIMITS["batch_size"].check(given))


def _dataset() -> Dataset:
    return datasets.load("mnist")


def _read_image(text: str) -> int:
    return int(image_numbers(images_of(_dataset())).check(as_number(int, text)))


def _read_batch(text: str) -> int:
    # Of the parts before it, the address has given the batch size and whether the last batch counts.
    steps = steps_per_epoch(len(_dataset().train.labels), st.session_state[BATCH_SIZE], st.session_state[DROP_LAST])
    return int(Range("Batch", 1, steps, "There are no more batches in an epoch.").check(as_number(int, text)))


def _read_batch_size(text: str) -> int:
    return batch_size_of(as_number(int, text), _dataset())


_PARTS = {
    "view": one_of(VIEW, "images", "View", VIEWS),
    "split": one_of(SPLIT, "train", "Split", SPLITS),
    "digit": one_of(DIGIT, ALL, "Digit", [ALL, *range(CLASSES)]),
    # Depends on the split.
    "image": Part(IMAGE, 0, _read_image),
    "stage": one_of(STAGE, "raw", "Stage", STAGES),
    "top": whole_number(TOP, (28 - LENS) // 2, LENS_PLACES, control="lens"),
    "left": whole_number(LEFT, (28 - LENS) // 2, LENS_PLACES, control="lens"),
    "typical": one_of(TYPICAL, 0, "Digit", range(CLASSES)),
    "batch_size": Part(BATCH_SIZE, 64, _read_batch_size),
    "shuffle": switch(SHUFFLE, True, "Shuffle"),
    "drop_last": switch(DROP_LAST, False, "Drop last"),
    # Depends on the two before it.
    "batch": Part(BATCH, 1, _read_batch),
}
