"""How well a stage of a model separates the digits: in its main plane, for the eye, and in all its numbers."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mlpcore.inspection.projection import Plane, plane


@dataclass(frozen=True, eq=False)
class StagePlane:
    """Labelled images at one stage of a model.

    Attributes:
        plane: the plane in which their numbers vary most.
        size: how many numbers the stage has for each image.
        nearest_mean: `nearest_mean_accuracy` of them, 0 to 1.
    """

    plane: Plane
    size: int
    nearest_mean: float


def stage_plane(values: Tensor, labels: Tensor) -> StagePlane:
    """One stage's numbers, float32 [N, D], as `projection.stages` gives them, of images labelled int64 [N].

    Raises:
        ValueError: there are fewer than two images.
    """
    return StagePlane(plane(values), values.shape[1], nearest_mean_accuracy(values, labels))


def nearest_mean_accuracy(values: Tensor, labels: Tensor) -> float:
    """How often an image's own class is the one whose mean is nearest, 0 to 1: perfectly separated clusters give 1.

    An image is left out of its own class's mean. An image that is alone in its class counts as wrong.

    Args:
        values: float32 [N, D].
        labels: int64 [N], at least two different ones.
    """
    values, labels = values.cpu(), labels.cpu()
    classes, members, counts = labels.unique(return_inverse=True, return_counts=True)
    sums = torch.zeros(len(classes), values.shape[1]).index_add_(0, members, values)
    distances = torch.cdist(values, sums / counts[:, None])
    own = members[:, None]
    # Without the image itself the mean of n is n / (n - 1) times as far away.
    sizes = counts[own].float()
    without_itself = torch.where(sizes > 1, distances.gather(1, own) * sizes / (sizes - 1), torch.inf)
    return float((distances.scatter(1, own, without_itself).argmin(dim=1) == members).double().mean())
