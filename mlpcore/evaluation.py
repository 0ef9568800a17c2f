"""Evaluation of a model: loss, accuracy and its uncertainty, confusion matrix, and most confident mistakes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix
from torch import Tensor, nn

from mlpcore.datasets import to_input
from mlpcore.experiment import CLASSES

CHUNK = 1000
"""Images evaluated at once: enough for fast matrix products, few enough to stop quickly and to fit in memory."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model on a labelled set of N images.

    Attributes:
        loss: mean cross-entropy in nats.
        accuracy: fraction of images whose largest logit is the true class, 0 to 1.
        interval: 95 % Wilson score interval of the accuracy, as fractions.
        confusion: int64 [10, 10]; row: true class, column: predicted class.
        predictions: uint8 [N], the predicted class of each image.
        confidences: float32 [N], the probability of the predicted class.
        correct: bool [N], whether the predicted class is the true one.
    """

    loss: float
    accuracy: float
    interval: tuple[float, float]
    confusion: npt.NDArray[np.int64]
    predictions: npt.NDArray[np.uint8]
    confidences: npt.NDArray[np.float32]
    correct: npt.NDArray[np.bool_]

    @property
    def class_accuracies(self) -> npt.NDArray[np.float64]:
        """Fraction of each class's images that are predicted correctly (recall), float64 [10]; NaN without images."""
        images_per_class = self.confusion.sum(axis=1)
        with np.errstate(invalid="ignore"):
            shares: npt.NDArray[np.float64] = self.confusion.diagonal() / images_per_class
        return shares


@dataclass(frozen=True)
class Mistake:
    """An image that the model got wrong: its `index` in the set, both classes, and the confidence in the wrong one."""

    index: int
    true: int
    predicted: int
    confidence: float


def logits_in_chunks(
    model: nn.Module, images: Tensor, rows: Tensor, normalize: tuple[float, float] | None
) -> Iterator[Tensor]:
    """The model's logits for the given rows of uint8 images [M, 28, 28], in chunks of float32 [≤ 1000, 10].

    The model is in evaluation mode while a chunk is computed, and in its former mode afterwards.
    """
    for chunk in rows.split(CHUNK):
        was_training = model.training
        model.eval()
        with torch.no_grad():
            logits = model(to_input(images.index_select(0, chunk), normalize))
        model.train(was_training)
        yield logits


def judge(logits: Tensor, labels: Tensor) -> Evaluation:
    """The evaluation of logits, float32 [N, 10], with labels, int64 [N]; N at least 1."""
    logits, labels = logits.cpu(), labels.cpu()
    # The largest logit, not the largest probability: softmax may round different logits to equal probabilities.
    largest = logits.argmax(dim=1, keepdim=True)
    confidences = F.softmax(logits, dim=1).gather(1, largest).squeeze(1).numpy()
    predictions, truth = largest.squeeze(1).numpy(), labels.numpy()
    correct = predictions == truth
    right = int(correct.sum())
    interval = binomtest(right, len(truth)).proportion_ci(confidence_level=0.95, method="wilson")
    return Evaluation(
        loss=F.cross_entropy(logits.double(), labels).item(),
        accuracy=right / len(truth),
        interval=(float(interval.low), float(interval.high)),
        confusion=confusion_matrix(truth, predictions, labels=range(CLASSES)),
        predictions=predictions.astype(np.uint8),
        confidences=confidences,
        correct=correct,
    )


def evaluate(
    model: nn.Module, images: Tensor, labels: Tensor, normalize: tuple[float, float] | None = None
) -> Evaluation:
    """Evaluates `model` on uint8 images [N, 28, 28] with labels int64 [N], on the device where both are."""
    rows = torch.arange(len(images), device=images.device)
    return judge(torch.cat(list(logits_in_chunks(model, images, rows, normalize))), labels)


def most_confident_mistakes(evaluation: Evaluation, labels: Tensor, count: int) -> list[Mistake]:
    """Up to `count` images that the model got wrong, the most confident first; `labels` of all images, int64 [N]."""
    truth = labels.cpu().numpy()
    wrong = np.flatnonzero(~evaluation.correct)
    surest = wrong[np.argsort(-evaluation.confidences[wrong], kind="stable")][:count]
    return [
        Mistake(
            index=int(i),
            true=int(truth[i]),
            predicted=int(evaluation.predictions[i]),
            confidence=float(evaluation.confidences[i]),
        )
        for i in surest
    ]
