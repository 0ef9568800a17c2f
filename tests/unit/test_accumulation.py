"""Gradients add up: unwanted where zero_grad is forgotten, and wanted where two halves make a whole."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment
from mlpcore.inspection.accumulation import halves, training_loop
from mlpcore.inspection.single_step import single_step
from mlpcore.inspection.workbench import untrained
from mlpcore.training import Step, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def batches(mnist: Dataset) -> list[Images]:
    pairs = zip(mnist.train.images[:384].split(64), mnist.train.labels[:384].split(64), strict=True)
    return [Images(images, labels) for images, labels in pairs]


def test_with_zero_grad_it_is_the_training_loop(small: Callable[..., Experiment], mnist: Dataset) -> None:
    trainer = Trainer(small(order="stored", dropout=0.3), mnist)
    rows = trainer.train_rows.split(64)[:5]
    for _ in rows:
        assert isinstance(next(trainer), Step)
    batches = [Images(mnist.train.images[each], mnist.train.labels[each]) for each in rows]
    found = training_loop(untrained(trainer.experiment), batches, forget_zero_grad=False)
    assert np.array_equal(found.losses, trainer.history.losses)


def test_without_zero_grad_gradients_pile_up(small: Callable[..., Experiment], batches: list[Images]) -> None:
    # So small a learning rate that all gradients are those of one place.
    model = untrained(small(optimizer="sgd", learning_rate=1e-7))
    usual, forgotten = (training_loop(model, batches, forget) for forget in (False, True))
    assert usual.gradient_norms[0] == forgotten.gradient_norms[0]
    gradients = []
    for batch in batches:
        own = untrained(model.experiment)
        torch.nn.CrossEntropyLoss()(own.network(own.inputs(batch.images)), batch.labels).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in own.network.parameters() if p.grad is not None]))
    assert usual.gradient_norms == pytest.approx([g.norm().item() for g in gradients], rel=1e-3)
    sums = torch.stack(gradients).cumsum(dim=0)
    assert forgotten.gradient_norms == pytest.approx([g.norm().item() for g in sums], rel=1e-3)
    assert (np.diff(forgotten.gradient_norms) > 0).all()


def test_forgetting_begins_with_the_second_batch(small: Callable[..., Experiment], batches: list[Images]) -> None:
    model = untrained(small())
    found = training_loop(model, batches[:2], forget_zero_grad=True)
    second = single_step(model, batches[1], former=batches[0], forget_zero_grad=True)
    assert found.losses[1] == np.float32(second.loss)
    assert found.gradient_norms[1] == pytest.approx(math.hypot(*(layer.gradient for layer in second.layers)), rel=1e-5)


def test_two_half_batches_give_the_whole_batchs_gradient(
    small: Callable[..., Experiment], batches: list[Images]
) -> None:
    for batch in batches:
        found = halves(untrained(small(hidden=(64, 32))), batch)
        assert found.difference < 1e-5
        assert found.added == pytest.approx(found.whole, rel=1e-5)
        assert found.whole > 0.1


@pytest.mark.parametrize("fields", [{"batch_norm": True}, {"dropout": 0.5}])
def test_not_with_batch_norm_nor_with_dropout(
    small: Callable[..., Experiment], batches: list[Images], fields: dict[str, object]
) -> None:
    for batch in batches:
        assert halves(untrained(small(hidden=(64, 32), **fields)), batch).difference > 0.05


def test_a_batch_that_makes_no_two_halves_is_refused(small: Callable[..., Experiment], batches: list[Images]) -> None:
    def first(count: int) -> Images:
        return Images(batches[0].images[:count], batches[0].labels[:count])

    with pytest.raises(ValueError, match="63 images cannot be split into two equal halves"):
        halves(untrained(small()), first(63))
    with pytest.raises(ValueError, match="A batch of 0 is not possible"):
        halves(untrained(small()), first(0))
    with pytest.raises(ValueError, match="A batch of 1 is not possible"):
        halves(untrained(small(batch_norm=True)), first(2))
    assert halves(untrained(small()), first(2)).difference < 1e-5
