"""What a claim will train, found out before it trains anything."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from mlpcore.claims.claim import Claim
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import Experiment


@cache
def first_training(claim: Claim) -> tuple[tuple[Experiment, ...], float]:
    """The experiments that `claim` trains first, and their share of the whole investigation, above 0, at most 1.

    No experiments, and 1, if it measures something without training runs.
    """
    training = _Nothing()
    with suppress(_Asked):
        claim.investigate(training)
    return training.experiments, training.share


class _Asked(Exception):
    """The claim has said what it needs first."""


class _Nothing:
    """Takes note of what is to be trained, and trains nothing."""

    def __init__(self) -> None:
        self.experiments: tuple[Experiment, ...] = ()
        self.share = 1.0

    def train(
        self, experiments: Sequence[Experiment], share: float = 1.0, *, at_once: int | None = None
    ) -> list[TrainedRun]:
        self.experiments, self.share = tuple(experiments), share
        raise _Asked

    def try_out(self, experiments: Sequence[Experiment], share: float = 1.0) -> list[TrainedRun | None]:
        self.experiments, self.share = tuple(experiments), share
        raise _Asked

    def report(self, done: float) -> None:
        raise _Asked
