"""On which images two models differ, and which ones no model recognizes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix

from mlpcore.evaluation import Evaluation
from mlpcore.experiment import CLASSES

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Two models on the same N images.

    The indices are int64 arrays; those images come first of whose answers both models are sure: sorted by the lower of
    the two confidences.

    Attributes:
        both: how many images both recognized.
        only_first, only_second: indices of the images that one recognized and the other did not.
        nobody: indices of the images that neither recognized.
        answers: int64 [10, 10], how often the first said the class of the row and the second that of the column.
    """

    both: int
    only_first: Indices
    only_second: Indices
    nobody: Indices
    answers: npt.NDArray[np.int64]

    @property
    def same_answers(self) -> float:
        """Share of the images for which both give the same answer, right or wrong, 0 to 1."""
        return float(self.answers.trace() / self.answers.sum())


def agreement(first: Evaluation, second: Evaluation) -> Agreement:
    """Where two models agree; both were evaluated on the same images in the same order."""
    models = (first, second)
    return Agreement(
        both=int((first.correct & second.correct).sum()),
        only_first=_surest_first(first.correct & ~second.correct, models),
        only_second=_surest_first(second.correct & ~first.correct, models),
        nobody=recognized_by_nobody(models),
        answers=confusion_matrix(first.predictions, second.predictions, labels=range(CLASSES)),
    )


def recognized_by_nobody(evaluations: Sequence[Evaluation]) -> Indices:
    """Indices of the images that none of one or more models recognized, int64; those first of which all are sure."""
    return _surest_first(~np.any([evaluation.correct for evaluation in evaluations], axis=0), evaluations)


def _surest_first(chosen: npt.NDArray[np.bool_], evaluations: Sequence[Evaluation]) -> Indices:
    indices = np.flatnonzero(chosen)
    least = np.min([evaluation.confidences[indices] for evaluation in evaluations], axis=0)
    return indices[np.argsort(-least, kind="stable")]
