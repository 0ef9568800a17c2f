"""Random choices of the data: which images a model is trained on, with which labels, and in which order."""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from mlpcore.experiment import CLASSES, TRAIN_IMAGES, Data, Experiment

SPLIT_SEED = 20_260
"""The split is the same for every experiment, so that all runs have the same validation images."""


class Stream(IntEnum):
    """The independent streams of random numbers of one seed."""

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
    """The indices of the training images and of the validation images among the 60,000.

    Both are random but fixed samples without overlap, taken from the two ends of one permutation, so a smaller sample
    is part of a larger one.

    Returns:
        Two int64 tensors, [train_images] and [validation], each in stored order.
    """
    permutation = torch.randperm(TRAIN_IMAGES, generator=seeded(SPLIT_SEED))
    train = permutation[: data.train_images].sort().values
    validation = permutation[TRAIN_IMAGES - data.validation :].sort().values
    return train, validation


def noisy_labels(experiment: Experiment, labels: Tensor, rows: Tensor) -> Tensor:
    """A copy of `labels`, int64 [60000], with the experiment's fraction of those at `rows` replaced at random.

    A random label may happen to be the true one: with label noise 0.3, about 27 % of the labels are wrong.
    """
    generator = seeded(experiment.seed, Stream.LABEL_NOISE)
    replaced = rows[torch.randperm(len(rows), generator=generator)[: round(experiment.data.label_noise * len(rows))]]
    noisy = labels.clone()
    noisy[replaced] = torch.randint(CLASSES, (len(replaced),), generator=generator)
    return noisy


def epoch_order(experiment: Experiment, labels: Tensor, rows: Tensor, epoch: int) -> Tensor:
    """`rows` in the order of epoch `epoch` (from 0); it depends only on the arguments.

    Args:
        labels: int64 [60000], as used in training.
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
