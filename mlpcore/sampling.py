"""Which images are learned from, with which labels and in which order: every choice that is left to chance."""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from mlpcore.experiment import CLASSES, TRAIN_IMAGES, Data, Experiment

SPLIT_SEED = 20_260
"""The split is the same for every experiment, so that runs are watched on the same images and can be compared."""


class Stream(IntEnum):
    """The independent streams of random numbers that one seed starts."""

    WEIGHTS = 0
    ORDER = 1
    DROPOUT = 2
    AUGMENTATION = 3
    LABEL_NOISE = 4


def seeded(seed: int, *stream: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator for one stream of a seed; numpy's SeedSequence makes the streams independent."""
    state = np.random.SeedSequence([seed, *stream]).generate_state(1, np.uint32)[0]
    return torch.Generator(device=device).manual_seed(int(state))


def split(data: Data) -> tuple[Tensor, Tensor]:
    """The rows of the 60,000 training images to learn from and the rows for validation.

    Both are random but fixed samples without a common row, taken from the two ends of one permutation: a smaller
    sample is part of a larger one.

    Returns:
        Two int64 tensors, [train_images] and [validation], each in stored order.
    """
    permutation = torch.randperm(TRAIN_IMAGES, generator=seeded(SPLIT_SEED))
    train = permutation[: data.train_images].sort().values
    validation = permutation[TRAIN_IMAGES - data.validation :].sort().values
    return train, validation


def noisy_labels(experiment: Experiment, labels: Tensor, rows: Tensor) -> Tensor:
    """A copy of `labels`, int64 [60000], in which the experiment's share of those at `rows` is drawn at random.

    A drawn label may happen to be the true one: with a share of 0.3, about 27 % of the labels are wrong.
    """
    generator = seeded(experiment.seed, Stream.LABEL_NOISE)
    replaced = rows[torch.randperm(len(rows), generator=generator)[: round(experiment.data.label_noise * len(rows))]]
    noisy = labels.clone()
    noisy[replaced] = torch.randint(CLASSES, (len(replaced),), generator=generator)
    return noisy


def epoch_order(experiment: Experiment, labels: Tensor, rows: Tensor, epoch: int) -> Tensor:
    """`rows` in the order in which epoch `epoch` (from 0) learns from them; it depends on nothing but its arguments.

    Args:
        labels: int64 [60000], as learned from.
        rows: int64 [N], in stored order, on the same device.
    """
    match experiment.data.order:
        case "shuffled":
            generator = seeded(experiment.seed, Stream.ORDER, epoch)
            return rows[torch.randperm(len(rows), generator=generator).to(rows.device)]
        case "by-class":
            return rows[labels[rows].argsort(stable=True)]
        case "stored":
            return rows
