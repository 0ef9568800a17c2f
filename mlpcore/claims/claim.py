"""The parts of a claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import plotly.graph_objects as go

from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import Experiment


class Training(Protocol):
    """What an investigation needs to train and report; `mlpcore.comparison.job.Job` provides it."""

    def train(
        self, experiments: Sequence[Experiment], share: float = 1.0, *, at_once: int | None = None
    ) -> list[TrainedRun]:
        """Trains all `experiments` to the end; `share` says how much of the investigation that is, 0 to 1."""

    def try_out(self, experiments: Sequence[Experiment], share: float = 1.0) -> list[TrainedRun | None]:
        """Like `train`, but with None in place of a run that failed, for example because its loss became infinite."""

    def report(self, done: float) -> None:
        """Sets what share of the investigation is done while it computes something other than runs."""


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure, with the question that it answers as its title, and a description for those who cannot see it."""

    title: str
    figure: go.Figure
    alt: str
    height: int = 320


@dataclass(frozen=True, eq=False)
class Finding:
    """The result.

    Attributes:
        answer: the place of the answer that the numbers support; None if they support none.
        sentences: what the numbers show and why, each a short paragraph of plain text.
        charts: the same as figures.
    """

    answer: int | None
    sentences: tuple[str, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim, and how to investigate it.

    Attributes:
        name: in URLs, e.g. ``capacity``.
        title: on screen, e.g. ``Capacity``.
        says: what is claimed, in a sentence or two.
        done: what is trained and measured, in a sentence.
        question: what to predict.
        answers: the predictions to choose from, two to four; each of them is possible.
        investigate: trains, measures and returns the result.
        names: short names for its experiments, with seed 0, while they train.
    """

    name: str
    title: str
    says: str
    done: str
    question: str
    answers: tuple[str, ...]
    investigate: Callable[[Training], Finding]
    names: Mapping[Experiment, str] = field(default_factory=dict)
