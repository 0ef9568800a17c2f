"""The plan of a comparison: experiments and seeds, fixed before the first run, and what differs between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlpcore.experiment import Architecture, Experiment, InvalidExperiment, Range

MIN_EXPERIMENTS, MAX_EXPERIMENTS = 2, 6

SEED_COUNT = Range(
    "Number of seeds", 1, 50, "One trains each model once, five give a first idea, more find smaller differences."
)

SMALLEST_IMPORTANT = 0.0001
"""One of the 10,000 test images; smaller differences cannot be measured."""

IMPORTANT = 0.005
"""The default of the difference in accuracy that counts as important, as a fraction."""

_LABELS = {
    "hidden": "Architecture",
    "accumulate": "Gradient accumulation",
    "augment": "Augmentation",
    "train_size": "Training images",
    "validation": "Validation images",
    "order": "Order of images",
}


@dataclass(frozen=True)
class Plan:
    """A comparison before it is run: each experiment is to be trained once per seed.

    Attributes:
        experiments: 2 to 6 different ones on one dataset, in the order of the screen. Their own seeds do not matter.
        seeds: 1 to 50 different ones.
        important: the smallest difference in accuracy that the reader would care about, as a fraction.

    Raises:
        InvalidExperiment: with a sentence for ``experiments``, ``seeds`` or ``important``.
    """

    experiments: tuple[Experiment, ...]
    seeds: tuple[int, ...]
    important: float = IMPORTANT

    def __post_init__(self) -> None:
        problems = {
            "experiments": _problem_with_experiments(self.experiments),
            "seeds": _problem_with_seeds(self.seeds),
            "important": None
            if SMALLEST_IMPORTANT <= self.important < 1
            else f"An important difference of {100 * self.important:g} points is not possible: allowed is "
            f"{100 * SMALLEST_IMPORTANT:g} to less than 100.",
        }
        found = {field: problem for field, problem in problems.items() if problem}
        if found:
            raise InvalidExperiment(found)

    @property
    def runs(self) -> list[Experiment]:
        """All runs, in the order in which to train them: seed by seed, so that what is finished can be compared."""
        return [experiment.changed(seed=seed) for seed in self.seeds for experiment in self.experiments]

    @property
    def names(self) -> list[str]:
        """The name of each experiment on screen."""
        return names_of(self.experiments)

    @property
    def compares_architectures(self) -> bool:
        """Whether nothing but the architectures differs."""
        names = {"Architecture", *(_label(field) for field in Architecture.model_fields)}
        return what_differs(self.experiments).keys() <= names


def first_seeds(count: object, first: int = 0) -> tuple[int, ...]:
    """The seeds `first`, `first` + 1, …, `count` of them.

    Raises:
        InvalidExperiment: `count` is not a whole number from 1 to 50.
    """
    try:
        return tuple(range(first, first + SEED_COUNT.check(count)))
    except ValueError as problem:
        raise InvalidExperiment({"seeds": str(problem)}) from None


def names_of(experiments: Sequence[Experiment]) -> list[str]:
    """The names of several different experiments: the architecture and whatever else differs."""
    differences = what_differs(experiments)
    if not differences:
        return [experiment.architecture.title for experiment in experiments]
    titles = differences.pop("Architecture", None)
    settings = [
        " and ".join(f"{label.lower()} {values[number]}" for label, values in differences.items())
        for number in range(len(experiments))
    ]
    if titles is None:
        return [words[0].upper() + words[1:] for words in settings]
    return [f"{title} with {words}" if words else title for title, words in zip(titles, settings, strict=True)]


def what_differs(experiments: Sequence[Experiment]) -> dict[str, list[str]]:
    """The fields in which the experiments differ, seeds left out: each field's label, and a value per experiment.

    Everything is in words for the screen; hidden layers appear as ``Architecture`` with the architectures' titles.
    """
    fields = [experiment.fields() for experiment in experiments]
    return {
        _label(field): [_in_words(field, experiment) for experiment in experiments]
        for field in fields[0]
        if field != "seed" and any(each[field] != fields[0][field] for each in fields)
    }


def _label(field: str) -> str:
    return _LABELS.get(field, field.replace("_", " ").capitalize())


def _in_words(field: str, experiment: Experiment) -> str:
    if field == "hidden":
        return experiment.architecture.title
    match experiment.fields()[field]:
        case None:
            return "all"
        case bool(value):
            return "on" if value else "off"
        case int(value):
            return f"{value:,}"
        case float(value):
            return f"{value:g}"
        case value:
            return str(value).replace("_", " ")


def _problem_with_experiments(experiments: tuple[Experiment, ...]) -> str | None:
    count = len(experiments)
    if not MIN_EXPERIMENTS <= count <= MAX_EXPERIMENTS:
        return (
            f"{count:,} model{' is' if count == 1 else 's are'} not possible: a comparison needs {MIN_EXPERIMENTS} to "
            f"{MAX_EXPERIMENTS} different ones."
        )
    seedless = [experiment.changed(seed=0) for experiment in experiments]
    for number, experiment in enumerate(seedless):
        if experiment in seedless[:number]:
            return (
                f"{experiment.architecture.title} appears twice with the same settings. Equal seeds would give equal "
                "numbers, so change or remove one of them."
            )
    if len({experiment.data.dataset for experiment in experiments}) > 1:
        return "The models use different datasets, but only models tested on the same images can be compared. Choose one dataset for all."  # fmt: skip  # noqa: E501
    return None


def _problem_with_seeds(seeds: tuple[int, ...]) -> str | None:
    try:
        SEED_COUNT.check(len(seeds))
    except ValueError as problem:
        return str(problem)
    return None if len(set(seeds)) == len(seeds) else "A seed appears twice and would only repeat its numbers. Remove one."  # fmt: skip  # noqa: E501
