"""The conclusion of a comparison, in sentences for readers who have never heard of a p-value.

A difference that is not shown is never called absent: the sentence says how large it may be.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mlpcore.comparison.inference import POWER, ImageTest, Interval, SeedTest
from mlpcore.comparison.results import Comparison, Pair

FEW_SEEDS = 10
"""With fewer, their spread is a rough estimate: that of 9 has a 95 % interval of 0.7 to 1.9 times the estimate."""

PAIRS_NAMED = 3

_SAME_IMAGES = "exactly the same test images"
_SAME_DIFFERENCE = "the difference was exactly the same with every seed"


@dataclass(frozen=True)
class _Found:
    """What either test found between two experiments; the difference is second minus first."""

    first: str
    second: str
    difference: float
    interval: Interval | None
    shown: bool

    @property
    def better(self) -> str:
        return self.second if self.difference >= 0 else self.first

    @property
    def worse(self) -> str:
        return self.first if self.difference >= 0 else self.second

    @property
    def lead(self) -> float:
        """The absolute difference: how far the better one is ahead."""
        return abs(self.difference)

    @property
    def lead_interval(self) -> Interval:
        assert self.interval
        low, high = self.interval
        return (low, high) if self.difference >= 0 else (-high, -low)


def verdict(comparison: Comparison) -> str:
    """All three sentences: about these models, about these architectures, and about what could have been shown."""
    return " ".join([models_sentence(comparison), architectures_sentence(comparison), sensitivity_sentence(comparison)])


def short_sentence(comparison: Comparison) -> str:
    """For two experiments that were trained to the end, both conclusions in one sentence.

    Raises:
        ValueError: there are more than two, or the comparison was cut short.
    """
    if len(comparison.pairs) != 1 or not comparison.is_complete:
        raise ValueError("Only a complete comparison of two has a short sentence.")
    [pair] = comparison.pairs
    assert pair.models
    models = _found(comparison, pair, pair.models, pair.models_differ)
    seeds = len(comparison.plan.seeds)
    start = f"In short: of these two trained models, {models.better} is the better one"
    if pair.architectures is None:
        if not pair.models_differ:
            return "In short: neither of these two trained models is shown to be better, and one seed cannot tell more."
        return f"{start}, but one seed cannot tell whether that holds for such models in general."
    overall = _found(comparison, pair, pair.architectures, pair.architectures_differ)
    if not pair.models_differ and not pair.architectures_differ:
        return f"In short: no difference is shown, neither between these two trained models nor over {seeds} seeds."
    if not pair.architectures_differ:
        return (
            f"{start}, but {seeds} seeds do not show that this holds for such models in general: it may be luck with "
            "this seed."
        )
    if not pair.models_differ:
        return (
            f"In short: over {seeds} seeds {overall.better} does better on average, but these two trained models are "
            "not shown to differ."
        )
    if models.better == overall.better:
        return f"{start}, and it also does better on average over {seeds} seeds."
    return f"{start}, but over {seeds} seeds {overall.better} does better on average: this seed is not typical."


def models_sentence(comparison: Comparison) -> str:
    """Which of the trained models, those of the first seed, are better at images like the test images?"""
    tested = [(pair, test) for pair in comparison.pairs if (test := pair.models)]
    if not tested:
        return "These trained models: nothing can be concluded yet, since no two of them are finished."
    found = [_found(comparison, pair, test, pair.models_differ) for pair, test in tested]
    seeds = {pair.image_seed for pair, _ in tested}
    which = f"These trained models (seed {seeds.pop()})" if len(seeds) == 1 else "These trained models"
    _, test = tested[0]
    if len(comparison.pairs) > 1:
        return f"{which}: on the {test.images:,} test images {_several(found, f'they recognized {_SAME_IMAGES}')}."
    return f"{which}: {_two_models(test, found[0])}."


def architectures_sentence(comparison: Comparison) -> str:
    """Which of the experiments are better on average over all seeds?"""
    what = "These architectures" if comparison.plan.compares_architectures else "These settings"
    planned, reached = len(comparison.plan.seeds), len(comparison.common_seeds)
    if planned == 1:
        return (
            f"{what}: nothing can be concluded yet, since each was trained with one seed only. Another seed (other "
            "initial weights, another order of the images) would give each another accuracy, and a single run does not "
            "show by how much."
        )
    if not comparison.is_complete:
        return (
            f"{what}: nothing can be concluded, since this comparison was cut short: {reached} of the {planned} "
            "planned seeds are finished for all models, and a comparison that may be stopped at any time can be "
            "stopped when the numbers happen to look good."
        )
    tested = [(pair, test) for pair in comparison.pairs if (test := pair.architectures)]
    found = [_found(comparison, pair, test, pair.architectures_differ) for pair, test in tested]
    if len(found) > 1:
        return f"{what}: over {planned} seeds {_several(found, _SAME_DIFFERENCE)}."
    return f"{what}: {_two_architectures(tested[0][1], found[0])}."


def sensitivity_sentence(comparison: Comparison) -> str:
    """How large a difference these seeds can show between architectures, and how many can show the important one."""
    tests = [test for pair in comparison.pairs if (test := pair.architectures) and test.detectable is not None]
    if not tests:
        important = 100 * comparison.plan.important
        return (
            f"How many seeds it takes to show a difference of {important:g} points is not known: to estimate it takes "
            "several seeds whose results differ."
        )
    test = max(tests, key=lambda test: test.spread)
    assert test.detectable is not None and test.seeds_needed is not None
    size = f"a real difference of {_points(test.detectable)}" if test.detectable < 1 else "hardly any difference"
    between = " between any two of them" if len(comparison.pairs) > 1 else ""
    rough = ", roughly estimated from so few" if test.seeds < FEW_SEEDS else ""
    return (
        f"What {test.seeds} seeds can show{rough}: {size}{between} is found in {_percent(POWER)} of such comparisons; "
        f"finding {100 * comparison.plan.important:g} points as often takes about {test.seeds_needed:,} seeds."
    )


def _found(comparison: Comparison, pair: Pair, test: SeedTest | ImageTest, shown: bool) -> _Found:
    first, second = (_within_sentence(comparison.summaries[place].name) for place in (pair.first, pair.second))
    return _Found(first, second, test.difference, test.joint_interval, shown)


def _within_sentence(name: str) -> str:
    article = "the " if name.startswith("Linear softmax classifier") else ""
    return article + name[0].lower() + name[1:]


def _two_models(test: ImageTest, found: _Found) -> str:
    fewer, more = sorted([test.only_first, test.only_second])
    if found.interval is None:
        return f"both recognized {_SAME_IMAGES}, so these show no difference"
    if fewer == more:
        counts = f"each recognized {more:,} of the {test.images:,} test images that the other did not"
        return f"no difference is shown: {counts}, and {_may_be(found)}"
    counts = (
        f"{found.better} recognized {more - fewer:,} more of the {test.images:,} test images than {found.worse} "
        f"({more:,} that only it recognized, {fewer:,} that only the other did)"
    )
    luck = f"equally good models would differ at least this much in {_percent(test.p_value)} of such tests"
    if found.shown:
        return f"{counts}, and is the better one for images like these: {luck}"
    return f"no difference is shown: {counts}, but {luck}; {_may_be(found)}"


def _two_architectures(test: SeedTest, found: _Found) -> str:
    if test.p_value is None:
        difference = _points(found.lead)
        return (
            f"nothing can be concluded, since {_SAME_DIFFERENCE} ({difference}), so there is no spread to judge it by"
        )
    luck = f"equally good ones would differ at least this much in {_percent(test.p_value)} of such comparisons"
    if found.shown:
        return (
            f"over {test.seeds} seeds {found.better} did better than {found.worse} by {_points(found.lead)} on average "
            f"(95 % interval {_from_to(found.lead_interval)}); {luck}"
        )
    if found.lead == 0:
        return f"no difference is shown: over {test.seeds} seeds both did equally well on average, and {_may_be(found)}"
    return (
        f"no difference is shown: over {test.seeds} seeds {found.better} came out {_points(found.lead)} ahead of "
        f"{found.worse} on average, but {luck}; {_may_be(found)}"
    )


def _may_be(found: _Found) -> str:
    low, high = found.lead_interval
    return f"{found.better} may really be anything from {_points(-low)} worse to {_points(high)} better (95 % interval)"


def _several(found: Sequence[_Found], why_not: str) -> str:
    """What is shown between more than two, and how large the other differences may be.

    `why_not` says why there is no interval, for pairs that have none.
    """
    beaten: dict[str, list[str]] = defaultdict(list)
    for each in found:
        if each.shown:
            beaten[each.better].append(f"{each.worse} (by {_points(each.lead)})")
    parts = [f"{better} did better than {_listed(worse)}" for better, worse in beaten.items()]
    undecided = [each for each in found if not each.shown and each.interval]
    if undecided:
        largest = max(abs(end) for each in undecided for end in each.lead_interval)
        parts.append(
            f"{_between(undecided, len(found))} no difference is shown, but it may be as large as {_points(largest)} "
            "either way (95 % interval)"
        )
    if unknown := [each for each in found if each.interval is None]:
        parts.append(f"{_between(unknown, len(found))} nothing can be said, since {why_not}")
    return "; ".join(parts) + f" (corrected for comparing {len(found)} pairs)"


def _between(some: Sequence[_Found], pairs: int) -> str:
    if len(some) == pairs:
        return "between any two of them"
    if len(some) > PAIRS_NAMED:
        return f"for {len(some)} other pairs"
    return _listed([f"between {each.first} and {each.second}" for each in some])


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _from_to(interval: Interval) -> str:
    return " to ".join(_points(end).removesuffix(" points") for end in interval)


def _points(difference: float) -> str:
    """A difference of accuracies; one that is not zero never looks like zero."""
    points = 100 * difference
    number = f"{points:.2f}" if abs(points) >= 0.005 or points == 0 else f"{points:.1g}"
    return f"{number} points"


def _percent(share: float) -> str:
    percent = 100 * share
    if percent < 0.1:
        return "less than 0.1 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"
