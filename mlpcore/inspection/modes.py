"""`train()` and `eval()`: the same image several times through one model, in each mode."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from mlpcore.inspection.layers import Model
from mlpcore.inspection.workbench import check_batch, copy_of
from mlpcore.sampling import Stream, seeded

BATCH = 32
"""The largest batch, including the image itself."""


@dataclass(frozen=True, eq=False)
class Modes:
    """One image's probabilities, pass after pass: float32 [times, 10] each, every row adding up to 1.

    Attributes:
        training: after `train()`. Dropout draws new masks for each pass, and batch norm takes mean and variance from
            the batch, so that the answer depends on which images happen to be in it.
        evaluation: after `eval()`, for the same batches: dropout does nothing, and batch norm takes the averages
            from training.
    """

    training: npt.NDArray[np.float32]
    evaluation: npt.NDArray[np.float32]


def in_both_modes(model: Model, image: Tensor, companions: Tensor, times: int, seed: int) -> Modes:
    """Passes `image`, uint8 [28, 28], `times` times through a copy of the model in each mode, without gradients.

    As in training, it is part of a batch each time, with up to 31 randomly chosen companions.

    Args:
        companions: uint8 [M, 28, 28].
        times: at least 1.
        seed: for the masks and the choice of companions.

    Raises:
        ValueError: there is no companion, and the model has batch norm.
    """
    check_batch(model, 1 + len(companions))
    choice = seeded(seed, Stream.ORDER)
    batches = [
        torch.cat([image.unsqueeze(0), companions[torch.randperm(len(companions), generator=choice)[: BATCH - 1]]])
        for _ in range(times)
    ]

    def passes(training: bool) -> npt.NDArray[np.float32]:
        # A new copy, since batch norm's averages move with every pass in training mode.
        own = copy_of(model, seeded(seed, Stream.DROPOUT))
        own.network.train(training)
        return torch.cat([F.softmax(own.logits(batch)[:1], dim=1) for batch in batches]).numpy()

    return Modes(passes(training=True), passes(training=False))
