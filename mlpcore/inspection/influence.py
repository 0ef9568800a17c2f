"""What a neuron contributes to the answer, and what it looks for in this image: derivatives of the real network."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mlpcore.experiment import CLASSES, Activation
from mlpcore.inspection.layers import Model, Neuron, check_neuron, layers

PIECEWISE_LINEAR: tuple[Activation, ...] = ("relu", "leaky_relu")
"""Piecewise linear activations: near an image, a network with them is one linear map."""


def strongest(activations: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """At most `count` neurons with the largest absolute activations, strongest first, for activations [size]."""
    return np.argsort(-np.abs(activations), kind="stable")[:count]


def contributions(model: Model, image: Tensor, layer: int, digit: int) -> npt.NDArray[np.float32]:
    """How far each neuron of a hidden layer raises (above 0) or lowers (below 0) the logit of `digit`.

    A neuron's contribution is its activation times the derivative of the logit with respect to it. For the last hidden
    layer, that is activation times weight, and all contributions and the output's bias add up to the logit. For an
    earlier layer of a ReLU network, it is what the neuron adds to the logit as long as no later ReLU changes sides; all
    contributions add up to the logit minus what the biases (and batch norm) of later layers add. With a curved
    activation, such as GELU, it is only the slope at this image.

    Args:
        image: uint8 [28, 28].
        layer: counted from 0.

    Returns:
        float32 [size of the layer], in nats (the unit of logits).

    Raises:
        ValueError: the model has no such hidden layer, or there is no such digit.
    """
    hidden = len(model.experiment.architecture.hidden)
    if layer not in range(hidden):
        allowed = f"choose one from 0 to {hidden - 1}" if hidden else "this model has none"
        raise ValueError(f"There is no hidden layer {layer}: {allowed}.")
    if digit not in range(CLASSES):
        raise ValueError(f"There is no digit {digit}: choose one from 0 to {CLASSES - 1}.")
    all_layers = layers(model.network)
    up_to, behind = nn.Sequential(*all_layers[: layer + 1]), nn.Sequential(*all_layers[layer + 1 :])
    with torch.enable_grad():
        activations = up_to(model.inputs(image.unsqueeze(0)).flatten(1)).detach().requires_grad_()
        slope = _gradient(behind(activations)[0, digit], activations)
    found: npt.NDArray[np.float32] = (activations.detach() * slope)[0].cpu().numpy()
    return found


@dataclass(frozen=True, eq=False)
class LinearMap:
    """What a neuron's sum is near one image: Σ weights · pixels + bias, the pixels as the model takes them.

    Attributes:
        weights: float32 [28, 28].
        bias: what is left for the biases on the way.
    """

    weights: npt.NDArray[np.float32]
    bias: float


def linear_map(model: Model, image: Tensor, neuron: Neuron) -> LinearMap | None:
    """The linear map that a network, in evaluation mode, applies to `image`, uint8 [28, 28], up to a neuron's sum.

    A ReLU either passes its input on or gives 0, and a LeakyReLU multiplies it by one of two numbers. The image decides
    which, so that near it all layers together are exactly one linear map. In the first layer
    it is the neuron's own weights, for every image and behind no activation.

    Returns:
        None where there is no such map: behind an activation that is not made of straight lines.

    Raises:
        ValueError: the model has no such neuron.
    """
    check_neuron(model, neuron)
    if neuron.layer > 0 and model.experiment.architecture.activation not in PIECEWISE_LINEAR:
        return None
    *before, own = layers(model.network)[: neuron.layer + 1]
    with torch.enable_grad():
        pixels = model.inputs(image.unsqueeze(0)).requires_grad_()
        total = own[0](nn.Sequential(*before)(pixels.flatten(1)))[0, neuron.index]
        weights = _gradient(total, pixels)
    bias = total.detach().double() - (weights.double() * pixels.detach().double()).sum()
    return LinearMap(weights[0].cpu().numpy(), bias.item())


def _gradient(value: Tensor, by: Tensor) -> Tensor:
    """The gradient of one number; unlike `backward` it leaves every parameter's `.grad` alone."""
    (gradient,) = torch.autograd.grad(value, by)
    return gradient
