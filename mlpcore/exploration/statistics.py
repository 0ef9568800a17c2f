"""Statistics of a set of images: classes, pixel values, mean images, and each image's distance to its class's mean.

What takes more than a moment is cached per set of images, of which a process has few.
"""

from functools import lru_cache

import torch
from torch import Tensor

from mlpcore.datasets import Images, to_input
from mlpcore.experiment import CLASSES

LEVELS = 256
"""The number of values a pixel can have, 0 to 255."""


@lru_cache(maxsize=8)
def pixel_counts(images: Images) -> Tensor:
    """How often each value 0 to 255 occurs among all pixels: int64 [256]."""
    return images.images.flatten().bincount(minlength=LEVELS)


def mean_and_std(values: Tensor, counts: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of numbers of which each of `values` occurs `counts` times; both are [n].

    The deviation is that of all the numbers, not an estimate from a sample: it is divided by their count.
    """
    values, weights = values.double(), counts / counts.sum(dtype=torch.float64)
    mean = (weights * values).sum()
    return float(mean), float((weights * (values - mean).square()).sum().sqrt())


def class_counts(images: Images) -> Tensor:
    """How many images each class has: int64 [10]."""
    return images.labels.bincount(minlength=CLASSES)


@lru_cache(maxsize=64)
def rows_of_class(images: Images, label: int | None) -> Tensor:
    """The rows of the images with this label, or of all images without one: int64 [n], in stored order."""
    if label is None:
        return torch.arange(len(images.labels))
    return (images.labels == label).nonzero().flatten()


@lru_cache(maxsize=8)
def mean_images(images: Images) -> Tensor:
    """The mean image of each class: float32 [10, 28, 28], 0 to 1. Every class must have an image."""
    return torch.stack([_pixels(images, label).mean(dim=0) for label in range(CLASSES)])


@lru_cache(maxsize=8)
def distances_to_mean(images: Images) -> Tensor:
    """Each image's distance to the mean image of its class: float32 [N].

    The Euclidean distance to the mean image of its own class in this set, over the 784 pixels on a scale from 0 to 1.
    An image that is shifted, slanted or bold is far away, too, however easy it is to read.
    """
    distances = torch.empty(len(images.labels))
    for label, mean in enumerate(mean_images(images)):
        distances[rows_of_class(images, label)] = _pixels(images, label).sub_(mean).flatten(start_dim=1).norm(dim=1)
    return distances


def by_distance(images: Images, label: int) -> Tensor:
    """The rows of the images of a class, the most typical first, by `distances_to_mean`: int64 [n]."""
    rows = rows_of_class(images, label)
    return rows[distances_to_mean(images)[rows].argsort(stable=True)]


def _pixels(images: Images, label: int) -> Tensor:
    return to_input(images.images[rows_of_class(images, label)])
