"""The learning-rate range test: train briefly while the rate grows, and see where the loss falls fastest.

After L. N. Smith, "Cyclical learning rates for training neural networks" (2015), arXiv:1506.01186.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.training import Step, Trainer, TrainingDiverged

RATES = 150
"""Learning rates tried, each larger than the last by the same factor."""

LOWEST_RATE, HIGHEST_RATE = 1e-6, 10.0

IMAGES_PER_RATE = 64
"""Images that each rate is tried on at least: with smaller batches it takes several steps, since the loss of a few
images says little."""

MAX_BATCH = 1024
"""Largest batch of the test: 150 steps on the full training set would take minutes."""

GIVE_UP_FACTOR = 4.0
"""The test ends early when the smoothed loss is this many times its lowest so far: training has diverged."""

_SMOOTHING = 0.9
_SHARE_OF_FALL = 2 / 3


@dataclass(frozen=True)
class RateTest:
    """A test, finished or not.

    Attributes:
        rates: the learning rates tried so far, float64 [n], growing by a constant factor.
        losses: mean training loss at each of them, exponentially smoothed (0.9, bias corrected), float64 [n], in nats.
        progress: fraction of the test that is done, 0 to 1.
    """

    rates: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]
    progress: float

    @property
    def suggestion(self) -> float | None:
        """A rate to try: the lowest at which the loss has made two thirds of its fall; None where it hardly falls.

        At this rate the loss falls fast, and training is not yet unstable. fastai's `valley` looks for a point like
        this, too, half-way along the longest fall, but measures the way in steps. `benchmarks/rate_finder.py` compares
        this rule with fastai's and Lightning's.
        """
        if len(self.rates) < 10:
            return None
        start, lowest = self.losses[0], self.losses.min()
        if lowest > 0.9 * start:
            return None
        return float(self.rates[np.argmax(self.losses <= start - _SHARE_OF_FALL * (start - lowest))])


def steps_per_rate(experiment: Experiment) -> int:
    """Steps that the test takes at each rate: one, or with small batches as many as 64 images need."""
    return math.ceil(min(IMAGES_PER_RATE, experiment.data.train_images) / _batch_size(experiment))


def run_rate_test(experiment: Experiment, dataset: Dataset) -> Iterator[RateTest]:
    """Trains a new model of `experiment` at up to 150 learning rates that grow from 1e-6 to 10.

    The experiment's own rate, schedule, accumulation, early stopping and validation images play no part. Yields after
    every rate.

    Raises:
        InvalidExperiment: this machine lacks the device or the memory.
        OutOfMemory: there was not enough memory for a step.
    """
    steps = steps_per_rate(experiment)
    trainer = Trainer(_probe(experiment, RATES * steps), dataset)
    rates = np.geomspace(LOWEST_RATE, HIGHEST_RATE, RATES)
    losses: list[float] = []
    average = 0.0
    for done, rate in enumerate(rates, start=1):
        trainer.optimizer.param_groups[0]["lr"] = float(rate)
        try:
            for _ in range(steps):
                _take_step(trainer)
            trainer.read_losses()
        except TrainingDiverged:
            break
        loss = float(trainer.history.losses[-steps:].mean(dtype=np.float64))
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        losses.append(average / (1 - _SMOOTHING**done))
        yield RateTest(rates[:done], np.array(losses), done / RATES)
        if losses[-1] > GIVE_UP_FACTOR * min(losses):
            break
    trainer.close()
    yield RateTest(rates[: len(losses)], np.array(losses), 1.0)


def _probe(experiment: Experiment, steps: int) -> Experiment:
    """The experiment that the test trains: at least so many steps, and nothing that would end it or slow it down."""
    probe = experiment.changed(
        batch_size=_batch_size(experiment),
        # The same training images, without the others being measured after every epoch.
        train_size=experiment.data.train_images,
        validation=0,
        early_stopping=0,
        schedule="constant",
        accumulate=1,
        epochs=1,
    )
    return probe.changed(epochs=math.ceil(steps / probe.steps_per_epoch))


def _batch_size(experiment: Experiment) -> int:
    if experiment.batch_images <= MAX_BATCH:
        return experiment.batch_images
    # Batch norm cannot learn from a last batch of one image.
    return MAX_BATCH - (experiment.data.train_images % MAX_BATCH == 1)


def _take_step(trainer: Trainer) -> None:
    while not isinstance(next(trainer), Step):
        pass
