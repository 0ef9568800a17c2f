"""Networks to practise on: they begin as training does, answer like the original, and are nobody else's."""

from collections.abc import Callable

import pytest
import torch

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment, InvalidExperiment
from mlpcore.inspection.workbench import (
    batch_loss,
    copy_of,
    gradients_by_layer,
    parameters_by_layer,
    untrained,
    with_dropout,
)
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def batch(mnist: Dataset) -> Images:
    return Images(mnist.train.images[:64], mnist.train.labels[:64])


def test_an_untrained_model_is_the_one_that_training_begins_with(
    small: Callable[..., Experiment], mnist: Dataset
) -> None:
    experiment = small(seed=5, batch_norm=True)
    model = untrained(experiment)
    theirs = Trainer(experiment, mnist).model.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in model.network.state_dict().items())
    assert not model.network.training
    other = untrained(small(seed=6, batch_norm=True)).network.state_dict()
    assert any(not torch.equal(tensor, theirs[name]) for name, tensor in other.items())


@pytest.mark.parametrize("batch_norm", [False, True])
def test_copies_answer_like_the_original_and_share_nothing_with_it(
    small: Callable[..., Experiment],
    train: Callable[..., tuple[Trainer, Result]],
    mnist: Dataset,
    batch_norm: bool,
) -> None:
    trainer, _ = train(small(hidden=(16, 8), batch_norm=batch_norm))
    model = Classifier(trainer.experiment, trainer.model.eval())
    images = mnist.test.images[:100]
    answers = model.logits(images)
    dropped = with_dropout(model, 0.5)
    assert dropped.experiment == model.experiment.changed(dropout=0.5)
    for copied in (copy_of(model, torch.Generator()), dropped):
        assert not copied.network.training
        assert torch.equal(copied.logits(images), answers)
        with torch.no_grad():
            for tensor in copied.network.state_dict().values():
                tensor.zero_()
        assert torch.equal(model.logits(images), answers)


def test_dropout_put_into_a_model_drops_in_training_mode(small: Callable[..., Experiment], mnist: Dataset) -> None:
    model = with_dropout(untrained(small(hidden=(16, 8))), 0.5)
    model.network.train()
    images = mnist.test.images[:20]
    assert not torch.equal(model.logits(images), model.logits(images))
    with pytest.raises(InvalidExperiment, match=r"Dropout 0\.99 is not possible"):
        with_dropout(model, 0.99)
    with pytest.raises(InvalidExperiment, match="this model has none"):
        with_dropout(untrained(small(hidden=())), 0.5)


def test_parameters_and_gradients_are_those_of_the_layers(small: Callable[..., Experiment], batch: Images) -> None:
    model = untrained(small(hidden=(16,), batch_norm=True))
    sizes = [784 * 16 + 16 + 2 * 16, 16 * 10 + 10]
    assert [len(numbers) for numbers in parameters_by_layer(model)] == sizes
    assert [len(numbers) for numbers in gradients_by_layer(model)] == [0, 0]
    _, loss = batch_loss(model, batch)
    loss.backward()
    gradients = gradients_by_layer(model)
    assert [len(numbers) for numbers in gradients] == sizes
    kept = parameters_by_layer(model)
    with torch.no_grad():
        for parameter in model.network.parameters():
            assert parameter.grad is not None
            parameter.sub_(parameter.grad)
    for new, old, gradient in zip(parameters_by_layer(model), kept, gradients, strict=True):
        assert torch.allclose(new, old - gradient)


@pytest.mark.parametrize(("batch_norm", "size"), [(False, 0), (True, 0), (True, 1)])
def test_a_batch_too_small_is_refused(
    small: Callable[..., Experiment], batch: Images, batch_norm: bool, size: int
) -> None:
    model = untrained(small(batch_norm=batch_norm))
    said = f"A batch of {size} is not possible: this model needs at least {1 + batch_norm} in a batch"
    with pytest.raises(ValueError, match=said):
        batch_loss(model, Images(batch.images[:size], batch.labels[:size]))
