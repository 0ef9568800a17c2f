"""Numbers as people read them in a chart."""

import numpy as np
import numpy.typing as npt


def in_words(numbers: npt.ArrayLike, form: str) -> npt.NDArray[np.str_]:
    """Each number as text with a true minus sign: str of the same shape.

    Plotly writes a hyphen wherever it formats a number itself, but for the ticks of an axis.

    Args:
        form: Python's format specification, e.g. ``.3g``.
    """
    given = np.asarray(numbers)
    texts = [format(number, form).replace("-", "−") for number in given.flatten().tolist()]
    return np.array(texts, np.str_).reshape(given.shape)
