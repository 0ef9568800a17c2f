"""A neuron's sum, taken apart: the terms are weight times input, the largest come first, and together they are it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.forward_pass import forward_pass
from mlpcore.inspection.layers import Model, Neuron
from mlpcore.inspection.weighted_sum import weighted_sum
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

NEURONS = [Neuron(0, 0), Neuron(0, 15), Neuron(1, 3), Neuron(2, 9)]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(params=[False, True], ids=["plain", "normalised"])
def model(
    small: Callable[..., Experiment], train: Callable[..., tuple[Trainer, Result]], request: pytest.FixtureRequest
) -> Model:
    trainer, _ = train(small(hidden=(16, 8), batch_norm=request.param, normalize=request.param))
    return Classifier(trainer.experiment, trainer.model.eval())


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("count", [0, 5, 10_000])
def test_terms_rest_and_bias_add_up_to_the_sum(model: Model, mnist: Dataset, neuron: Neuron, count: int) -> None:
    image = mnist.test.images[1]
    found = weighted_sum(model, image, neuron, count)
    assert found.terms.sum() + found.rest + found.bias == pytest.approx(found.total, abs=1e-4)
    assert found.total == forward_pass(model, image).sums_of(neuron.layer)[neuron.index]
    assert found.bias == model.network.linear_layers[neuron.layer].bias[neuron.index].item()
    if count == 10_000:
        assert found.rest == 0


@pytest.mark.parametrize("neuron", NEURONS)
def test_the_largest_terms_come_first_and_are_weight_times_input(model: Model, mnist: Dataset, neuron: Neuron) -> None:
    image = mnist.test.images[1]
    found = weighted_sum(model, image, neuron, 4)
    weights = model.network.linear_layers[neuron.layer].weight[neuron.index].detach().numpy()
    inputs = forward_pass(model, image).inputs_of(neuron.layer)
    sizes = np.sort(np.abs(weights.astype(np.float64) * inputs))[::-1]
    assert np.abs(found.terms) == pytest.approx(sizes[sizes > 0][:4])
    assert np.array_equal(found.weights, weights[found.sources])
    assert np.array_equal(found.inputs, inputs[found.sources])
    assert found.terms == pytest.approx(found.weights.astype(np.float64) * found.inputs)


def test_what_adds_nothing_is_not_named(small: Callable[..., Experiment]) -> None:
    image = torch.zeros(28, 28, dtype=torch.uint8)
    image[5, 6], image[7, 8] = 255, 100
    found = weighted_sum(untrained(small()), image, Neuron(0, 0), 10)
    assert sorted(found.sources.tolist()) == [5 * 28 + 6, 7 * 28 + 8]
    assert sorted(found.inputs.tolist()) == pytest.approx([100 / 255, 1])


def test_a_neuron_that_is_not_there_is_refused(model: Model, mnist: Dataset) -> None:
    with pytest.raises(ValueError, match="There is no neuron 16 in layer 0"):
        weighted_sum(model, mnist.test.images[0], Neuron(0, 16), 5)
