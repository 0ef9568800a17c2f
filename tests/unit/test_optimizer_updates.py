"""What optimizers do with one gradient: the formulas of their first update hold, and nothing carries over."""

import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment, InvalidExperiment, OptimizerName
from mlpcore.inspection.layers import Model
from mlpcore.inspection.optimizer_updates import Update, pytorch_rates, updates
from mlpcore.inspection.single_step import SingleStep, single_step
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier

NAMES: tuple[OptimizerName, ...] = get_args(OptimizerName)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def batch(mnist: Dataset) -> Images:
    return Images(mnist.train.images[:64], mnist.train.labels[:64])


@pytest.fixture
def model(small: Callable[..., Experiment]) -> Model:
    return untrained(small(hidden=(32, 16), weight_decay=0.1))


def at_one_rate(model: Model, batch: Images, rate: float) -> dict[OptimizerName, Update]:
    return {update.optimizer: update for update in updates(model, batch, dict.fromkeys(NAMES, rate))}


def test_each_update_is_the_step_that_a_training_with_that_optimizer_takes(model: Model, batch: Images) -> None:
    found = updates(model, batch, pytorch_rates())
    assert tuple(update.optimizer for update in found) == NAMES
    for update in found:
        step = single_step(with_optimizer(model, update.optimizer, update.learning_rate), batch)
        assert update.norms == pytest.approx([layer.change for layer in step.layers])


def with_optimizer(model: Model, optimizer: OptimizerName, rate: float) -> Classifier:
    experiment = model.experiment.changed(optimizer=optimizer, learning_rate=rate, weight_decay=0.0)
    return Classifier(experiment, model.network)


def test_sgd_goes_straight_down_the_slope_at_its_rate(model: Model, batch: Images) -> None:
    rate = 0.1
    found, step = at_one_rate(model, batch, rate), plain_step(model, batch)
    gradients = [layer.gradient for layer in step.layers]
    times_gradient: dict[OptimizerName, float] = {"sgd": 1.0, "momentum": 1.0, "nesterov": 1.9}
    for name, times in times_gradient.items():
        update = found[name]
        assert update.cosine == pytest.approx(1, abs=1e-5)
        assert update.norms == pytest.approx([times * rate * gradient for gradient in gradients], rel=1e-4)


def plain_step(model: Model, batch: Images) -> SingleStep:
    return single_step(with_optimizer(model, "sgd", 0.1), batch)


def test_adaptive_optimizers_move_every_parameter_about_alike(model: Model, batch: Images) -> None:
    rate = 0.01
    found = at_one_rate(model, batch, rate)
    # Adam and Adagrad divide the gradient by its own size, RMSprop by a tenth of that: √(1 − 0.99).
    most: dict[OptimizerName, float] = {"adam": rate, "adamw": rate, "adagrad": rate, "rmsprop": 10 * rate}
    for name, largest in most.items():
        update = found[name]
        assert update.largest == pytest.approx(largest, rel=1e-3)
        assert 0.2 < update.cosine < 0.95
    assert found["adamw"].norms == pytest.approx(found["adam"].norms)
    assert found["adagrad"].norms == pytest.approx(found["adam"].norms, rel=0.05)


def test_the_order_of_the_optimizers_plays_no_part(model: Model, batch: Images) -> None:
    rates = pytorch_rates()
    backwards = updates(model, batch, {name: rates[name] for name in reversed(NAMES)})
    assert updates(model, batch, rates) == backwards[::-1]
    assert updates(model, batch, {"sgd": 0.5})[0].learning_rate == 0.5


def test_the_rates_are_those_with_which_pytorch_comes() -> None:
    rates = pytorch_rates()
    assert tuple(rates) == NAMES
    parameters = [torch.zeros(1, requires_grad=True)]
    assert rates["adam"] == torch.optim.Adam(parameters).param_groups[0]["lr"]
    assert rates["nesterov"] == torch.optim.SGD(parameters).param_groups[0]["lr"]
    assert rates["rmsprop"] == torch.optim.RMSprop(parameters).param_groups[0]["lr"]


def test_without_a_gradient_there_is_no_angle(small: Callable[..., Experiment], batch: Images) -> None:
    # Logits so far apart that the loss is exactly 0.
    certain = untrained(small(hidden=()))
    with torch.no_grad():
        certain.network.linear_layers[-1].bias[5] = 1e6
    fives = Images(batch.images, torch.full_like(batch.labels, 5))
    (update,) = updates(certain, fives, {"sgd": 0.1})
    assert set(update.norms) == {0}
    assert math.isnan(update.cosine)


def test_a_rate_that_is_not_possible_is_refused(model: Model, batch: Images) -> None:
    with pytest.raises(InvalidExperiment, match=r"Learning rate -1\.0 is not possible"):
        updates(model, batch, {"adam": -1.0})
