"""A network taken apart gives the same answers as in one piece, and neurons that do not exist are refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from mlpcore.experiment import Experiment
from mlpcore.inspection.layers import Neuron, check_neuron, layers
from mlpcore.inspection.workbench import untrained


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"hidden": ()}, [[nn.Linear]]),
        ({"hidden": (8, 4)}, [[nn.Linear, nn.ReLU]] * 2 + [[nn.Linear]]),
        (
            {"hidden": (8,), "batch_norm": True, "activation": "gelu"},
            [[nn.Linear, nn.BatchNorm1d, nn.GELU], [nn.Linear]],
        ),
    ],
)
def test_a_network_is_its_layers_in_turn(
    small: Callable[..., Experiment], fields: dict[str, Any], kinds: list[list[type]]
) -> None:
    network = untrained(small(**fields)).network
    found = layers(network)
    assert [[type(module) for module in layer] for layer in found] == kinds
    images = torch.rand(5, 28, 28, generator=torch.Generator().manual_seed(1))
    assert torch.equal(nn.Sequential(*found)(images.flatten(1)), network(images))
    assert [layer[0] for layer in found] == network.linear_layers


def test_neurons_that_a_model_does_not_have_are_refused_in_a_sentence(small: Callable[..., Experiment]) -> None:
    model = untrained(small(hidden=(8, 4)))
    for there in (Neuron(0, 7), Neuron(1, 3), Neuron(2, 9)):
        check_neuron(model, there)
    for layer in (-1, 3):
        with pytest.raises(ValueError, match=rf"There is no layer {layer}: choose one from 0 to 2, the output layer\."):
            check_neuron(model, Neuron(layer, 0))
    for index in (-1, 4):
        with pytest.raises(ValueError, match=rf"There is no neuron {index} in layer 1: choose one from 0 to 3\."):
            check_neuron(model, Neuron(1, index))
