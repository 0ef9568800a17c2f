"""Small images on screen: crisp pixels, dark ink on light paper in both themes."""

import numpy as np
import numpy.typing as npt
from torch import Tensor


def ink_on_paper(image: Tensor, width: int) -> npt.NDArray[np.uint8]:
    """An image, uint8 [28, 28], enlarged by the smallest whole factor that makes it at least `width` pixels wide."""
    factor = -(-width // image.shape[-1])
    return np.kron(255 - image.numpy(), np.ones((factor, factor), np.uint8))
