"""Small images on screen, every pixel as a crisp square of ink on paper in either theme."""

import numpy as np
import numpy.typing as npt
from torch import Tensor


def ink_on_paper(image: Tensor, width: int) -> npt.NDArray[np.uint8]:
    """An image, uint8 [28, 28], enlarged by the whole number that comes closest to `width` pixels from above."""
    factor = -(-width // image.shape[-1])
    return np.kron(255 - image.numpy(), np.ones((factor, factor), np.uint8))
