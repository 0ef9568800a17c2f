"""The record of a training run: losses per step, figures per epoch, the layers' health.

One training thread writes and any number of threads read without a lock: values are written before the counter changes,
and readers read the counter first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlpcore.experiment import Experiment


@dataclass(frozen=True)
class EpochRecord:
    """The figures of an epoch. All but `loss` are measured with the weights at its end.

    Attributes:
        epoch: from 1.
        loss: mean of the steps' losses, measured while the weights were changing (what the tutorial prints).
        train_loss, train_accuracy: on a fixed sample of the training images.
        val_loss, val_accuracy: on the validation images; None without any.
        seconds: time spent computing, without pauses and turns of other runs.
        learning_rate: the rate of its last update.
    """

    epoch: int
    loss: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    learning_rate: float


@dataclass(frozen=True)
class LayerHealth:
    """One linear layer at one update.

    Attributes:
        gradient_norm: Euclidean norm of the gradient of its weights.
        update_ratio: norm of the change of its weights over the norm of the weights before.
        dead_share: fraction of its neurons whose ReLU is 0 for every probe image; None if no ReLU follows the layer.
    """

    gradient_norm: float
    update_ratio: float
    dead_share: float | None


@dataclass(frozen=True)
class HealthRecord:
    """Every linear layer, from input to output, right after step `step` (counted from 1)."""

    step: int
    layers: tuple[LayerHealth, ...]


class History:
    """The record of one run; empty at first."""

    def __init__(self, experiment: Experiment) -> None:
        # The arrays grow by doubling: a run of thousands of epochs may be stopped after a few.
        self._losses = np.empty(0, np.float32)
        self._rates = np.empty(0, np.float32)
        self._most_steps = experiment.total_steps
        self.steps = 0
        self.epochs: list[EpochRecord] = []
        self.health: list[HealthRecord] = []

    def append_step(self, loss: float, rate: float) -> None:
        """Adds a step's training loss and learning rate."""
        self._make_room(self.steps + 1)
        self._losses[self.steps] = loss
        self._rates[self.steps] = rate
        self.steps += 1

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """`epochs` and `health` as plain values."""
        return {
            "epochs": [asdict(record) for record in self.epochs],
            "health": [asdict(record) for record in self.health],
        }

    def fill(
        self,
        losses: npt.NDArray[np.float32],
        rates: npt.NDArray[np.float32],
        epochs: Iterable[Mapping[str, Any]],
        health: Iterable[Mapping[str, Any]],
    ) -> None:
        """Fills an empty history with recorded values, the last two as returned by `records`.

        Args:
            losses, rates: float32 [steps], the same number of each.
            epochs, health: one entry for each record.

        Raises:
            LookupError, TypeError, ValueError: it is not a record of a run with that many steps.
        """
        steps = len(losses)
        if len(rates) != steps:
            raise ValueError(f"{steps} losses and {len(rates)} learning rates")
        self._make_room(steps)
        self._losses[:steps], self._rates[:steps] = losses, rates
        self.epochs.extend(EpochRecord(**record) for record in epochs)
        self.health.extend(
            HealthRecord(record["step"], tuple(LayerHealth(**layer) for layer in record["layers"])) for record in health
        )
        self.steps = steps

    @property
    def losses(self) -> npt.NDArray[np.float32]:
        """Training loss of every step so far, float32 [steps], in nats; a view, not a copy."""
        steps = self.steps
        return self._losses[:steps]

    @property
    def rates(self) -> npt.NDArray[np.float32]:
        """Learning rate of every step so far, float32 [steps]; a view, not a copy."""
        steps = self.steps
        return self._rates[:steps]

    @property
    def best_epoch(self) -> EpochRecord | None:
        """The epoch with the lowest validation loss, the first if several are equal; None without validation images."""
        measured = [(record.val_loss, record) for record in self.epochs if record.val_loss is not None]
        return min(measured, key=lambda pair: pair[0])[1] if measured else None

    def _make_room(self, steps: int) -> None:
        room = len(self._losses)
        if steps > room:
            more = np.empty(min(max(steps, 2 * room), self._most_steps) - room, np.float32)
            self._losses, self._rates = np.append(self._losses, more), np.append(self._rates, more)
