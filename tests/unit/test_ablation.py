"""Neurons switched off: the same as a network whose outgoing weights of these neurons are 0."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset
from mlpcore.evaluation import evaluate
from mlpcore.experiment import Experiment
from mlpcore.inspection.ablation import evaluation_without, logits_without
from mlpcore.inspection.layers import Model, Neuron
from mlpcore.inspection.workbench import copy_of, untrained
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

OFF = {Neuron(0, 3), Neuron(0, 4), Neuron(1, 0)}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def model(small: Callable[..., Experiment], train: Callable[..., tuple[Trainer, Result]]) -> Model:
    # A sigmoid is never 0 of itself, so a neuron that is not switched off shows.
    trainer, _ = train(small(hidden=(16, 8), activation="sigmoid", batch_norm=True, normalize=True))
    return Classifier(trainer.experiment, trainer.model.eval())


def test_a_neuron_switched_off_is_one_whose_outgoing_weights_are_0(model: Model, mnist: Dataset) -> None:
    images, labels = mnist.test.images[:1500], mnist.test.labels[:1500]
    mutilated = copy_of(model, torch.Generator())
    with torch.no_grad():
        for neuron in OFF:
            mutilated.network.linear_layers[neuron.layer + 1].weight[:, neuron.index] = 0
    assert torch.allclose(logits_without(model, images, OFF), mutilated.logits(images), atol=1e-5)
    assert not torch.allclose(logits_without(model, images, OFF), model.logits(images), atol=0.01)

    found = evaluation_without(model, images, labels, OFF)
    expected = evaluate(mutilated.network, images, labels, (mnist.mean, mnist.std))
    assert found.accuracy == pytest.approx(expected.accuracy, abs=1 / 1500)
    assert found.loss == pytest.approx(expected.loss, abs=1e-4)


def test_with_nothing_switched_off_the_answers_are_the_models_own(model: Model, mnist: Dataset) -> None:
    images, labels = mnist.test.images[:1500], mnist.test.labels[:1500]
    found, expected = evaluation_without(model, images, labels, set()), evaluate(
        model.network, images, labels, (mnist.mean, mnist.std)
    )  # fmt: skip
    assert found.loss == expected.loss
    assert np.array_equal(found.predictions, expected.predictions)


def test_without_a_whole_layer_every_image_gets_the_same_answer(model: Model, mnist: Dataset) -> None:
    logits = logits_without(model, mnist.test.images[:50], {Neuron(0, index) for index in range(16)})
    assert torch.equal(logits, logits[:1].expand(50, 10))


def test_only_hidden_neurons_that_there_are_can_be_switched_off(
    model: Model, small: Callable[..., Experiment], mnist: Dataset
) -> None:
    images = mnist.test.images[:2]
    with pytest.raises(ValueError, match="Neuron 3 of layer 2 is an output: only hidden neurons can be switched off"):
        logits_without(model, images, {Neuron(2, 3)})
    with pytest.raises(ValueError, match="There is no neuron 16 in layer 0"):
        logits_without(model, images, {Neuron(0, 16)})
    with pytest.raises(ValueError, match="is an output"):
        logits_without(untrained(small(hidden=())), images, {Neuron(0, 0)})
