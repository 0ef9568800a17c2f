"""A copy of a model that learns from somebody's own drawings."""

from collections.abc import Callable

import pytest
import torch

from mlpcore.collection import Collection
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.fine_tuning import STEPS, FineTuned, fine_tune, may_fine_tune
from mlpcore.models import Score, TrainedModel
from mlpcore.training import Result, Trainer


@pytest.fixture
def model(small: Callable[..., Experiment], train: Callable[..., tuple[Trainer, Result]]) -> TrainedModel:
    trainer, result = train(small(hidden=(64,), train_size=5000, epochs=3, normalize=True, dropout=0.1))
    return TrainedModel("Original", trainer.experiment, trainer.model.eval(), Score.of(result.test))


@pytest.fixture
def mirrored(mnist: Dataset) -> Collection:
    """Somebody who writes every 2, 3 and 7 the wrong way round."""
    collection = Collection()
    wanted = [row for row in range(400) if int(mnist.test.labels[row]) in (2, 3, 7)]
    for row in wanted[:60]:
        collection.keep(mnist.test.images[row].flip(1), [], int(mnist.test.labels[row]))
    return collection


def test_the_copy_learns_a_hand_that_the_original_cannot_read(
    model: TrainedModel, mirrored: Collection, mnist: Dataset
) -> None:
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    *progress, outcome = fine_tune(model, mirrored.digits, mnist, "Copy")
    assert isinstance(outcome, FineTuned)
    assert progress[-1] == 1.0
    assert len(progress) == STEPS
    assert outcome.held_out == 20
    assert outcome.right_after >= outcome.right_before + 8
    assert outcome.model.test.accuracy > model.test.accuracy - 0.05, "what it knew is not forgotten"
    assert outcome.model.title == "Copy"
    assert not outcome.model.network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())


def test_what_is_said_of_the_held_out_is_what_the_models_say(
    model: TrainedModel, mirrored: Collection, mnist: Dataset
) -> None:
    *_, outcome = fine_tune(model, mirrored.digits, mnist, "Copy")
    assert isinstance(outcome, FineTuned)
    held_out = [digit for digit in mirrored.digits if digit.held_out]
    images, labels = torch.stack([d.image for d in held_out]), torch.tensor([d.label for d in held_out])
    for each, right in [(model, outcome.right_before), (outcome.model, outcome.right_after)]:
        assert int((each.logits(images).argmax(1) == labels).sum()) == right
    test = outcome.model.logits(mnist.test.images).argmax(1) == mnist.test.labels
    assert test.float().mean().item() == pytest.approx(outcome.model.test.accuracy)


def test_held_out_drawings_play_no_part_in_the_learning(
    model: TrainedModel, mirrored: Collection, mnist: Dataset
) -> None:
    other = Collection()
    for digit in mirrored.digits:
        # Blank but for one pixel, since an image that is there already would not be kept anew.
        blank = torch.zeros_like(digit.image)
        blank.view(-1)[digit.number] = 255
        other.keep(blank if digit.held_out else digit.image, [], digit.label)
    outcomes = [list(fine_tune(model, each.digits, mnist, "Copy"))[-1] for each in (mirrored, other)]
    first, second = (outcome.model.network.state_dict() for outcome in outcomes if isinstance(outcome, FineTuned))
    assert all(map(torch.equal, first.values(), second.values()))


def test_it_takes_something_to_learn_from_and_something_held_out(mnist: Dataset) -> None:
    collection = Collection()
    possible = [may_fine_tune(collection.digits)]
    for row in range(3):
        collection.keep(mnist.test.images[row], [], 7)
        possible.append(may_fine_tune(collection.digits))
    assert possible == [False, False, False, True]
    for digit in collection.digits[:2]:
        collection.delete(digit)
    assert not may_fine_tune(collection.digits)
