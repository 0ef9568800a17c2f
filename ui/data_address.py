"""What the Data page shows: kept in the session, and in the page's address, so that a link shows the same."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import CLASSES, LIMITS, Range
from mlpcore.exploration import STAGES, rows_of_class, steps_per_epoch
from mlpcore.links import as_number
from ui.navigation import note_in_address
from ui.words import a_digit

VIEW, SPLIT, DIGIT, IMAGE, STAGE, TYPICAL, BATCH_SIZE, SHUFFLE, DROP_LAST, BATCH = (
    "data_view", "data_split", "data_digit", "data_image", "data_stage", "data_typical",
    "data_batch_size", "data_shuffle", "data_drop_last", "data_batch",
)  # fmt: skip
"""Keys of the session's state for what the page shows. DIGIT may be ALL; BATCH counts from 1."""

ALL = "all"

IMAGE_FIELD, BATCH_SIZE_FIELD = "data_image_field", "data_batch_size_field"
"""The texts in the fields for IMAGE and BATCH_SIZE, which may be half typed."""

_NOTED = "data_noted_address"

VIEWS = ("images", "set", "loader")
SPLITS = ("train", "test")


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
    given = {name: st.query_params[name] for name in _PARTS if name in st.query_params}
    # A page that is come back to in the navigation has no address, and shows what it showed.
    if VIEW in state and (not given or given == state.get(_NOTED)):
        return []
    state.update({part.key: part.default for part in _PARTS.values()})
    problems = []
    # In the order of the parts: which images there are depends on the split, which batches on the batch size.
    for name, part in _PARTS.items():
        if name in given:
            try:
                state[part.key] = part.read(given[name], dataset)
            except ValueError as problem:
                problems.append(str(problem))
    if "image" not in given:
        go_to_one_that_fits(dataset)
    label = int(images_of(dataset).labels[state[IMAGE]])
    if chosen_digit() not in (None, label):
        problems.append(
            f"Image {state[IMAGE]:,} is {a_digit(label)}, so the choice of the digit {state[DIGIT]} is left out."
        )
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
    """Writes into the address what is shown, as far as it is not what the page shows by itself."""
    state = st.session_state
    address = {name: part.write(state[part.key]) for name, part in _PARTS.items() if state[part.key] != part.default}
    note_in_address(dict.fromkeys(_PARTS, "") | address)
    state[_NOTED] = address


@dataclass(frozen=True)
class _Part:
    """A value of the state, which the address holds as a text unless it is the default.

    `read` raises ValueError with a sentence for a text that stands for no possible value.
    """

    key: str
    default: Any
    read: Callable[[str, Dataset], Any]
    write: Callable[[Any], str] = str


def _choice(key: str, default: Any, what: str, choices: Iterable[Any]) -> _Part:
    by_text = {str(choice): choice for choice in choices}

    def read(text: str, _: Dataset) -> Any:
        if text not in by_text:
            raise ValueError(f"{what} {text[:20]!r} is not possible: there are {', '.join(by_text)}.")
        return by_text[text]

    return _Part(key, default, read)


def _switch(key: str, default: bool, what: str) -> _Part:
    choice = _choice(key, default, what, ["on", "off"])
    return _Part(
        key, default, lambda text, dataset: choice.read(text, dataset) == "on", lambda on: "on" if on else "off"
    )


def _read_image(text: str, dataset: Dataset) -> int:
    return int(image_numbers(images_of(dataset)).check(as_number(int, text)))


def _read_batch(text: str, dataset: Dataset) -> int:
    # Of the parts before it, the address has given the batch size and whether the last batch counts.
    steps = steps_per_epoch(len(dataset.train.labels), st.session_state[BATCH_SIZE], st.session_state[DROP_LAST])
    return int(Range("Batch", 1, steps, "There are no more batches in an epoch.").check(as_number(int, text)))


def _read_batch_size(text: str, dataset: Dataset) -> int:
    return batch_size_of(as_number(int, text), dataset)


def batch_size_of(given: object, dataset: Dataset) -> int:
    """The batch size that somebody gave, where "full" means all training images; ValueError with a sentence if none."""
    return len(dataset.train.labels) if given == "full" else int(LIMITS["batch_size"].check(given))


_PARTS = {
    "view": _choice(VIEW, "images", "View", VIEWS),
    "split": _choice(SPLIT, "train", "Split", SPLITS),
    "digit": _choice(DIGIT, ALL, "Digit", [ALL, *range(CLASSES)]),
    "image": _Part(IMAGE, 0, _read_image),
    "stage": _choice(STAGE, "raw", "Stage", STAGES),
    "typical": _choice(TYPICAL, 0, "Digit", range(CLASSES)),
    "batch_size": _Part(BATCH_SIZE, 64, _read_batch_size),
    "shuffle": _switch(SHUFFLE, True, "Shuffle"),
    "drop_last": _switch(DROP_LAST, False, "Drop last"),
    "batch": _Part(BATCH, 1, _read_batch),
}
