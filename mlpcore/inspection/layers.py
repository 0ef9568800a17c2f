"""A model's layers and neurons, and how they are numbered."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from mlpcore.models import Classifier, TrainedModel
from mlpcore.network import MLP

Model = Classifier | TrainedModel


@dataclass(frozen=True, order=True)
class Neuron:
    """A neuron: the number of its layer among those with weights, and its own number within that layer.

    Both count from 0. The output layer is the last, and its neurons are the ten classes.
    """

    layer: int
    index: int


def layers(network: MLP) -> list[nn.Sequential]:
    """Each layer with weights, together with everything up to the next one; the output layer is last.

    They are the network's own modules, not copies; applied in turn, they turn float32 [N, 784] into its logits.
    """
    modules = list(network.layers)
    starts = [place for place, module in enumerate(modules) if isinstance(module, nn.Linear)]
    return [nn.Sequential(*modules[start:end]) for start, end in pairwise([*starts, len(modules)])]


def check_neuron(model: Model, neuron: Neuron) -> None:
    """Checks that the model has this neuron.

    Raises:
        ValueError: it does not; the message says which it has.
    """
    sizes = model.experiment.architecture.sizes[1:]
    if neuron.layer not in range(len(sizes)):
        raise ValueError(f"There is no layer {neuron.layer}: choose one from 0 to {len(sizes) - 1}, the output layer.")
    if neuron.index not in range(sizes[neuron.layer]):
        raise ValueError(
            f"There is no neuron {neuron.index} in layer {neuron.layer}: choose one from 0 to "
            f"{sizes[neuron.layer] - 1}."
        )
