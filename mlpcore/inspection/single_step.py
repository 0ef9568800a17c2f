"""One training step in detail: zero_grad, forward, loss, backward and step, and what each of them changes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlpcore.datasets import Images
from mlpcore.inspection.layers import Model
from mlpcore.inspection.workbench import (
    batch_loss,
    copy_of,
    dropout_generator,
    gradients_by_layer,
    parameters_by_layer,
)
from mlpcore.models import Classifier
from mlpcore.training import make_optimizer

BINS = 41
"""Bins in a histogram of gradients; an odd number, so that 0 is in the middle of one."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many numbers lie where: `counts`, int64 [41], between `edges`, float64 [42], which are symmetric about 0.

    Infinities and NaN are in no bin.
    """

    counts: npt.NDArray[np.int64]
    edges: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerStep:
    """One layer's parameters in one step: weights, biases, and batch norm's scale and shift, all norms Euclidean.

    Attributes:
        parameters: how many there are.
        gradient_left: norm of the gradient before `zero_grad`; None where `.grad` is None, as before the first step.
        gradient_cleared: the same after `zero_grad`, which sets `.grad` to None; it is what was left if that is
            forgotten.
        gradient: norm of the gradient after `backward`.
        histogram: the numbers of that gradient.
        norm: norm of the parameters before `step`.
        change: norm of what `step` added to them.
    """

    parameters: int
    gradient_left: float | None
    gradient_cleared: float | None
    gradient: float
    histogram: Histogram
    norm: float
    change: float


@dataclass(frozen=True, eq=False)
class SingleStep:
    """The effects of the five calls.

    Attributes:
        layers: each layer with weights, from input to output.
        logits: what the model made of the batch before `step`, float32 [N, 10].
        loss: the batch's mean cross-entropy before `step`, in nats.
        loss_after: the same after it, with the same dropout masks; infinite or not a number if the step was far too
            large.
    """

    layers: tuple[LayerStep, ...]
    logits: npt.NDArray[np.float32]
    loss: float
    loss_after: float


def single_step(
    model: Model, batch: Images, former: Images | None = None, forget_zero_grad: bool = False
) -> SingleStep:
    """Takes one training step with a copy of the model, and the optimizer and learning rate of its experiment.

    Learning-rate schedules and augmentation are not applied.

    Args:
        batch: what is learned from.
        former: a batch from which a step is taken first, so that gradients are left from it and the optimizer has
            seen one; without it the optimizer is new.
        forget_zero_grad: leave the first of the five calls out.

    Raises:
        ValueError: a batch is empty, or has one image and the model batch norm.
    """
    dropout = dropout_generator(model.experiment)
    own = copy_of(model, dropout)
    optimizer = make_optimizer(own.experiment, own.network, torch.device("cpu"))
    if former is not None:
        batch_loss(own, former)[1].backward()
        optimizer.step()
    left = _gradient_norms(own)
    masks = dropout.get_state()

    if not forget_zero_grad:
        optimizer.zero_grad()
    cleared = _gradient_norms(own)
    logits, loss = batch_loss(own, batch)
    loss.backward()
    gradients, before = gradients_by_layer(own), parameters_by_layer(own)
    optimizer.step()

    dropout.set_state(masks)
    with torch.no_grad():
        _, loss_after = batch_loss(own, batch)
    steps = (
        LayerStep(
            parameters=len(old),
            gradient_left=norm_left,
            gradient_cleared=norm_cleared,
            gradient=gradient.norm().item(),
            histogram=_histogram(gradient),
            norm=old.norm().item(),
            change=(new - old).norm().item(),
        )
        for norm_left, norm_cleared, gradient, old, new in zip(
            left, cleared, gradients, before, parameters_by_layer(own), strict=True
        )
    )
    return SingleStep(tuple(steps), logits.detach().numpy(), loss.item(), loss_after.item())


def _gradient_norms(model: Classifier) -> list[float | None]:
    return [gradient.norm().item() if len(gradient) else None for gradient in gradients_by_layer(model)]


def _histogram(gradient: Tensor) -> Histogram:
    finite = gradient[gradient.isfinite()].double()
    # A gradient that is 0 throughout has a bin of its own as well.
    bound = finite.abs().max().item() if finite.any() else 1.0
    counts, edges = np.histogram(finite.numpy(), BINS, (-bound, bound))
    return Histogram(counts, edges)
