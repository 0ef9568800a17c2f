"""A yes/no question, "is it a 3?", answered by one output neuron with a sigmoid and by ten with softmax.

Both models have the same hidden layer, see the same images in the same order, and start from the same weights: the
single output starts as a copy of the ten outputs' neuron for that digit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlpcore.datasets import Dataset
from mlpcore.experiment import CLASSES, Experiment, experiment_from_fields
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.sampling import epoch_order, split
from mlpcore.training import make_optimizer


@dataclass(frozen=True)
class Answers:
    """How good the answers to a yes/no question are on the 10,000 test images; all are shares, 0 to 1.

    Attributes:
        right: of all images, those answered correctly.
        found: of the images of the digit, those answered with yes.
        true: of the yes answers, those that are correct; None without any.
    """

    right: float
    found: float
    true: float | None


@dataclass(frozen=True, eq=False)
class YesOrNo:
    """The two models after training.

    Attributes:
        digit: the digit asked about.
        images: the number of training images.
        one: with a single output, the logit of "yes".
        ten: with an output for each digit.
        one_answers: yes where the sigmoid is above a half.
        ten_answers: yes where the digit's logit is the largest.
        always_no: share of the test images that show another digit, the accuracy of always answering no.
    """

    digit: int
    images: int
    one: Classifier
    ten: Classifier
    one_answers: Answers
    ten_answers: Answers
    always_no: float

    def sigmoid(self, images: Tensor) -> npt.NDArray[np.float32]:
        """The single output's probability of yes for images, uint8 [N, 28, 28]: float32 [N]."""
        return self.one.logits(images)[:, 0].sigmoid().numpy()

    def softmax(self, images: Tensor) -> npt.NDArray[np.float32]:
        """The ten outputs' probabilities for images, uint8 [N, 28, 28]: float32 [N, 10]."""
        return self.ten.probabilities(images).numpy()


def ask_yes_or_no(dataset: Dataset, digit: int, seed: int = 0) -> YesOrNo:
    """Trains both models on 6,000 images for ten epochs, which takes a few seconds; after three the single output lags.

    Raises:
        ValueError: there is no such digit.
    """
    if digit not in range(CLASSES):
        raise ValueError(f"There is no digit {digit}: choose one from 0 to {CLASSES - 1}.")
    experiment = experiment_from_fields(
        {"dataset": dataset.name, "hidden": (64,), "train_size": 6000, "epochs": 10, "device": "cpu", "seed": seed}
    )
    ten, one = untrained(experiment), with_one_output(experiment, digit)
    _train(ten, dataset, F.cross_entropy)
    _train(one, dataset, lambda logits, labels: nn.BCEWithLogitsLoss()(logits[:, 0], (labels == digit).float()))
    images, is_digit = dataset.test.images, dataset.test.labels == digit
    return YesOrNo(
        digit=digit,
        images=experiment.data.train_images,
        one=one,
        ten=ten,
        one_answers=_answers(one.logits(images)[:, 0] > 0, is_digit),
        ten_answers=_answers(ten.logits(images).argmax(dim=1) == digit, is_digit),
        always_no=_share(~is_digit),
    )


def with_one_output(experiment: Experiment, digit: int) -> Classifier:
    """The untrained model of `experiment` with no output but the one for `digit`: its logits are float32 [N, 1]."""
    model = untrained(experiment)
    output = model.network.linear_layers[-1]
    single = nn.utils.skip_init(nn.Linear, output.in_features, 1)
    with torch.no_grad():
        single.weight.copy_(output.weight[digit : digit + 1])
        single.bias.copy_(output.bias[digit : digit + 1])
    model.network.layers[-1] = single
    return model


def _train(model: Classifier, dataset: Dataset, loss_function: Callable[[Tensor, Tensor], Tensor]) -> None:
    experiment, network = model.experiment, model.network
    images, labels = dataset.train.images, dataset.train.labels
    rows, _ = split(experiment.data)
    optimizer = make_optimizer(experiment, network, torch.device("cpu"))
    network.train()
    for epoch in range(experiment.hyperparameters.epochs):
        for batch in epoch_order(experiment, labels, rows, epoch).split(experiment.batch_images):
            optimizer.zero_grad()
            loss_function(network(model.inputs(images[batch])), labels[batch]).backward()
            optimizer.step()
    network.eval()


def _answers(said_yes: Tensor, is_digit: Tensor) -> Answers:
    return Answers(
        right=_share(said_yes == is_digit),
        found=_share(said_yes[is_digit]),
        true=_share(is_digit[said_yes]) if said_yes.any() else None,
    )


def _share(true: Tensor) -> float:
    return true.double().mean().item()
