"""A model that squeezes every image through two neurons, so that all it knows of an image is a point in a plane."""

from collections import OrderedDict
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch

from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.network import MLP
from mlpcore.runs import WATCHES, Run, RunQueue, Status
from mlpcore.snapshots import log_spaced

EVERY = 10
"""Every tenth test image is shown, 1,000 of them."""

LOOKS = 100
"""Moments of a training that are kept, of 8 kB each."""

LIVE_EVERY = 40
"""Steps between two looks at a model while it trains: some 60 ms, of which a look takes less than a tenth."""

Points = npt.NDArray[np.float32]

_newest: WeakKeyDictionary[RunQueue, OrderedDict[str, Run]] = WeakKeyDictionary()
"""For each queue the newest run of each owner, the last started at the end."""


def experiment(seed: int) -> Experiment:
    """784-256-64-2-10 with tanh, trained so that it gets along with two numbers between -1 and 1."""
    return experiment_from_fields(
        {
            "hidden": (256, 64, 2),
            "activation": "tanh",
            "learning_rate": 0.01,
            "batch_norm": True,
            "device": "cpu",
            "seed": seed,
        }
    )


def shown_images(dataset: Dataset) -> Images:
    """The test images that are points in the plane."""
    return Images(dataset.test.images[::EVERY], dataset.test.labels[::EVERY])


@dataclass(frozen=True, eq=False)
class Look:
    """The model right after step `step` (0: untrained).

    Attributes:
        points: what the two neurons make of each image, float32 [N, 2], each between -1 and 1.
        weights, biases: of the output layer, float32 [10, 2] and [10].
        accuracy: share of the images that it recognises, 0 to 1.
    """

    step: int
    points: Points
    weights: Points
    biases: Points
    accuracy: float

    def answers(self, points: Points) -> npt.NDArray[np.int8]:
        """Which digit the output layer makes of some points, float32 [..., 2]: int8 [...]."""
        digits: npt.NDArray[np.int8] = (points @ self.weights.T + self.biases).argmax(axis=-1).astype(np.int8)
        return digits


class PlaneWatch:
    """Looks at the plane while the model is trained; the training thread writes, pages read.

    Args:
        experiment: what will be trained; its last hidden layer has two neurons.
        images: what will be the points.

    Attributes:
        looks: those that are kept, from the untrained model to the last step, closer together at first.
        latest: the newest, whether it is kept or not.
        run: the run that is watched, so that there is a look wherever it pauses.
    """

    def __init__(self, experiment: Experiment, images: Images) -> None:
        self.experiment = experiment
        self.images = images
        self.run: Run | None = None
        self._keep_at = set(log_spaced(experiment.total_steps, LOOKS))
        self.latest = self._taken(0, untrained(experiment).network)
        self.looks = [self.latest]

    def look(self, step: int, model: MLP) -> None:
        """Notes where the images are after `step`, if it is time to; to be called after every step.

        A model that has just diverged has them nowhere, and nothing is noted.
        """
        keep = step in self._keep_at
        rests = self.run is not None and step >= self.run.pause_after
        if step <= self.latest.step or not (keep or rests or step % LIVE_EVERY == 0):
            return
        look = self._taken(step, model)
        if not np.isfinite(look.points).all():
            return
        self.latest = look
        if keep:
            self.looks.append(look)

    def _taken(self, step: int, model: MLP) -> Look:
        was_training = model.training
        inputs = Classifier(self.experiment, model.eval()).inputs(self.images.images)
        with torch.no_grad():
            points = model.activations(inputs)[-1]
            output = model.linear_layers[-1]
            right = output(points).argmax(dim=1).cpu() == self.images.labels
            # Copies, since training goes on with the tensors themselves.
            weights, biases = output.weight.detach().cpu().clone(), output.bias.detach().cpu().clone()
        model.train(was_training)
        return Look(step, points.cpu().numpy(), weights.numpy(), biases.numpy(), float(right.double().mean()))


def submit(queue: RunQueue, watch: PlaneWatch, owner: str, *, paused: bool = False) -> Run:
    """Queues the run that is watched; with `paused` it waits before its first step.

    It is in no list of runs and not kept on disk, and it replaces whatever its owner watched before.
    """
    if former := newest(queue, owner):
        queue.stop(former)
    run = queue.submit(watch.experiment, owner, paused=paused, watch=watch, listed=False)
    watch.run = run
    started = _newest.setdefault(queue, OrderedDict())
    started[owner] = run
    started.move_to_end(owner)
    while len(started) > WATCHES:
        _, oldest = started.popitem(last=False)
        queue.stop(oldest)
    return run


def watch_of(run: Run) -> PlaneWatch | None:
    """What was seen of a run's plane, if that was watched."""
    return run.watch if isinstance(run.watch, PlaneWatch) else None


def newest(queue: RunQueue, owner: str) -> Run | None:
    """The owner's run whose plane was watched last; None without one, or if it was canceled before its first step."""
    run = _newest.get(queue, OrderedDict()).get(owner)
    return None if run is None or (run.status is Status.STOPPED and run.step == 0) else run
