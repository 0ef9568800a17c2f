"""What each optimizer does with the same gradient."""

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor, nn

from mlpcore.datasets import Images
from mlpcore.experiment import Experiment, OptimizerName
from mlpcore.inspection.layers import Model
from mlpcore.inspection.workbench import (
    batch_loss,
    copy_of,
    dropout_generator,
    gradients_by_layer,
    parameters_by_layer,
)
from mlpcore.training import make_optimizer

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Update:
    """An optimizer's first update.

    Attributes:
        optimizer: its name in an experiment.
        learning_rate: with which it was taken.
        norms: Euclidean norm of what it adds to each layer's parameters, from input to output.
        largest: the most that it changes any single parameter by.
        cosine: of the angle between the update and the negative gradient, −1 to 1; 1 means straight down the slope. Not
            a number where the gradient, or the update, is 0.
        without_gradient: share of the parameters whose gradient is exactly 0, 0 to 1; the same for all optimizers.
    """

    optimizer: OptimizerName
    learning_rate: float
    norms: tuple[float, ...]
    largest: float
    cosine: float
    without_gradient: float


def updates(model: Model, batch: Images, rates: Mapping[OptimizerName, float]) -> list[Update]:
    """The first update that each optimizer makes from the gradient of `batch`, always from the model's own parameters.

    Weight decay is left out, because it changes the parameters whatever the gradient is; so AdamW equals Adam here.

    Args:
        rates: the optimizers to compare, each with its learning rate, such as `pytorch_rates`.

    Raises:
        ValueError: the batch is too small for the model.
        InvalidExperiment: a learning rate is out of its limits.
    """
    own = copy_of(model, dropout_generator(model.experiment))
    batch_loss(own, batch)[1].backward()
    downhill = -torch.cat(gradients_by_layer(own)).double()
    without_gradient = (downhill == 0).double().mean().item()
    state, before = copy.deepcopy(own.network.state_dict()), parameters_by_layer(own)
    found = []
    for name, rate in rates.items():
        experiment = model.experiment.changed(optimizer=name, learning_rate=rate, weight_decay=0.0)
        own.network.load_state_dict(state)
        make_optimizer(experiment, own.network, _CPU).step()
        changes = [new - old for new, old in zip(parameters_by_layer(own), before, strict=True)]
        whole = torch.cat(changes)
        found.append(
            Update(
                optimizer=name,
                learning_rate=rate,
                norms=tuple(change.norm().item() for change in changes),
                largest=whole.abs().max().item(),
                cosine=_cosine(whole.double(), downhill),
                without_gradient=without_gradient,
            )
        )
    return found


def pytorch_rates() -> dict[OptimizerName, float]:
    """Every optimizer of `OptimizerName` with PyTorch's default learning rate for it."""
    nothing = nn.ParameterList([torch.zeros(1)])
    classes = {
        name: type(make_optimizer(Experiment().changed(optimizer=name), nothing, _CPU))
        for name in get_args(OptimizerName)
    }
    return {name: float(inspect.signature(kind).parameters["lr"].default) for name, kind in classes.items()}


def _cosine(one: Tensor, other: Tensor) -> float:
    cosine: float = (one @ other / (one.norm() * other.norm())).item()
    return cosine
