"""The same image again and again: in train() the answers differ, in eval() they do not."""

from collections.abc import Callable

import numpy as np
import pytest

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.inspection.modes import in_both_modes
from mlpcore.inspection.workbench import untrained, with_dropout
from mlpcore.models import Classifier
from mlpcore.training import Result, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")

Train = Callable[..., tuple[Trainer, Result]]


@pytest.mark.parametrize(
    ("fields", "differ"),
    [({}, False), ({"dropout": 0.5}, True), ({"batch_norm": True}, True), ({"dropout": 0.5, "batch_norm": True}, True)],
)
def test_answers_differ_only_in_training_mode_and_only_with_dropout_or_batch_norm(
    small: Callable[..., Experiment], train: Train, mnist: Dataset, fields: dict[str, object], differ: bool
) -> None:
    trainer, _ = train(small(**fields))
    model = Classifier(trainer.experiment, trainer.model.eval())
    image = mnist.test.images[0]
    found = in_both_modes(model, image, mnist.train.images[:200], times=10, seed=1)
    assert found.training.shape == found.evaluation.shape == (10, 10)
    for rows in (found.training, found.evaluation):
        assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
    usual = model.probabilities(image.unsqueeze(0))[0].numpy()
    assert (found.evaluation == found.evaluation[0]).all()
    assert found.evaluation[0] == pytest.approx(usual, abs=1e-5)
    if differ:
        assert len(np.unique(found.training, axis=0)) == 10
        assert found.training.std(axis=0).max() > 0.005
    else:
        assert np.array_equal(found.training, found.evaluation)


def test_another_seed_draws_other_masks_and_the_same_one_the_same(
    small: Callable[..., Experiment], mnist: Dataset
) -> None:
    model = with_dropout(untrained(small()), 0.5)
    image, companions = mnist.test.images[0], mnist.train.images[:100]
    one, again, other = (in_both_modes(model, image, companions, 3, seed).training for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_without_companions_only_a_model_with_batch_norm_is_refused(
    small: Callable[..., Experiment], mnist: Dataset
) -> None:
    image, nobody = mnist.test.images[0], mnist.train.images[:0]
    assert in_both_modes(untrained(small(dropout=0.5)), image, nobody, 3, seed=0).training.shape == (3, 10)
    with pytest.raises(ValueError, match="A batch of 1 is not possible"):
        in_both_modes(untrained(small(batch_norm=True)), image, nobody, 3, seed=0)
