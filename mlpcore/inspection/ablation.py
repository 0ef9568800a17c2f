"""Neurons switched off: how good a model is without some of its hidden neurons."""

from collections.abc import Collection

import torch
from torch import Tensor

from mlpcore.evaluation import CHUNK, Evaluation, judge
from mlpcore.inspection.layers import Model, Neuron, check_neuron, layers


def logits_without(model: Model, images: Tensor, off: Collection[Neuron]) -> Tensor:
    """The model's logits while the activations of some hidden neurons are set to 0.

    The model itself stays as it is, and other threads may use it at the same time.

    Args:
        images: uint8 [N, 28, 28].

    Returns:
        float32 [N, 10] on the CPU, without gradient.

    Raises:
        ValueError: one of them is not a hidden neuron of this model.
    """
    for neuron in off:
        check_neuron(model, neuron)
        if neuron.layer == len(model.experiment.architecture.hidden):
            raise ValueError(
                f"Neuron {neuron.index} of layer {neuron.layer} is an output: only hidden neurons can be switched off."
            )
    with torch.no_grad():
        return torch.cat([_logits(model, chunk, off) for chunk in images.split(CHUNK)]).cpu()


def evaluation_without(model: Model, images: Tensor, labels: Tensor, off: Collection[Neuron]) -> Evaluation:
    """How good the model is without some hidden neurons, on images uint8 [N, 28, 28] with labels int64 [N].

    Raises:
        ValueError: as `logits_without`.
    """
    return judge(logits_without(model, images, off), labels)


def _logits(model: Model, images: Tensor, off: Collection[Neuron]) -> Tensor:
    x = model.inputs(images).flatten(1)
    for number, layer in enumerate(layers(model.network)):
        x = layer(x)
        x[:, [neuron.index for neuron in off if neuron.layer == number]] = 0
    return x
