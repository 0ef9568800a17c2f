"""The images: downloaded and checked, loaded once per process, and converted to a model's input."""

import threading
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mlpcore.datasets.fetching import Attempt, DataUnavailable, Progress, fetch
from mlpcore.datasets.files import COLLECTIONS, data_folder, is_on_disk, raw_folder
from mlpcore.experiment import DatasetName
from mlpcore.torchvision_shim import torchvision

__all__ = [
    "Attempt",
    "DataUnavailable",
    "Dataset",
    "DatasetName",
    "Images",
    "Progress",
    "data_folder",
    "fetch",
    "is_on_disk",
    "load",
    "normalization",
    "raw_folder",
    "to_input",
]


@dataclass(frozen=True, eq=False)
class Images:
    """A labeled set of N images. The tensors are shared by the whole process: never change them in place.

    Attributes:
        images: uint8 [N, 28, 28]; 0 is the background, 255 is full ink.
        labels: int64 [N], 0 to 9.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset in memory.

    Attributes:
        name: as in an experiment.
        title: as on screen.
        classes: what the ten labels mean.
        train: 60,000 images.
        test: 10,000 images.
        mean: of all training pixels, scaled to 0 to 1, to four digits.
        std: their standard deviation, to four digits.
    """

    name: DatasetName
    title: str
    classes: tuple[str, ...]
    train: Images
    test: Images
    mean: float
    std: float


_CLASSES: dict[DatasetName, tuple[str, ...]] = {
    # torchvision's own names for the digits are "0 - zero" and so on.
    "mnist": tuple("0123456789"),
    "fashion-mnist": tuple(torchvision.datasets.FashionMNIST.classes),
}

# To the customary four digits. Over all training pixels they are 0.130660 and 0.308108 for MNIST (checked by a test),
# 0.286041 and 0.353024 for Fashion-MNIST.
_MEAN_AND_STD: dict[DatasetName, tuple[float, float]] = {
    "mnist": (0.1307, 0.3081),
    "fashion-mnist": (0.2860, 0.3530),
}

_loaded: dict[Path, Dataset] = {}
_locks = {name: threading.Lock() for name in COLLECTIONS}


class _RawFiles(torchvision.datasets.MNIST):  # type: ignore[misc, name-defined]  # torchvision has no types
    """torchvision's dataset, read only from the four files in `root`.

    By default it prefers the `processed/*.pt` that old versions made, which nothing has checked.
    """

    def _check_legacy_exist(self) -> bool:
        return False

    @property
    def raw_folder(self) -> str:
        return str(self.root)


def load(name: DatasetName, progress: Progress | None = None) -> Dataset:
    """Returns the dataset, downloaded if necessary and read once per process.

    Args:
        name: which dataset.
        progress: as in `fetch`.

    Raises:
        DataUnavailable: as `fetch`.
    """
    with _locks[name]:
        folder = raw_folder(name)
        if folder not in _loaded:
            fetch(name, progress)
            train, test = (_RawFiles(folder, train=train) for train in (True, False))
            mean, std = normalization(name)
            _loaded[folder] = Dataset(
                name=name,
                title=COLLECTIONS[name].title,
                classes=_CLASSES[name],
                train=Images(train.data, train.targets),
                test=Images(test.data, test.targets),
                mean=mean,
                std=std,
            )
        return _loaded[folder]


def normalization(name: DatasetName) -> tuple[float, float]:
    """Mean and standard deviation of a dataset's training pixels on the scale 0 to 1, to four digits."""
    return _MEAN_AND_STD[name]


def to_input(images: Tensor, normalize: tuple[float, float] | None = None) -> Tensor:
    """Converts pixels to a model's input: torchvision's `ToTensor` and `Normalize` for all images at once.

    On the CPU the result equals torchvision's bit for bit. A GPU may round a division differently.

    Args:
        images: uint8 [..., 28, 28]; not changed.
        normalize: mean and standard deviation to normalize by; without them the values are between 0 and 1.

    Returns:
        float32 [..., 28, 28], on the images' device.
    """
    pixels = images.to(torch.float32, copy=True).div_(255)
    if normalize is not None:
        mean, std = normalize
        pixels.sub_(mean).div_(std)
    return pixels
