"""Gradients that add up: by mistake where `zero_grad` is forgotten, on purpose as gradient accumulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlpcore.datasets import Images
from mlpcore.inspection.layers import Model
from mlpcore.inspection.workbench import batch_loss, copy_of, dropout_generator, gradients_by_layer
from mlpcore.models import Classifier
from mlpcore.training import make_optimizer


@dataclass(frozen=True, eq=False)
class Loop:
    """A training loop over K batches.

    Attributes:
        losses: each batch's mean cross-entropy before the step that learns from it, float32 [K], in nats.
        gradient_norms: Euclidean norm of all gradients when that step was taken, float32 [K].
    """

    losses: npt.NDArray[np.float32]
    gradient_norms: npt.NDArray[np.float32]


def training_loop(model: Model, batches: Sequence[Images], forget_zero_grad: bool) -> Loop:
    """Trains a copy of the model on the batches one by one, with or without `zero_grad` before each.

    Without it every step follows the sum of all gradients so far.

    Raises:
        ValueError: a batch is too small for the model.
    """
    own = copy_of(model, dropout_generator(model.experiment))
    optimizer = make_optimizer(own.experiment, own.network, torch.device("cpu"))
    losses, norms = [], []
    for batch in batches:
        if not forget_zero_grad:
            optimizer.zero_grad()
        _, loss = batch_loss(own, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        norms.append(torch.cat(gradients_by_layer(own)).norm().item())
    return Loop(np.array(losses, np.float32), np.array(norms, np.float32))


@dataclass(frozen=True)
class Halves:
    """A batch's gradient, computed at once and accumulated from its two halves.

    Attributes:
        whole: Euclidean norm of the gradient of the whole batch's mean loss.
        added: norm of the sum of the halves' gradients, each half's mean loss divided by two.
        difference: largest absolute difference between the two, over the largest absolute number in the whole one; 0
            where both are 0.
    """

    whole: float
    added: float
    difference: float


def halves(model: Model, batch: Images) -> Halves:
    """Compares a batch's gradient with gradient accumulation over its two halves.

    The two are equal up to rounding, except with batch norm, which normalizes the images of a half by that half, and
    with dropout, which draws new masks.

    Raises:
        ValueError: the number of images is odd, so that the halves would not be equal, or a half is too small for the
            model.
    """
    images = len(batch.labels)
    if images % 2:
        raise ValueError(f"{images} images cannot be split into two equal halves: use an even number.")
    parts = [
        Images(batch.images[rows], batch.labels[rows]) for rows in (slice(images // 2), slice(images // 2, images))
    ]
    whole, added = (_gradient(copy_of(model, dropout_generator(model.experiment)), each) for each in ([batch], parts))
    scale = whole.abs().max().item() or 1.0
    return Halves(whole.norm().item(), added.norm().item(), (added - whole).abs().max().item() / scale)


def _gradient(own: Classifier, parts: Sequence[Images]) -> Tensor:
    for part in parts:
        (batch_loss(own, part)[1] / len(parts)).backward()
    return torch.cat(gradients_by_layer(own))
