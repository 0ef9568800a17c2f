"""An image's way into a model: as stored, after torchvision's `ToTensor`, and after `Normalize`."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from PIL import Image
from torch import Tensor

from mlpcore.datasets import to_input
from mlpcore.exploration.statistics import LEVELS, mean_and_std
from mlpcore.torchvision_shim import torchvision

Stage = Literal["raw", "tensor", "normalized"]

STAGES: tuple[Stage, ...] = get_args(Stage)
"""As stored, 0 to 255; after `ToTensor`, 0 to 1; after `Normalize`, around 0."""


@dataclass(frozen=True)
class Summary:
    """Statistics of pixel values; the standard deviation is the population's (divided by the number of pixels)."""

    dtype: str
    low: float
    high: float
    mean: float
    std: float


def through_torchvision(image: Tensor, stage: Stage, normalization: tuple[float, float]) -> Tensor:
    """An image, uint8 [28, 28], as torchvision's transforms give it: [28, 28], uint8 as stored, else float32.

    Args:
        normalization: mean and standard deviation for `Normalize`, on the scale 0 to 1.
    """
    transform = _transform(stage, normalization)
    values: Tensor = transform(Image.fromarray(image.numpy()))
    return values[0]


def as_trained_on(images: Tensor, stage: Stage, normalization: tuple[float, float]) -> Tensor:
    """Pixels, uint8 of any shape, at a stage, computed as in training, for many images at once."""
    if stage == "raw":
        return images
    return to_input(images, normalization if stage == "normalized" else None)


def scale(stage: Stage, normalization: tuple[float, float]) -> Tensor:
    """The values 0 to 255 as they are at a stage: uint8 or float32 [256]."""
    return as_trained_on(torch.arange(LEVELS, dtype=torch.uint8), stage, normalization)


def summary(counts: Tensor, stage: Stage, normalization: tuple[float, float]) -> Summary:
    """The statistics, at a stage, of pixels of which each value 0 to 255 occurs `counts` times, int64 [256]."""
    values = scale(stage, normalization)
    there = values[counts > 0]
    dtype = str(values.dtype).removeprefix("torch.")
    return Summary(dtype, float(there.min()), float(there.max()), *mean_and_std(values, counts))


def _transform(stage: Stage, normalization: tuple[float, float]) -> Any:
    transforms = torchvision.transforms
    match stage:
        case "raw":
            return transforms.PILToTensor()
        case "tensor":
            return transforms.ToTensor()
        case "normalized":
            mean, std = normalization
            return transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean,), (std,))])
