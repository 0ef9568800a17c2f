"""How long a model takes to answer, measured here and now."""

import time

import torch
from torch import Tensor

from mlpcore.models import Classifier, TrainedModel

REPEATS = 7


def seconds_per_image(model: Classifier | TrainedModel, images: Tensor) -> float:
    """Seconds that `model` takes for one image of a batch, from its pixels to logits, on one thread.

    The shortest of several measurements, after one that does not count: whatever else the machine does can only make
    it longer.

    Args:
        images: uint8 [N, 28, 28], answered all at once; N at least 1.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model.logits(images)
        return min(_seconds(model, images) for _ in range(REPEATS)) / len(images)
    finally:
        torch.set_num_threads(threads)


def _seconds(model: Classifier | TrainedModel, images: Tensor) -> float:
    started = time.perf_counter()
    model.logits(images)
    return time.perf_counter() - started
