"""What a growing model makes of one drawing, from the first step to the last: its answers, and the model at the time.

Much happens in the first steps of a training and little in the last ones, so the looks are spaced evenly on a
logarithmic scale. Weights are kept in 8 bits each, with one scale per neuron, which is exact to 1/254 of a neuron's
largest weight.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlpcore.experiment import Architecture, Experiment
from mlpcore.models import Classifier
from mlpcore.network import MLP, restored

LOOKS = 60
BUDGET_BYTES = 30_000_000
"""Memory for the snapshots of one run. Models that are too large for 60 of them get fewer."""

_LEVELS = 127
"""Steps to either side of 0 in a signed byte."""

Packed = dict[str, tuple[Tensor, Tensor | None]]


@dataclass(frozen=True, eq=False)
class Look:
    """The model right after step `step` (0: untrained): its answer to the drawing, and perhaps its weights.

    Attributes:
        probabilities: float32 [10], by the exact weights.
        packed: the weights in 8 bits; None where only the answer was taken.
    """

    step: int
    probabilities: npt.NDArray[np.float32]
    packed: Packed | None


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
        self._keep_at = set(_log_spaced(experiment.total_steps, count))
        self._look_at = self._keep_at | set(_log_spaced(experiment.total_steps, LOOKS))

    def look(self, step: int, model: MLP) -> None:
        """Notes what `model` says after `step`, if that is one of the steps chosen; to be called after every step."""
        if step not in self._look_at:
            return
        was_training = model.training
        probabilities = Classifier(self.experiment, model.eval()).probabilities(self.image.unsqueeze(0))[0].numpy()
        model.train(was_training)
        self.looks.append(Look(step, probabilities, _pack(model) if step in self._keep_at else None))

    @property
    def snapshots(self) -> list[Look]:
        """The looks at which the weights were kept, too."""
        return [look for look in self.looks if look.packed is not None]

    def model(self, snapshot: Look) -> Classifier:
        """The model as it was at a snapshot, its weights rounded to 8 bits; on the CPU.

        Raises:
            ValueError: only the answer was kept at this look.
        """
        if snapshot.packed is None:
            raise ValueError(f"No weights were kept at step {snapshot.step}.")
        state = {name: _unpacked(*parts) for name, parts in snapshot.packed.items()}
        return Classifier(self.experiment, restored(self.experiment.architecture, state))


def snapshot_bytes(architecture: Architecture) -> int:
    """Bytes that one snapshot takes: a byte a weight; scales, biases and batch norm's numbers in float32."""
    sizes = architecture.sizes
    weights = sum(inputs * outputs for inputs, outputs in pairwise(sizes))
    per_neuron = 4 * 2 * sum(sizes[1:])
    batch_norm = sum(4 * 4 * size + 8 for size in architecture.hidden) if architecture.batch_norm else 0
    return weights + per_neuron + batch_norm


def _log_spaced(last: int, count: int) -> list[int]:
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


def _pack(model: MLP) -> Packed:
    packed: Packed = {}
    for name, tensor in model.state_dict().items():
        if tensor.dim() == 2:
            scale = tensor.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny) / _LEVELS
            packed[name] = (tensor / scale).round_().to(torch.int8).cpu(), scale.cpu()
        else:
            packed[name] = tensor.cpu().clone(), None
    return packed


def _unpacked(numbers: Tensor, scale: Tensor | None) -> Tensor:
    return numbers if scale is None else numbers * scale


def most_changed(watch: Watch, count: int) -> npt.NDArray[np.int64]:
    """The `count` neurons of the first layer whose weights changed most from the first snapshot to the last.

    Returns:
        int64 [at most `count`], ascending; empty where there are fewer than two snapshots.
    """
    if len(watch.snapshots) < 2:
        return np.array([], np.int64)
    before, after = (first_weights(watch.model(watch.snapshots[end]).network) for end in (0, -1))
    change = np.linalg.norm(after - before, axis=(1, 2))
    return np.sort(np.argsort(-change, kind="stable")[:count])


def first_weights(model: MLP) -> npt.NDArray[np.float32]:
    """The first layer's weights as pictures, float32 [neurons, 28, 28]."""
    weights: npt.NDArray[np.float32] = model.linear_layers[0].weight.detach().cpu().numpy()
    return weights.reshape(-1, 28, 28)
