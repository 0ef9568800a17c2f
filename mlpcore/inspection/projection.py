"""Images as points in a plane: the two main directions in which a stage of a model spreads them (PCA).

The stages are the input and the activations of each hidden layer.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.linalg import eigh
from torch import Tensor

from mlpcore.inspection.layers import Model


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane in which a stage's D numbers per image vary most, through their mean.

    Attributes:
        points: where the images lie in it, float32 [N, 2].
        shares: of all variance, how much lies along the first axis and along the second, float32 [2], 0 to 1; both 0
            where the images do not differ at all.
        mean: float32 [D].
        axes: two directions of length 1, float32 [2, D], each turned so that its largest number is above 0. The second
            is 0 where D is 1.
    """

    points: npt.NDArray[np.float32]
    shares: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]

    def project(self, values: Tensor) -> npt.NDArray[np.float32]:
        """Where further images lie in the plane, float32 [M, 2], for this stage's numbers, float32 [M, D]."""
        points: npt.NDArray[np.float32] = (values.cpu().numpy() - self.mean) @ self.axes.T
        return points


def stages(model: Model, images: Tensor) -> list[Tensor]:
    """The values of images, uint8 [N, 28, 28], at each stage of the model in evaluation mode.

    Returns:
        The pixels as the model takes them, float32 [N, 784], and each hidden layer's activations, float32 [N, size].
    """
    with torch.no_grad():
        inputs = model.inputs(images)
        return [inputs.flatten(1), *model.network.activations(inputs)]


def plane(values: Tensor) -> Plane:
    """The main plane of one stage's numbers, float32 [N, D].

    Raises:
        ValueError: there are fewer than two images.
    """
    count, size = values.shape
    if count < 2:
        raise ValueError(f"{count} images are not enough for a plane: at least two are needed.")
    values = values.cpu()
    mean = values.mean(dim=0)
    centred = values - mean
    scatter = centred.T @ centred
    # Of as many directions as there are numbers, two are looked for, which takes a fraction of the time for all.
    found, directions = eigh(scatter.numpy(), subset_by_index=(max(0, size - 2), size - 1))
    axes = torch.from_numpy(directions).flip(1).T
    axes = axes * axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
    axes = F.pad(axes, (0, 0, 0, 2 - len(axes)))
    variances = F.pad(torch.from_numpy(found).clamp(min=0).flip(0), (0, max(0, 2 - size)))
    shares = variances / scatter.trace().clamp(min=torch.finfo(torch.float32).tiny)
    return Plane((centred @ axes.T).numpy(), shares.numpy(), mean.numpy(), axes.numpy())
