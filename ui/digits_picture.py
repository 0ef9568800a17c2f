"""Some of the handwritten digits that everything here is about."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from mlpcore import datasets

_ROWS, _COLUMNS = 5, 10
_ENLARGED = 3
_INK = (97, 111, 205)
"""The theme's primary color in the dark, which stands out on white, too."""


def digits_picture() -> None:
    """The first test images of each digit, a digit in each column."""
    st.image(
        _picture(),
        width="stretch",
        caption=f"{_ROWS * _COLUMNS} of the 10,000 handwritten digits that test what a network has learned.",
        alt=f"Handwritten digits in {_ROWS} rows: each row shows the digits 0 to 9.",
    )


@st.cache_data(show_spinner=False)
def _picture() -> npt.NDArray[np.uint8]:
    """RGBA, uint8 [height, width, 4]: ink on a transparent ground, for either theme."""
    test = datasets.load("mnist").test
    digits = [test.images[test.labels == digit][:_ROWS].numpy() for digit in range(_COLUMNS)]
    ink = np.concatenate(np.concatenate(np.stack(digits), axis=-1), axis=0)
    ink = np.kron(ink, np.ones((_ENLARGED, _ENLARGED), np.uint8))
    picture = np.empty((*ink.shape, 4), np.uint8)
    picture[..., :3], picture[..., 3] = _INK, ink
    return picture
