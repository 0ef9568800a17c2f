"""How long a model takes to answer, measured here and now."""

import time

from torch import Tensor

from mlpcore.comparison.batch import relative_cost
from mlpcore.datasets import Dataset
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.models import Classifier, TrainedModel
from mlpcore.threads import one_thread
from mlpcore.training import Step, Trainer

REPEATS = 7

TIMED_STEPS = 60


def seconds_per_image(model: Classifier | TrainedModel, images: Tensor) -> float:
    """Seconds that `model` takes for one image of a batch, from its pixels to logits, on one thread.

    The shortest of several measurements, after one that does not count: whatever else the machine does can only make
    it longer.

    Args:
        images: uint8 [N, 28, 28], answered all at once; N at least 1.
    """
    with one_thread():
        model.logits(images)
        return min(_seconds(model, images) for _ in range(REPEATS)) / len(images)


def seconds_per_cost(dataset: Dataset) -> float:
    """Seconds that one unit of `relative_cost` takes here and now: some steps of the tutorial's smaller model.

    Takes about a tenth of a second. What else the machine does meanwhile makes it longer.
    """
    experiment = TUTORIAL_PRESETS["one-hidden"].changed(dataset=dataset.name, device="cpu")
    seconds: list[float] = []
    with one_thread():
        trainer = Trainer(experiment, dataset)
        for event in trainer:
            assert isinstance(event, Step)
            seconds.append(trainer.seconds)
            if len(seconds) == TIMED_STEPS:
                break
        trainer.close()
    # The first third warms up, and is watched more closely than the rest.
    timed = seconds[TIMED_STEPS // 3 :]
    per_step = (timed[-1] - timed[0]) / (len(timed) - 1)
    return per_step * experiment.total_steps / relative_cost(experiment)


def _seconds(model: Classifier | TrainedModel, images: Tensor) -> float:
    started = time.perf_counter()
    model.logits(images)
    return time.perf_counter() - started
