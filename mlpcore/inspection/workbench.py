"""Copies of networks to experiment on: the given models are shared, so anything that changes one works on a copy.

A copy is on the CPU. Its dropout masks come from its own generator.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from mlpcore.datasets import Images
from mlpcore.experiment import Experiment
from mlpcore.inspection.layers import Model, layers
from mlpcore.models import Classifier
from mlpcore.network import MLP
from mlpcore.sampling import Stream, seeded


def untrained(experiment: Experiment) -> Classifier:
    """The model of `experiment` before the first step; equal experiments give equal weights."""
    network = MLP(
        experiment.architecture,
        generator=seeded(experiment.seed, Stream.WEIGHTS),
        dropout_generator=dropout_generator(experiment),
    )
    return Classifier(experiment, network.eval())


def copy_of(model: Model, dropout: torch.Generator) -> Classifier:
    """A copy of the model, in evaluation mode, whose dropout masks are drawn from `dropout`, on the CPU."""
    return Classifier(model.experiment, _with_weights_of(model, model.experiment, dropout))


def with_dropout(model: Model, share: float) -> Classifier:
    """A copy of the model with dropout of `share` after every hidden layer, whatever it was trained with.

    Raises:
        InvalidExperiment: the share is not possible, or the model has no hidden layer.
    """
    experiment = model.experiment.changed(dropout=share)
    return Classifier(experiment, _with_weights_of(model, experiment, dropout_generator(experiment)))


def dropout_generator(experiment: Experiment) -> torch.Generator:
    """The generator from which `experiment` draws its dropout masks on the CPU, at its start."""
    return seeded(experiment.seed, Stream.DROPOUT)


def check_batch(model: Model, size: int) -> None:
    """Checks that the model can learn from a batch of this size.

    Raises:
        ValueError: it is empty, or too small for batch norm.
    """
    least = 2 if model.experiment.architecture.batch_norm else 1
    if size < least:
        why = " Batch norm needs more than one image in a batch." if least == 2 else ""
        raise ValueError(f"A batch of {size} is not possible: this model needs at least {least} in a batch.{why}")


def batch_loss(model: Classifier, batch: Images) -> tuple[Tensor, Tensor]:
    """The logits, float32 [N, 10], and the mean cross-entropy in nats of a batch, in training mode, with gradient.

    Raises:
        ValueError: the batch is too small.
    """
    check_batch(model, len(batch.labels))
    logits: Tensor = model.network.train()(model.inputs(batch.images))
    return logits, F.cross_entropy(logits, batch.labels.to(logits.device))


def parameters_by_layer(model: Model) -> list[Tensor]:
    """Per layer a copy of all its parameters, float32 [count]: weights, biases, and batch norm's scale and shift."""
    return [_joined(parameter.detach() for parameter in layer.parameters()) for layer in layers(model.network)]


def gradients_by_layer(model: Model) -> list[Tensor]:
    """The same of the parameters' gradients; float32 [0] for a layer whose `.grad` are None."""
    return [
        _joined(parameter.grad for parameter in layer.parameters() if parameter.grad is not None)
        for layer in layers(model.network)
    ]


def _joined(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([torch.empty(0), *(tensor.flatten() for tensor in tensors)])


def _with_weights_of(model: Model, experiment: Experiment, dropout: torch.Generator) -> MLP:
    network = MLP(experiment.architecture, torch.Generator(), dropout)
    # By order and not by name: a dropout layer in between changes the names of those behind it.
    theirs = model.network.state_dict().values()
    network.load_state_dict(dict(zip(network.state_dict(), theirs, strict=True)))
    return network.eval()
