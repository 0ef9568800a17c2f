"""The learning-rate test on real experiments: it always ends, whatever the experiment asks for."""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.rate_finder import HIGHEST_RATE, LOWEST_RATE, RATES, RateTest, run_rate_test, steps_per_rate
from mlpcore.training import Trainer

Small = Callable[..., Experiment]

pytestmark = pytest.mark.usefixtures("one_thread")


def finished(experiment: Experiment, dataset: Dataset) -> RateTest:
    *_, test = run_rate_test(experiment, dataset)
    assert test.progress == 1
    assert len(test.rates) == len(test.losses) > 100
    assert np.isfinite(test.losses).all()
    return test


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"validation": 5000, "early_stopping": 1, "batch_size": 64},
        {"batch_size": "full"},
        {"batch_size": 1, "hidden": (8,)},
        {"batch_size": 16, "accumulate": 40, "schedule": "one-cycle"},
        {"batch_size": "full", "train_size": 1025, "batch_norm": True},
        {"optimizer": "sgd", "dropout": 0.2, "augment": "affine", "label_noise": 0.1},
    ],
    ids=str,
)
def test_it_ends_with_a_suggestion_that_learns(fields: dict[str, object], small: Small, mnist: Dataset) -> None:
    experiment = small(**fields)
    test = finished(experiment, mnist)
    assert test.rates[0] == LOWEST_RATE and test.rates[-1] <= HIGHEST_RATE * (1 + 1e-9)
    assert test.suggestion is not None
    assert test.losses.min() < 0.9 * test.losses[0]
    assert LOWEST_RATE < test.suggestion < test.rates[test.losses.argmin()]


def test_one_training_image_is_enough(small: Small, mnist: Dataset) -> None:
    finished(small(train_size=1, batch_size=1, validation=0), mnist)


def test_each_rate_is_tried_on_at_least_64_images_where_there_are_as_many(small: Small) -> None:
    assert [steps_per_rate(small(batch_size=size)) for size in (1, 3, 32, 64, 65, 640)] == [64, 22, 2, 1, 1, 1]
    assert steps_per_rate(small(batch_size="full", train_size=60_000, validation=0)) == 1
    assert steps_per_rate(small(batch_size=1, train_size=5)) == 5


def test_single_images_make_a_curve_as_smooth_as_batches(small: Small, mnist: Dataset) -> None:
    def roughness(batch_size: int) -> float:
        tests = run_rate_test(small(batch_size=batch_size, optimizer="sgd"), mnist)
        *_, test = islice(tests, 50)
        # Before the rate is large enough to learn anything, all that moves the loss is the choice of images.
        return float(np.abs(np.diff(test.losses[20:])).mean())

    assert roughness(1) < 2 * roughness(64)


def test_what_plays_no_part_changes_no_loss(small: Small, mnist: Dataset) -> None:
    plain = finished(small(validation=0), mnist)
    others = finished(
        small(validation=500, early_stopping=1, schedule="cosine", accumulate=2, epochs=9, learning_rate=7.0), mnist
    )
    assert np.array_equal(plain.losses, others.losses)


def test_progress_grows_rate_by_rate(small: Small, mnist: Dataset) -> None:
    seen = list(run_rate_test(small(), mnist))
    assert [len(test.rates) for test in seen[:3]] == [1, 2, 3]
    assert [test.progress for test in seen[:3]] == [1 / RATES, 2 / RATES, 3 / RATES]


def test_a_loss_that_hardly_falls_gives_no_suggestion() -> None:
    rates = np.geomspace(1e-6, 10, 50)
    assert RateTest(rates, np.full(50, 2.3), 1.0).suggestion is None
    assert RateTest(rates[:5], np.linspace(2.3, 0.1, 5), 0.1).suggestion is None


def test_the_suggestion_is_two_thirds_down_the_curve() -> None:
    rates = np.geomspace(1e-6, 10, 31)
    # Flat, then down from 3 to 0 within ten rates, then up again, with a steep and late fall that is noise.
    losses = np.concatenate([np.full(10, 3.0), np.linspace(3, 0, 11), [0.5, 4, 1, 4, 6, 8, 9, 10, 11, 12]])
    assert RateTest(rates, losses, 1.0).suggestion == pytest.approx(rates[17])


def test_the_model_under_test_is_the_experiments_own(small: Small, mnist: Dataset) -> None:
    # At the lowest rates nothing is learned yet, so the first loss is that of the experiment's first batch.
    experiment = small(validation=300)
    trainer = Trainer(experiment, mnist)
    next(trainer)
    first = next(run_rate_test(experiment, mnist))
    assert first.losses[0] == pytest.approx(float(trainer.history.losses[0]), rel=1e-6)
