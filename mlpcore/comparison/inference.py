"""The intervals and tests of a comparison.

Two questions are kept apart, as Dietterich does ("Approximate statistical tests for comparing supervised classification
learning algorithms", Neural Computation 10, 1998):

- *These trained models*: would two models differ on other images of this kind? Chance chose the images. Both
  models saw the same ones, so McNemar's test is taken.
- *These architectures*: would they differ on average over all seeds? Chance chose the seeds. With one seed both
  draw the same random numbers, so the differences per seed are tested, by Student's paired t-test. Its conclusion holds
  for these training and these test images, which no seed changes. The signed-rank test, which does without normal
  distributions, cannot find anything at 5 % with fewer than six seeds, so it is not taken.

All accuracies and differences are fractions. A difference is that of the second minus the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import brentq

LEVEL = 0.05
"""How often a difference may be claimed where there is none; intervals are at 1 - `LEVEL`, that is 95 %."""

POWER = 0.8
"""How often a real difference shall be found: the customary value (Cohen, "Statistical power analysis for the
behavioral sciences", 2nd ed. 1988)."""

Interval = tuple[float, float]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class SeedTest:
    """Two experiments that were trained with the same seeds: is there a difference on average over all seeds?

    Attributes:
        seeds: how many, at least 2.
        difference: mean over the seeds.
        spread: standard deviation of the differences per seed.
        p_value: of the paired t-test, two-sided. None where the difference was the same with every seed, which leaves
            no spread to compare it with; then the intervals and what a test could show are None, too.
        interval: 95 % t-interval of the difference, for this pair alone.
        joint_interval: wider, so that those of all pairs of the comparison hold together in 95 % (Bonferroni).
        level: the strictest one that Holm's correction may ask of this pair, 5 % over the number of pairs.
        important: the difference that `seeds_needed` is about.
    """

    seeds: int
    difference: float
    spread: float
    p_value: float | None
    interval: Interval | None
    joint_interval: Interval | None
    level: float
    important: float

    @property
    def detectable(self) -> float | None:
        """The smallest difference that is found in 80 % of all comparisons with so many seeds and such a spread."""
        return self.spread * smallest_effect(self.seeds, self.level) if self.spread else None

    @property
    def seeds_needed(self) -> int | None:
        """With how many seeds the important difference is found as often."""
        return seeds_for_effect(self.important / self.spread, self.level) if self.spread else None


@dataclass(frozen=True)
class ImageTest:
    """Two trained models on the same N test images: is one of them better at such images?

    Attributes:
        both, only_first, only_second, nobody: images that both, one or none of them recognized.
        difference: that of their accuracies on these images.
        p_value: of McNemar's exact test, two-sided.
        interval: 95 % interval of the difference, for this pair alone; None if the same images were recognized.
        joint_interval: wider, so that those of all pairs of the comparison hold together in 95 % (Bonferroni).
    """

    both: int
    only_first: int
    only_second: int
    nobody: int
    difference: float
    p_value: float
    interval: Interval | None
    joint_interval: Interval | None

    @property
    def images(self) -> int:
        """Test images."""
        return self.both + self.only_first + self.only_second + self.nobody


def mean_interval(values: Sequence[float] | Floats, level: float = LEVEL) -> Interval | None:
    """Student's t-interval at 1 - `level` of the mean of a normal distribution from which `values` were drawn.

    None for fewer than two values, or where all are equal: then nothing tells how far others would lie.
    """
    if len(values) < 2 or _without_spread(values):
        return None
    low, high = stats.t.interval(1 - level, len(values) - 1, np.mean(values), stats.sem(values))
    return float(low), float(high)


def compare_over_seeds(first: Floats, second: Floats, important: float, pairs: int = 1) -> SeedTest:
    """The paired t-test (Student, "The probable error of a mean", Biometrika 6, 1908) for accuracies per seed.

    Args:
        first, second: accuracy with each of n seeds, float64 [n] each, n at least 2, in the same order of seeds.
        important: the difference that `SeedTest.seeds_needed` is about, as a fraction.
        pairs: pairs in the comparison.
    """
    differences = second - first
    has_spread = not _without_spread(differences)
    return SeedTest(
        seeds=len(differences),
        difference=float(differences.mean()),
        spread=float(differences.std(ddof=1)) if has_spread else 0.0,
        p_value=float(stats.ttest_rel(second, first).pvalue) if has_spread else None,
        interval=mean_interval(differences),
        joint_interval=mean_interval(differences, LEVEL / pairs),
        level=LEVEL / pairs,
        important=important,
    )


def compare_on_images(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], pairs: int = 1) -> ImageTest:
    """McNemar's test in its exact form, which is the binomial test on the images that only one of two models knew.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947. The interval is Clopper and Pearson's (Biometrika 26, 1934) for the share of those images
    that the second one knew, as a difference of accuracies: it leaves out 0 where the test is significant.

    Args:
        first, second: which images each of them recognized, bool [N] each, N at least 1.
        pairs: pairs in the comparison.
    """
    images = len(first)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    one_of_them = only_first + only_second
    test = stats.binomtest(only_second, one_of_them, 0.5) if one_of_them else None

    def interval(level: float) -> Interval | None:
        if test is None:
            return None
        share = test.proportion_ci(1 - level, method="exact")
        low, high = ((2 * end - 1) * one_of_them / images for end in (share.low, share.high))
        return float(low), float(high)

    return ImageTest(
        both=int((first & second).sum()),
        only_first=only_first,
        only_second=only_second,
        nobody=int((~first & ~second).sum()),
        difference=(only_second - only_first) / images,
        p_value=float(test.pvalue) if test else 1.0,
        interval=interval(LEVEL),
        joint_interval=interval(LEVEL / pairs),
    )


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction ("A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6, 1979).

    Claiming a difference wherever the corrected value is below 5 % makes no false claim at all in at least 95 % of all
    comparisons, whichever differences are real. A test that could not be made (None) counts, and stays None.
    """
    count = len(p_values)
    corrected: list[float | None] = [None] * count
    largest = 0.0
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (count - rank) * p))
        corrected[place] = largest
    return corrected


def power(effect: float, seeds: int, level: float = LEVEL) -> float:
    """How often a two-sided paired t-test finds a real difference, and in the right direction, 0 to 1.

    By the noncentral t distribution, see Cohen (above), chapter 2.

    Args:
        effect: the real difference over the standard deviation of the differences per seed, at least 0.
        seeds: at least 2.
        level: of the test.
    """
    threshold = stats.t.isf(level / 2, seeds - 1)
    return float(stats.nct.sf(threshold, seeds - 1, effect * np.sqrt(seeds)))


def smallest_effect(seeds: int, level: float = LEVEL) -> float:
    """The `effect` that is found with a `power` of 80 %."""
    high = 1.0
    while power(high, seeds, level) < POWER:
        high *= 2
    return float(brentq(lambda effect: power(effect, seeds, level) - POWER, 0, high))


def seeds_for_effect(effect: float, level: float = LEVEL) -> int:
    """The fewest seeds, at least 2, with which an `effect` above 0 is found with a `power` of at least 80 %."""
    enough = 2
    while power(effect, enough, level) < POWER:
        enough *= 2
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if power(effect, middle, level) < POWER:
            too_few = middle
        else:
            enough = middle
    return enough


def _without_spread(values: Any) -> bool:
    """Whether values that are shares of some thousand images are equal, but for their last bits."""
    return bool(np.ptp(values) < 1e-9)
