"""What neurons contribute and look for: checked against the network itself, changed a little."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.ablation import logits_without
from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.influence import contributions, linear_map, strongest
from mlpcore.inspection.layers import Model, Neuron
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")

Make = Callable[..., Model]


@pytest.fixture
def make(small: Callable[..., Experiment], train: Callable[..., tuple[Trainer, Result]]) -> Make:
    def model(**fields: object) -> Model:
        trainer, _ = train(small(**fields))
        return Classifier(trainer.experiment, trainer.model.eval())

    return model


@pytest.fixture
def image(mnist: Dataset) -> Tensor:
    return mnist.test.images[0]


# Pushes


@pytest.mark.parametrize("activation", ["relu", "gelu", "sigmoid"])
def test_in_the_last_hidden_layer_a_push_is_what_switching_the_neuron_off_takes_away(
    make: Make, image: Tensor, activation: str
) -> None:
    model = make(hidden=(20, 12), activation=activation, batch_norm=True)
    whole = model.logits(image.unsqueeze(0))[0]
    for digit in (7, 2):
        found = contributions(model, image, 1, digit)
        assert found.shape == (12,)
        for index, push in enumerate(found):
            without = logits_without(model, image.unsqueeze(0), {Neuron(1, index)})[0]
            assert push == pytest.approx((whole[digit] - without[digit]).item(), abs=1e-4)
        bias = model.network.linear_layers[-1].bias[digit].item()
        assert found.sum() + bias == pytest.approx(whole[digit].item(), abs=1e-4)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_in_an_earlier_layer_all_pushes_and_the_later_biases_make_the_logit(
    make: Make, image: Tensor, activation: str
) -> None:
    model = make(hidden=(20, 12), activation=activation)
    passed = forward_pass(model, image)
    slope = np.where(passed.hidden[1].sums > 0, 1.0, 0.0 if activation == "relu" else 0.01)
    _, second, output = model.network.linear_layers
    for digit in range(10):
        from_biases = output.weight[digit].detach().numpy() @ (slope * second.bias.detach().numpy())
        total = contributions(model, image, 0, digit).sum() + from_biases + output.bias[digit].item()
        assert total == pytest.approx(passed.logits[digit], abs=1e-4)


def test_with_a_curved_activation_a_push_is_the_slope(make: Make, image: Tensor) -> None:
    model = make(hidden=(12, 8), activation="tanh")
    activations = forward_pass(model, image).hidden[0].activations
    _, second, output = (
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy())
        for layer in model.network.linear_layers
    )

    def logit(of_first: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        return float((output[0] @ np.tanh(second[0] @ of_first + second[1]) + output[1])[7])

    found = contributions(model, image, 0, 7)
    for index in range(12):
        up, down = activations.astype(np.float64), activations.astype(np.float64)
        up[index] += 1e-4
        down[index] -= 1e-4
        assert found[index] == pytest.approx(activations[index] * (logit(up) - logit(down)) / 2e-4, abs=1e-4)


def test_the_strongest_neurons_come_first_whichever_sign_they_have() -> None:
    activations = np.array([0.5, -3, 0, 2, -0.5], np.float32)
    assert strongest(activations, 3).tolist() == [1, 3, 0]
    assert strongest(activations, 99).tolist() == [1, 3, 0, 4, 2]


def test_what_cannot_be_pushed_is_refused(small: Callable[..., Experiment], image: Tensor) -> None:
    model = untrained(small(hidden=(8, 4)))
    for layer in (-1, 2):
        with pytest.raises(ValueError, match=f"There is no hidden layer {layer}: choose one from 0 to 1"):
            contributions(model, image, layer, 7)
    with pytest.raises(ValueError, match="There is no digit 10"):
        contributions(model, image, 0, 10)
    with pytest.raises(ValueError, match="this model has none"):
        contributions(untrained(small(hidden=())), image, 0, 7)


# The linear map of a deeper neuron


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden": (20, 12)},
        {"hidden": (20, 12), "activation": "leaky_relu", "normalize": True},
        {"hidden": (20, 12), "batch_norm": True, "dropout": 0.5, "normalize": True},
    ],
)
@pytest.mark.parametrize("neuron", [Neuron(0, 3), Neuron(1, 0), Neuron(1, 7), Neuron(2, 4)])
def test_the_linear_map_gives_the_sum_of_this_image_and_of_images_close_to_it(
    make: Make, image: Tensor, fields: dict[str, Any], neuron: Neuron
) -> None:
    model = make(**fields)
    found = linear_map(model, image, neuron)
    assert found is not None
    assert found.weights.shape == (28, 28)
    # An image of uint8 cannot move by less than a step, which may bend a ReLU: so the network is asked directly.
    network, pixels = model.network.double(), model.inputs(image.unsqueeze(0)).double()
    direction = torch.rand(1, 28, 28, generator=torch.Generator().manual_seed(0)).double() - 0.5
    for moved in (0.0, 1e-4, -1e-4):
        x = pixels + moved * direction
        total = sum_of(network, x, neuron)
        assert (found.weights * x[0].numpy()).sum() + found.bias == pytest.approx(total, abs=2e-5)
    far = 255 - image
    x = model.inputs(far.unsqueeze(0)).double()
    if neuron.layer == 0:
        assert (found.weights * x[0].numpy()).sum() + found.bias == pytest.approx(sum_of(network, x, neuron), abs=1e-4)
    else:
        assert (found.weights * x[0].numpy()).sum() + found.bias != pytest.approx(sum_of(network, x, neuron), abs=1e-2)


def sum_of(network: torch.nn.Module, pixels: Tensor, neuron: Neuron) -> float:
    sums: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _module, _inputs, output: sums.append(output))
        for layer in network.modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    network(pixels)
    for hook in hooks:
        hook.remove()
    return sums[neuron.layer][0, neuron.index].item()


def test_the_linear_map_of_a_first_layer_neuron_is_its_own_weights(
    small: Callable[..., Experiment], image: Tensor
) -> None:
    model = untrained(small(hidden=(8,), activation="gelu"))
    found = linear_map(model, image, Neuron(0, 5))
    assert found is not None
    first = model.network.linear_layers[0]
    assert np.array_equal(found.weights.ravel(), first.weight[5].detach().numpy())
    assert found.bias == pytest.approx(first.bias[5].item(), abs=1e-6)


@pytest.mark.parametrize("activation", ["gelu", "silu", "tanh", "sigmoid"])
def test_behind_a_curved_activation_there_is_no_linear_map(
    small: Callable[..., Experiment], image: Tensor, activation: str
) -> None:
    model = untrained(small(hidden=(8, 4), activation=activation))
    assert linear_map(model, image, Neuron(1, 0)) is None
    with pytest.raises(ValueError, match="There is no neuron 4 in layer 1"):
        linear_map(model, image, Neuron(1, 4))
