"""How a model in training answers to one drawing, from the first step to the last, with its first-layer weights.

Much happens in the first steps of training and little in the last ones, so the looks are spaced evenly on a
logarithmic scale. The first layer's weights are kept in 8 bits each, with one scale per neuron, which is exact to 1/254
of a neuron's largest weight.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from mlpcore.experiment import PIXELS, Architecture, Experiment
from mlpcore.models import Classifier
from mlpcore.network import MLP

LOOKS = 60
BUDGET_BYTES = 30_000_000
"""Memory for the snapshots of one run. Models whose first layer is too large for 60 of them get fewer."""

_LEVELS = 127
"""Steps to either side of 0 in a signed byte."""


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """The first layer's weights, rounded: `numbers`, int8 [neurons, 784], times `scales`, float32 [neurons, 1]."""

    numbers: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]

    def pictures(self, neurons: npt.NDArray[np.int64] | slice = slice(None)) -> npt.NDArray[np.float32]:
        """The weights of some neurons, or of all, where their pixels are: float32 [neurons, 28, 28]."""
        weights: npt.NDArray[np.float32] = self.numbers[neurons] * self.scales[neurons]
        return weights.reshape(-1, 28, 28)


@dataclass(frozen=True, eq=False)
class Look:
    """The model right after step `step` (0: untrained).

    Attributes:
        probabilities: its answer to the drawing, float32 [10].
        first_layer: what its first layer was; None where only the answer was taken.
    """

    step: int
    probabilities: npt.NDArray[np.float32]
    first_layer: FirstLayer | None


class Watch:
    """Asks a model about a drawing while it is trained; the training thread writes, pages read `looks`.

    Args:
        image: the drawing, uint8 [28, 28].
        label: the digit that its owner says it is, 0 to 9.
        experiment: what will be trained.
    """

    def __init__(self, image: Tensor, label: int, experiment: Experiment) -> None:
        self.image = image
        self.label = label
        self.experiment = experiment
        self.looks: list[Look] = []
        count = min(LOOKS, BUDGET_BYTES // snapshot_bytes(experiment.architecture))
        self._keep_at = set(log_spaced(experiment.total_steps, count))
        self._look_at = self._keep_at | set(log_spaced(experiment.total_steps, LOOKS))

    def look(self, step: int, model: MLP) -> None:
        """Notes what `model` says after `step`, if that is one of the steps chosen; to be called after every step.

        A model that has just diverged has no answer, and nothing is noted.
        """
        if step not in self._look_at:
            return
        was_training = model.training
        probabilities = Classifier(self.experiment, model.eval()).probabilities(self.image.unsqueeze(0))[0].numpy()
        model.train(was_training)
        if np.isfinite(probabilities).all():
            self.looks.append(Look(step, probabilities, _rounded(model) if step in self._keep_at else None))

    @property
    def snapshots(self) -> list[tuple[Look, FirstLayer]]:
        """The looks at which the first layer was kept, too."""
        return [(look, look.first_layer) for look in self.looks if look.first_layer is not None]


def snapshot_bytes(architecture: Architecture) -> int:
    """Bytes that one snapshot takes: a byte a weight of the first layer, and a float32 scale for each neuron."""
    return architecture.sizes[1] * (PIXELS + 4)


def most_changed(watch: Watch, count: int) -> npt.NDArray[np.int64]:
    """The `count` neurons of the first layer whose weights changed most from the first snapshot to the last.

    Returns:
        int64 [at most `count`], ascending; empty where there are fewer than two snapshots.
    """
    if len(watch.snapshots) < 2:
        return np.array([], np.int64)
    (_, before), *_, (_, after) = watch.snapshots
    change = np.linalg.norm(after.pictures() - before.pictures(), axis=(1, 2))
    return np.sort(np.argsort(-change, kind="stable")[:count])


def largest_weight(watch: Watch, neurons: npt.NDArray[np.int64]) -> float:
    """The largest absolute weight that any of these neurons has at any snapshot."""
    return max(float((_LEVELS * layer.scales[neurons]).max()) for _, layer in watch.snapshots)


def log_spaced(last: int, count: int) -> list[int]:
    """At most `count` whole numbers from 0 to `last`, both included, evenly spaced by their logarithm but for the 0."""
    if count < 2:
        return []
    if last < count:
        return list(range(last + 1))
    points = count - 1
    while True:
        # Small numbers coincide once they are rounded, so it takes more points to be left with enough.
        steps = np.unique(np.geomspace(1, last, points).round().astype(int))
        if len(steps) >= count - 1:
            return [0, *map(int, steps[: count - 2]), last]
        points += 1


def _rounded(model: MLP) -> FirstLayer:
    weights = model.linear_layers[0].weight.detach().cpu().numpy()
    scales = np.maximum(np.abs(weights).max(axis=1, keepdims=True), np.finfo(np.float32).tiny) / _LEVELS
    return FirstLayer((weights / scales).round().astype(np.int8), scales)
