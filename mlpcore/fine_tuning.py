"""Fine-tuning: a copy of a trained model is trained on a person's own drawings, mixed with its training images.

Without the mixture it would forget the other digits (catastrophic forgetting: M. McCloskey,
N. J. Cohen 1989).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from mlpcore.augmentation import random_affine
from mlpcore.collection import Digit, as_tensors
from mlpcore.datasets import Dataset
from mlpcore.evaluation import evaluate
from mlpcore.models import Classifier, Score, TrainedModel
from mlpcore.network import restored
from mlpcore.sampling import seeded, split

STEPS = 300
LEARNING_RATE = 3e-4
"""A third of Adam's usual rate, so that the copy keeps what it knows."""

DRAWINGS_PER_BATCH, DATASET_IMAGES_PER_BATCH = 32, 96
SEED = 7


@dataclass(frozen=True)
class FineTuned:
    """The result.

    Attributes:
        model: the tuned copy, with its own score on the test images.
        held_out: number of drawings that were not trained on.
        right_before, right_after: how many of them the original and the copy read right.
    """

    model: TrainedModel
    held_out: int
    right_before: int
    right_after: int


def may_fine_tune(digits: Sequence[Digit]) -> bool:
    """Whether there are drawings to train on and held-out ones to score."""
    return any(digit.held_out for digit in digits) and any(not digit.held_out for digit in digits)


def fine_tune(
    model: TrainedModel, digits: Sequence[Digit], dataset: Dataset, title: str
) -> Iterator[float | FineTuned]:
    """Trains a copy of `model` on the digits that are not held out; the model itself stays as it is.

    Every batch holds 32 drawings, each turned and shifted a little, and 96 of the images that the model was trained
    on; 300 steps of Adam.

    Args:
        digits: such that `may_fine_tune` is true.
        dataset: the one that the model was trained on.
        title: what the copy is called.

    Yields:
        The share of the steps done, 0 to 1, and finally the result.
    """
    drawings, drawn_labels = as_tensors([digit for digit in digits if not digit.held_out])
    rows, _ = split(model.experiment.data)
    generator = seeded(SEED)
    network = restored(model.experiment.architecture, model.network.state_dict())
    copy = Classifier(model.experiment, network)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    network.train()
    for step in range(1, STEPS + 1):
        mine = torch.randint(len(drawings), (DRAWINGS_PER_BATCH,), generator=generator)
        known = rows[torch.randint(len(rows), (DATASET_IMAGES_PER_BATCH,), generator=generator)]
        images = torch.cat([random_affine(drawings[mine], generator), dataset.train.images[known]])
        labels = torch.cat([drawn_labels[mine], dataset.train.labels[known]])
        optimizer.zero_grad()
        logits = network(copy.inputs(images))
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        yield step / STEPS
    network.eval()
    normalize = (dataset.mean, dataset.std) if model.experiment.data.normalize else None
    test = Score.of(evaluate(network, dataset.test.images, dataset.test.labels, normalize))
    tuned = TrainedModel(title, model.experiment, network, test)
    held_out, truth = as_tensors([digit for digit in digits if digit.held_out])
    before, after = (int((each.logits(held_out).argmax(dim=1) == truth).sum()) for each in (model, tuned))
    yield FineTuned(tuned, len(truth), before, after)
