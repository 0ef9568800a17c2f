"""The runs of a comparison, and what follows from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Self

import numpy as np
import numpy.typing as npt

from mlpcore.comparison.inference import (
    LEVEL,
    ImageTest,
    Interval,
    SeedTest,
    compare_on_images,
    compare_over_seeds,
    holm,
    mean_interval,
)
from mlpcore.comparison.plan import Plan
from mlpcore.evaluation import Evaluation
from mlpcore.experiment import Experiment
from mlpcore.history import History
from mlpcore.network import flops_per_image, model_bytes, parameter_count
from mlpcore.training import Result

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """One run that was trained to its end.

    Attributes:
        experiment: what was trained, its seed included.
        test: on the test images.
        train_accuracy: on the training images, 0 to 1.
        train_seconds: time spent computing.
        history: what was recorded on the way.
    """

    experiment: Experiment
    test: Evaluation
    train_accuracy: float
    train_seconds: float
    history: History

    @classmethod
    def of(cls, experiment: Experiment, result: Result, history: History) -> Self:
        """What a comparison needs of a run."""
        return cls(experiment, result.test, result.train.accuracy, result.train_seconds, history)

    @property
    def seed(self) -> int:
        """The experiment's seed."""
        return self.experiment.seed

    @property
    def gap(self) -> float:
        """The generalization gap: training accuracy minus test accuracy, as a fraction."""
        return self.train_accuracy - self.test.accuracy


@dataclass(frozen=True, eq=False)
class Summary:
    """One experiment of a comparison: its finished runs, in the order of the plan's seeds, and its costs.

    `mean`, `gap` and `train_seconds` are None as long as there are no runs.
    """

    name: str
    experiment: Experiment
    runs: tuple[TrainedRun, ...]

    @property
    def accuracies(self) -> Floats:
        """Test accuracy of every run, float64 [runs]."""
        return np.array([run.test.accuracy for run in self.runs])

    @property
    def mean(self) -> float | None:
        """Mean test accuracy over the seeds, 0 to 1."""
        return float(self.accuracies.mean()) if self.runs else None

    @property
    def interval(self) -> Interval | None:
        """95 % t-interval of the mean over all seeds, within 0 to 1; None with one seed, or if all gave the same."""
        interval = mean_interval(self.accuracies)
        return interval and (max(0.0, interval[0]), min(1.0, interval[1]))

    @property
    def gap(self) -> float | None:
        """Mean generalization gap, as a fraction."""
        return float(np.mean([run.gap for run in self.runs])) if self.runs else None

    @property
    def train_seconds(self) -> float | None:
        """Mean time spent training one run."""
        return float(np.mean([run.train_seconds for run in self.runs])) if self.runs else None

    @property
    def parameters(self) -> int:
        """Numbers that training adjusts."""
        return parameter_count(self.experiment.architecture)

    @property
    def flops(self) -> int:
        """Floating-point operations to answer one image."""
        return flops_per_image(self.experiment.architecture)

    @property
    def bytes(self) -> int:
        """Bytes of the trained parameters."""
        return model_bytes(self.experiment.architecture)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two experiments, by their places in the plan, and both tests of the difference, second minus first.

    Attributes:
        seeds: those with which both were trained to their end; `image_seed` is the first of them.
        architectures: over these seeds; None with fewer than two.
        models: the two of `image_seed` on the test images; None without a seed.
        architectures_p, models_p: the tests' p-values after Holm's correction for all pairs; None without a test.
        architectures_differ: whether a difference is claimed. Never in a comparison that was cut short.
        models_differ: whether a difference is claimed.
    """

    first: int
    second: int
    seeds: tuple[int, ...]
    architectures: SeedTest | None
    models: ImageTest | None
    architectures_p: float | None
    models_p: float | None
    architectures_differ: bool
    models_differ: bool

    @property
    def image_seed(self) -> int | None:
        """The seed of the two models that are compared image by image."""
        return self.seeds[0] if self.seeds else None


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came out: a summary per experiment in the plan's order, and both tests for every pair of them."""

    plan: Plan
    summaries: tuple[Summary, ...]
    pairs: tuple[Pair, ...]

    @cached_property
    def common_seeds(self) -> tuple[int, ...]:
        """The seeds with which every experiment was trained to its end, in the plan's order."""
        finished = [{run.seed for run in summary.runs} for summary in self.summaries]
        return tuple(seed for seed in self.plan.seeds if all(seed in seeds for seeds in finished))

    @property
    def is_complete(self) -> bool:
        """Whether all runs of the plan are there. Otherwise the comparison was cut short."""
        return self.common_seeds == self.plan.seeds


def compare(plan: Plan, runs: Iterable[TrainedRun]) -> Comparison:
    """Compares the runs of a plan, or those of them that were finished.

    Raises:
        ValueError: one of the runs is not in the plan, is there twice, or was tested on other images than the rest.
    """
    places = {experiment: place for place, experiment in enumerate(plan.runs)}
    finished: dict[int, TrainedRun] = {}
    for run in runs:
        place = places.get(run.experiment)
        if place is None or place in finished:
            raise ValueError(
                f"{run.experiment.architecture.title} with seed {run.seed} is "
                f"{'not in this comparison' if place is None else 'there twice'}."
            )
        finished[place] = run
    if len({len(run.test.correct) for run in finished.values()}) > 1:
        raise ValueError("The runs were not all tested on the same images.")

    count = len(plan.experiments)
    summaries = tuple(
        Summary(name, experiment, tuple(finished[place] for place in sorted(finished) if place % count == number))
        for number, (name, experiment) in enumerate(zip(plan.names, plan.experiments, strict=True))
    )
    return Comparison(plan, summaries, _pairs(plan, summaries, len(finished) == len(places)))


def _pairs(plan: Plan, summaries: tuple[Summary, ...], complete: bool) -> tuple[Pair, ...]:
    places = list(combinations(range(len(summaries)), 2))
    by_seed = [{run.seed: run for run in summary.runs} for summary in summaries]
    shared = [tuple(seed for seed in plan.seeds if seed in by_seed[a] and seed in by_seed[b]) for a, b in places]

    def over_seeds(a: int, b: int, seeds: tuple[int, ...]) -> SeedTest | None:
        if len(seeds) < 2:
            return None
        first, second = (np.array([by_seed[each][seed].test.accuracy for seed in seeds]) for each in (a, b))
        return compare_over_seeds(first, second, plan.important, len(places))

    def on_images(a: int, b: int, seeds: tuple[int, ...]) -> ImageTest | None:
        if not seeds:
            return None
        first, second = (by_seed[each][seeds[0]].test.correct for each in (a, b))
        return compare_on_images(first, second, len(places))

    architectures = [over_seeds(a, b, seeds) for (a, b), seeds in zip(places, shared, strict=True)]
    models = [on_images(a, b, seeds) for (a, b), seeds in zip(places, shared, strict=True)]
    architectures_p = holm([test.p_value if test else None for test in architectures])
    models_p = holm([test.p_value if test else None for test in models])
    return tuple(
        Pair(
            first=a,
            second=b,
            seeds=shared[number],
            architectures=architectures[number],
            models=models[number],
            architectures_p=architectures_p[number],
            models_p=models_p[number],
            architectures_differ=complete and _is_shown(architectures_p[number]),
            models_differ=_is_shown(models_p[number]),
        )
        for number, (a, b) in enumerate(places)
    )


def _is_shown(p_value: float | None) -> bool:
    return p_value is not None and p_value < LEVEL
