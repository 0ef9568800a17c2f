"""The learning-rate range test: train briefly with a growing rate and watch where the loss falls fastest.

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

STEPS = 150
LOWEST_RATE, HIGHEST_RATE = 1e-6, 10.0

MAX_BATCH = 1024
"""Images in a batch of the test at most: 150 steps of the full batch would take minutes."""

GIVE_UP_FACTOR = 4.0
"""The test ends early when the smoothed loss is this many times its lowest so far: beyond lies only divergence."""

_SMOOTHING = 0.9


@dataclass(frozen=True)
class RateTest:
    """How far a test has come.

    Attributes:
        rates: learning rate of every step so far, float64 [n], growing by a constant factor.
        losses: training loss at these rates, exponentially smoothed (0.9, bias corrected), float64 [n], in nats.
        progress: share of the test that is done, 0 to 1.
    """

    rates: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]
    progress: float

    @property
    def suggestion(self) -> float | None:
        """A rate to try: where the loss falls fastest, but at most a tenth of the rate at which it is lowest.

        Both are rules of thumb for reading the curve; None where the loss hardly falls.
        """
        if len(self.rates) < 10 or self.losses.min() > 0.9 * self.losses[0]:
            return None
        steepest = self.rates[np.gradient(self.losses, np.log(self.rates)).argmin()]
        return float(min(steepest, self.rates[self.losses.argmin()] / 10))


def run_rate_test(experiment: Experiment, dataset: Dataset) -> Iterator[RateTest]:
    """Trains a fresh model of `experiment` for up to 150 steps while its learning rate grows from 1e-6 to 10.

    The experiment's own rate, schedule and accumulation play no part. Yields after every step.

    Raises:
        InvalidExperiment: this machine lacks the device or the memory.
        OutOfMemory: there was not enough for a step after all.
    """
    batch = experiment.batch_images
    if batch > MAX_BATCH:
        # Batch norm cannot learn from a last batch of one image.
        batch = MAX_BATCH - (experiment.data.train_images % MAX_BATCH == 1)
    probe = experiment.changed(batch_size=batch, schedule="constant", accumulate=1, epochs=1)
    trainer = Trainer(probe.changed(epochs=math.ceil(STEPS / probe.steps_per_epoch)), dataset)
    rates = np.geomspace(LOWEST_RATE, HIGHEST_RATE, STEPS)
    losses: list[float] = []
    average = 0.0
    for done, rate in enumerate(rates, start=1):
        trainer.optimizer.param_groups[0]["lr"] = float(rate)
        try:
            while not isinstance(next(trainer), Step):
                pass
            trainer.read_losses()
        except TrainingDiverged:
            break
        average = _SMOOTHING * average + (1 - _SMOOTHING) * float(trainer.history.losses[-1])
        losses.append(average / (1 - _SMOOTHING**done))
        yield RateTest(rates[:done], np.array(losses), done / STEPS)
        if losses[-1] > GIVE_UP_FACTOR * min(losses):
            break
    trainer.close()
    yield RateTest(rates[: len(losses)], np.array(losses), 1.0)
