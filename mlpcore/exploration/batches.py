"""The batches of PyTorch's DataLoader: how many there are, and which images are in which."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mlpcore.datasets import Dataset, data_folder
from mlpcore.datasets.files import COLLECTIONS
from mlpcore.torchvision_shim import torchvision

SEED = 0
"""The seed of the generator that shuffles; any other seed gives other orders of the same kind."""


def steps_per_epoch(images: int, batch_size: int, drop_last: bool) -> int:
    """The number of batches a DataLoader makes of this many images, as it says itself."""
    return len(DataLoader(_numbers(images), batch_size=batch_size, drop_last=drop_last))


@lru_cache(maxsize=8)
def epoch_orders(images: int, shuffle: bool, epochs: int = 2) -> tuple[Tensor, ...]:
    """The order in which a DataLoader goes through this many images in each epoch: int64 [images] for each.

    Loading the images themselves would take seconds per epoch, so here the DataLoader goes through their numbers.
    The order depends neither on what it goes through nor on the batch size, so one batch takes the whole epoch.
    """
    generator = torch.Generator().manual_seed(SEED)
    loader = DataLoader(_numbers(images), batch_size=images, shuffle=shuffle, generator=generator)
    return tuple(order for _ in range(epochs) for order in loader)


@lru_cache(maxsize=8)
def torchvision_dataset(dataset: Dataset, train: bool) -> Any:
    """torchvision's own dataset of the training or the test images, with `ToTensor` as its transform."""
    images = dataset.train if train else dataset.test
    transform = torchvision.transforms.ToTensor()
    data = COLLECTIONS[dataset.name].torchvision_class(data_folder(), train=train, transform=transform)
    # The images are in memory already, and checked.
    data.data, data.targets = images.images, images.labels
    return data


def load_batch(data: Any, rows: Tensor) -> tuple[Tensor, Tensor]:
    """The batch that a DataLoader over torchvision's dataset `data` makes of these rows, int64 [n].

    Returns float32 [n, 1, 28, 28] and int64 [n].
    """
    # With its own generator, it draws nothing from the one that the whole process shares.
    loader = DataLoader(data, batch_sampler=[rows.tolist()], generator=torch.Generator())
    images, labels = next(iter(loader))
    return images, labels


def _numbers(images: int) -> Any:
    # A DataLoader takes anything with a length and indices; its types ask for a Dataset.
    return range(images)
