"""How well models read digits that people wrote with a pen, whole hands apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import bootstrap
from torch import Tensor

from mlpcore.drawing import draw
from mlpcore.evaluation import CHUNK, judge
from mlpcore.models import Classifier, TrainedModel
from mlpcore.unipen import PenDigit

RESAMPLES = 9999
"""As B. Efron and R. Tibshirani, *An Introduction to the Bootstrap*, 1993, advise for intervals: 1,000 or more."""

BATCH_NUMBERS = 5_000_000
"""Random numbers of the bootstrap that are in memory at once."""


@dataclass(frozen=True, eq=False)
class DrawnDigits:
    """Pen digits as the models see them.

    Attributes:
        images: uint8 [N, 28, 28], exactly what the Draw page makes of the strokes.
        labels: int64 [N].
        writers: N names.
        left_out: digits without ink, which are not among the N: there is nothing in them that could be recognised.
    """

    images: Tensor
    labels: Tensor
    writers: list[str]
    left_out: int


@dataclass(frozen=True)
class PenScore:
    """A model on pen digits.

    Attributes:
        model: what it is called.
        n: digits that it was asked for.
        accuracy: share of them that was recognised, 0 to 1.
        interval: 95 % bootstrap interval of that share, over writers; None where there is only one.
        per_digit: accuracy by label, ``"0"`` to ``"9"``, for the labels that there are.
        per_writer: accuracy by writer.
        confusion: 10 rows (true digit) of 10 counts (predicted digit).
    """

    model: str
    n: int
    accuracy: float
    interval: tuple[float, float] | None
    per_digit: dict[str, float]
    per_writer: dict[str, float]
    confusion: list[list[int]]


def drawn(digits: Sequence[PenDigit], drew: Callable[[], object] = lambda: None) -> DrawnDigits:
    """Draws every digit, at least one of which has ink; `drew` is called after each."""
    images, kept = [], []
    for digit in digits:
        image = draw(digit.strokes)
        if image is not None:
            images.append(image)
            kept.append(digit)
        drew()
    return DrawnDigits(
        images=torch.stack(images),
        labels=torch.tensor([digit.label for digit in kept]),
        writers=[digit.writer for digit in kept],
        left_out=len(digits) - len(kept),
    )


def score(name: str, model: Classifier | TrainedModel, digits: DrawnDigits) -> PenScore:
    """How well a model called `name` reads the digits."""
    evaluation = judge(torch.cat([model.logits(chunk) for chunk in digits.images.split(CHUNK)]), digits.labels)
    writers = {writer: place for place, writer in enumerate(dict.fromkeys(digits.writers))}
    places = np.array([writers[writer] for writer in digits.writers])
    total = np.bincount(places)
    right = np.bincount(places[evaluation.correct], minlength=len(total))
    return PenScore(
        model=name,
        n=len(digits.labels),
        accuracy=evaluation.accuracy,
        interval=_interval(right, total),
        per_digit={str(digit): float(share) for digit, share in enumerate(evaluation.class_accuracies) if share >= 0},
        per_writer=dict(zip(writers, (right / total).tolist(), strict=True)),
        confusion=evaluation.confusion.tolist(),
    )


def _interval(right: npt.NDArray[np.int_], total: npt.NDArray[np.int_]) -> tuple[float, float] | None:
    """95 % interval of the share of digits read right, from each writer's counts.

    Digits of one hand resemble each other, so whole writers are drawn with replacement, and the share is computed over
    all digits of those drawn: A. C. Davison and D. V. Hinkley, *Bootstrap Methods and their Application*, 1997, section
    3.8. The percentile method, since it always has an answer: BCa has none where all writers are equal, and for counts
    like these holds the true share no more often. With few writers any bootstrap interval is somewhat narrow.
    """
    if len(total) < 2:
        return None
    interval = bootstrap(
        (right, total),
        lambda right, total, axis: right.sum(axis=axis) / total.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=RESAMPLES,
        batch=max(1, BATCH_NUMBERS // len(total)),
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)
