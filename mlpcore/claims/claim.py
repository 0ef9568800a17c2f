"""What every claim consists of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import plotly.graph_objects as go

from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import Experiment


class Training(Protocol):
    """What a claim needs to be looked into; `mlpcore.comparison.job.Job` is one."""

    def train(
        self, experiments: Sequence[Experiment], share: float = 1.0, *, at_once: int | None = None
    ) -> list[TrainedRun]:
        """Trains all `experiments` to their end; `share` is what part of the whole investigation that is, 0 to 1."""

    def try_out(self, experiments: Sequence[Experiment], share: float = 1.0) -> list[TrainedRun | None]:
        """Like `train`, but with None in place of a run that failed, as one whose loss became infinite."""

    def report(self, done: float) -> None:
        """Says what share of the whole investigation is done while it computes something without training runs."""


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure, the question that it answers as its title, and what it shows for those who cannot see it."""

    title: str
    figure: go.Figure
    alt: str
    height: int = 320


@dataclass(frozen=True, eq=False)
class Finding:
    """What came out.

    Attributes:
        answer: the place among the claim's answers of the one that the figures support; None if they support none.
        sentences: what the figures say and why, each a short paragraph of plain text.
        charts: to see it.
    """

    answer: int | None
    sentences: tuple[str, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim, and how to look into it.

    Attributes:
        name: in URLs, e.g. ``capacity``.
        title: on screen, e.g. ``Capacity``.
        says: what is claimed, in a sentence or two.
        done: what will be trained and measured, in a sentence.
        question: what to predict beforehand.
        answers: the predictions to choose from, two to four; each can come out.
        investigate: does it, and says what came out.
        names: what its experiments, with seed 0, are called while they train, where a short name helps.
    """

    name: str
    title: str
    says: str
    done: str
    question: str
    answers: tuple[str, ...]
    investigate: Callable[[Training], Finding]
    names: Mapping[Experiment, str] = field(default_factory=dict)
