"""What training keeps in memory, counted and compared with what the layers' sizes say."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mlpcore.experiment import Experiment
from mlpcore.inspection.memory import bytes_for_backward, bytes_of_training
from mlpcore.inspection.workbench import untrained
from mlpcore.network import MLP, model_bytes
from mlpcore.training import make_optimizer

FLOAT, PIXELS, IMAGES = 4, 28 * 28, 16


def network(*hidden: int, **fields: object) -> MLP:
    return untrained(Experiment().changed(hidden=hidden, **fields)).network.train()


def images(count: int = IMAGES) -> torch.Tensor:
    return torch.rand(count, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("hidden", [(), (32,), (64, 48), (16, 16, 16, 16)])
def test_for_backward_the_images_and_every_hidden_layers_outputs_are_kept(hidden: tuple[int, ...]) -> None:
    assert bytes_for_backward(network(*hidden), images()) == FLOAT * IMAGES * (PIXELS + sum(hidden))


def test_twice_the_images_keep_twice_the_bytes() -> None:
    model = network(32)
    assert bytes_for_backward(model, images(32)) == 2 * bytes_for_backward(model, images(16))


def test_without_gradient_nothing_is_kept() -> None:
    with torch.no_grad():
        assert bytes_for_backward(network(32), images()) == 0


def test_of_a_view_only_what_it_shows_counts() -> None:
    model = network(32)
    assert bytes_for_backward(model, images(100)[50:66]) == bytes_for_backward(model, images(16))


def test_dropout_keeps_its_masks_and_counting_changes_no_gradient() -> None:
    assert bytes_for_backward(network(32, dropout=0.5), images()) > bytes_for_backward(network(32), images())
    model, labels = network(32), torch.arange(IMAGES) % 10
    F.cross_entropy(model(images()), labels).backward()
    before = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    bytes_for_backward(model, images())
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        assert parameter.grad is not None and torch.equal(parameter.grad, gradient)


def test_frozen_layers_keep_less() -> None:
    model = network(32)
    model.linear_layers[0].requires_grad_(False)
    # What is in front of the layer that learns needs no backward pass.
    assert bytes_for_backward(model, images()) == FLOAT * IMAGES * 32


@pytest.mark.parametrize(("optimizer", "copies"), [("sgd", 0), ("momentum", 1), ("adam", 2)])
def test_training_keeps_gradients_like_the_parameters_and_what_the_optimizer_remembers(
    optimizer: str, copies: int
) -> None:
    experiment = Experiment().changed(hidden=(32, 16), optimizer=optimizer)
    model = untrained(experiment).network
    updates = make_optimizer(experiment, model, torch.device("cpu"))
    parameters = FLOAT * sum(inputs * outputs + outputs for inputs, outputs in pairwise((PIXELS, 32, 16, 10)))
    assert parameters == model_bytes(experiment.architecture)
    assert bytes_of_training(model, updates) == {"parameters": parameters, "gradients": 0, "optimizer": 0}
    F.cross_entropy(model(images()), torch.arange(IMAGES) % 10).backward()
    updates.step()
    kept = bytes_of_training(model, updates)
    assert kept["parameters"] == kept["gradients"] == parameters
    # Besides, Adam counts the steps, in one number for each of the six parameter tensors.
    counters = FLOAT * 6 if optimizer == "adam" else 0
    assert kept["optimizer"] == copies * parameters + counters


def test_parameters_that_are_shared_count_once() -> None:
    shared = nn.Linear(8, 8, bias=False)
    model = nn.Sequential(shared, shared)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert bytes_of_training(model, optimizer)["parameters"] == FLOAT * 64
