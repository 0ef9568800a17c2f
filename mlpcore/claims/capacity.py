"""The claim that more neurons and more layers add capacity, and with it accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlpcore.claims.claim import Chart, Claim, Finding, Training
from mlpcore.comparison.inference import SeedTest, compare_over_seeds
from mlpcore.comparison.plan import IMPORTANT, first_seeds
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import CLASSES, TUTORIAL_PRESETS, Architecture
from mlpcore.figures.claims_capacity import Series, accuracy_by_size, gains_of_steps, gap_and_time_by_size
from mlpcore.network import parameter_count

EXPERIMENT = TUTORIAL_PRESETS["one-hidden"].changed(train_size=10_000, epochs=10)
"""A sixth of the images, so that the widest network, too, can be trained with several seeds."""

SEEDS = first_seeds(6)

Hidden = tuple[int, ...]

WIDTHS: tuple[Hidden, ...] = ((4,), (16,), (64,), (256,), (1024,))
DEPTHS: tuple[Hidden, ...] = ((), (256,), (256, 256), (256, 256, 256))
NARROW, NORMAL, WIDE, USUAL = WIDTHS[0], WIDTHS[2], WIDTHS[-1], DEPTHS[1]

A_POINT = 0.01
"""A gain of less is not counted as one of the answers, as a fraction."""

Floats = npt.NDArray[np.float64]
Runs = Mapping[Hidden, Sequence[TrainedRun]]


@dataclass(frozen=True)
class Growth:
    """From one network to a larger one, and its name on the chart."""

    smaller: Hidden
    larger: Hidden
    name: str


FIRST_LAYER = Growth((), USUAL, "0 → 1 layer")
SECOND_LAYER = Growth(USUAL, DEPTHS[2], "1 → 2 layers")
MORE_LAYERS = Growth(USUAL, DEPTHS[3], "1 → 3 layers")
MORE_NEURONS = Growth(NORMAL, WIDE, f"{NORMAL[0]} → {WIDE[0]:,} neurons")
BOTTLENECK = Growth((), NARROW, f"0 → {NARROW[0]} neurons")

CHOICES = {
    FIRST_LAYER: f"the first hidden layer, of {USUAL[0]} neurons",
    MORE_NEURONS: f"{WIDE[0] // NORMAL[0]} times as many neurons in one hidden layer",
    MORE_LAYERS: "three hidden layers instead of one",
}
"""In the order of the claim's answers, and in words; the last answer is that none of them gains a point."""

SHOWN = (FIRST_LAYER, SECOND_LAYER, MORE_LAYERS, MORE_NEURONS)
TESTED = (*SHOWN, BOTTLENECK)
"""Their intervals hold together."""


def investigate(training: Training) -> Finding:
    """Trains every width and every depth with every seed, and says what the larger ones gain."""
    # The network of USUAL size is one of both.
    every = dict.fromkeys(WIDTHS + DEPTHS)
    runs = training.train([EXPERIMENT.changed(hidden=hidden, seed=seed) for seed in SEEDS for hidden in every])
    return conclude({
        hidden: [run for run in runs if run.experiment.architecture.hidden == hidden] for hidden in every
    })  # fmt: skip


def conclude(runs: Runs) -> Finding:
    """What follows from the runs, with the same seeds for every network, in the same order, at least two."""
    gains = {
        growth: compare_over_seeds(_tested(runs[growth.smaller]), _tested(runs[growth.larger]), IMPORTANT, len(TESTED))
        for growth in TESTED
    }
    answer = _answer(runs, gains)
    sentences = (
        _what_gained_most(answer, gains, len(runs[USUAL])),
        _layers(gains),
        _widths(runs, gains),
        _gap(runs),
        _time(runs),
    )
    return Finding(answer, sentences, _charts(runs, gains))


def _answer(runs: Runs, gains: Mapping[Growth, SeedTest]) -> int | None:
    """The choice that gained most; None if chance leaves open which of the best two that is."""
    choices = list(CHOICES)
    best, second, _ = sorted(choices, key=lambda growth: -gains[growth].difference)
    if gains[best].difference < A_POINT:
        return len(choices)
    lead = compare_over_seeds(_gained(runs, second), _gained(runs, best), IMPORTANT)
    return choices.index(best) if _is_clear(lead, lead.interval) else None


def _what_gained_most(answer: int | None, gains: Mapping[Growth, SeedTest], seeds: int) -> str:
    listed = "; ".join(f"{words} {_change(gains[growth])}" for growth, words in CHOICES.items())
    result = (
        f"Points of test accuracy gained, average of {seeds} seeds: {listed}. (In parentheses: 95 % intervals, which "
        "hold for all of them together.)"
    )
    if answer is None:
        return f"{result} Which of the best two gains more is within chance, so no prediction is right or wrong here."
    if answer == len(CHOICES):
        return f"{result} None of them gained {100 * A_POINT:g} point."
    return f"{result} Most came from {list(CHOICES.values())[answer]}."


def _layers(gains: Mapping[Growth, SeedTest]) -> str:
    first, second, more = (gains[growth] for growth in (FIRST_LAYER, SECOND_LAYER, MORE_LAYERS))
    text = (
        f"Without a hidden layer, each of the {CLASSES} logits is a weighted sum of the pixels: a pixel counts for or "
        "against a digit, whatever the other pixels are. Hidden neurons can respond to several strokes together. "
    )
    if not _is_clear(first, first.joint_interval):
        text += "Here the first hidden layer made no difference beyond chance. "
    text += (
        f"After the first layer of {USUAL[0]} neurons, a second one gave {_change(second)} points, a second and a "
        f"third together {_change(more)}."
    )
    if max(second.difference, more.difference) < first.difference / 2:
        text += (
            " One hidden layer, if wide enough, can already come as close as one likes to any continuous function. A "
            "second one can only make it easier to learn, and for small, centered digits that is little. Deep networks "
            "became famous for large, complex images, and with other kinds of layers."
        )
    return text


def _widths(runs: Runs, gains: Mapping[Growth, SeedTest]) -> str:
    means = [float(_tested(runs[hidden]).mean()) for hidden in WIDTHS]
    course = ", ".join(f"{_percent(mean)} with {hidden[0]:,}" for hidden, mean in zip(WIDTHS, means, strict=True))
    text = f"Test accuracy by the neurons of one hidden layer: {course}."
    rises = np.diff(means)
    if (rises > 0).all() and rises[-1] < rises[0] / 2:
        text += (
            f" Each step here is {WIDTHS[1][0] // WIDTHS[0][0]} times the neurons, and the last step gains "
            f"{100 * rises[-1]:.1f} points where the first gained {100 * rises[0]:.1f}."
        )
    narrow = gains[BOTTLENECK]
    if narrow.difference < 0 and _is_clear(narrow, narrow.joint_interval):
        text += (
            f" {NARROW[0]} neurons are worse than no hidden layer at all: {_change(narrow)} points, since all that the "
            f"output layer gets of an image are {NARROW[0]} numbers. A hidden layer adds capacity only if it is wide "
            "enough."
        )
    return text


def _gap(runs: Runs) -> str:
    gaps = {hidden: float(np.mean([run.gap for run in of])) for hidden, of in runs.items()}
    tested = {hidden: float(_tested(of).mean()) for hidden, of in runs.items()}
    smallest, best, widest = (
        min(runs, key=_parameters),
        max(tested, key=tested.__getitem__),
        max(gaps, key=gaps.__getitem__),
    )
    text = (
        "The generalization gap says how much better a network is on its training images than on new ones: "
        f"{100 * gaps[smallest]:.1f} points for the smallest network, at most {100 * gaps[widest]:.1f} "
        f"({_title(widest)}), {100 * gaps[best]:.1f} for the one with the best test accuracy ({_title(best)})."
    )
    if gaps[best] > 2 * gaps[smallest]:
        text += (
            " The best network on new images is not the one with a small gap: capacity improves the accuracy on "
            "training images, and on new ones as well, only less. A gap is a sign of overfitting, but not yet a harm."
        )
    return text


def _time(runs: Runs) -> str:
    smallest, largest = min(runs, key=_parameters), max(runs, key=_parameters)
    short, long = (_seconds(runs[hidden]) for hidden in (smallest, largest))
    times_larger, times_longer = _parameters(largest) / _parameters(smallest), long / short
    text = (
        f"From the smallest network ({_parameters(smallest):,} parameters) to the largest ({_parameters(largest):,}), "
        f"{times_larger:.0f} times as large, training took {short:.1f} and {long:.1f} seconds (median of the seeds), "
        f"{times_longer:.1f} times as long."
    )
    if times_longer < times_larger / 2:
        text += " Small networks spend most of a step on its fixed costs."
    return (
        f"{text} All of this was measured with {EXPERIMENT.data.train_images:,} images and "
        f"{EXPERIMENT.hyperparameters.epochs} epochs for every network; the results may be different with other data."
    )


def _charts(runs: Runs, gains: Mapping[Growth, SeedTest]) -> tuple[Chart, ...]:
    by_width = _series("1 layer, by neurons", WIDTHS, [f"{hidden[0]:,}" for hidden in WIDTHS], runs)
    by_depth = _series(f"{USUAL[0]} neurons, by layers", DEPTHS, [str(len(hidden)) for hidden in DEPTHS], runs)
    means = "; ".join(f"{_title(hidden)}: {_percent(_tested(of).mean())}" for hidden, of in runs.items())
    steps = "; ".join(f"{growth.name}: {_change(gains[growth])}" for growth in SHOWN)
    others = "; ".join(
        f"{_title(hidden)}: {100 * np.mean([run.gap for run in of]):.1f} points, {_seconds(of):.1f} s"
        for hidden, of in runs.items()
    )
    return (
        Chart(
            "How accurate is a network with so many parameters?",
            accuracy_by_size(by_width, by_depth),
            f"Test accuracy of every seed and its mean against the parameters. {means}.",
            height=340,
        ),
        Chart(
            "What does each step gain?",
            gains_of_steps(
                [growth.name for growth in SHOWN],
                [_gained(runs, growth) for growth in SHOWN],
                [gains[growth].joint_interval for growth in SHOWN],
            ),
            f"Points of test accuracy gained, mean and interval. {steps}.",
            height=260,
        ),
        Chart(
            "What does it cost?",
            gap_and_time_by_size(by_width, by_depth),
            f"Generalization gap and training time against the parameters. {others}.",
            height=440,
        ),
    )


def _series(name: str, hiddens: Sequence[Hidden], labels: Sequence[str], runs: Runs) -> Series:
    return Series(
        name,
        labels,
        np.array([_parameters(hidden) for hidden in hiddens]),
        np.array([_tested(runs[hidden]) for hidden in hiddens]),
        np.array([[run.gap for run in runs[hidden]] for hidden in hiddens]),
        np.array([_seconds(runs[hidden]) for hidden in hiddens]),
    )


def _tested(runs: Sequence[TrainedRun]) -> Floats:
    """Test accuracy of every run, float64 [runs]."""
    return np.array([run.test.accuracy for run in runs])


def _gained(runs: Runs, growth: Growth) -> Floats:
    """Test accuracy gained with every seed, float64 [seeds]."""
    return _tested(runs[growth.larger]) - _tested(runs[growth.smaller])


def _seconds(runs: Sequence[TrainedRun]) -> float:
    """Training time: the median, since now and again the machine has something else to do."""
    return float(np.median([run.train_seconds for run in runs]))


def _parameters(hidden: Hidden) -> int:
    return parameter_count(Architecture(hidden=hidden))


def _title(hidden: Hidden) -> str:
    return "no hidden layer" if not hidden else " + ".join(f"{size:,}" for size in hidden)


def _is_clear(test: SeedTest, interval: tuple[float, float] | None) -> bool:
    """Whether the difference goes beyond chance; without an interval every seed gave the same."""
    return test.difference != 0 if interval is None else not interval[0] <= 0 <= interval[1]


def _change(test: SeedTest) -> str:
    change = f"{100 * test.difference:+.1f}"
    if test.joint_interval is None:
        return f"{change} (with every seed)"
    low, high = test.joint_interval
    chance = "" if _is_clear(test, test.joint_interval) else ", within chance"
    return f"{change} ({100 * low:+.1f} to {100 * high:+.1f}{chance})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


CAPACITY = Claim(
    name="capacity",
    title="Capacity",
    says=(
        "More neurons and more layers give a network more capacity: it can learn more complex patterns and becomes "
        "more accurate."
    ),
    done=(
        f"Networks with one hidden layer of {', '.join(f'{hidden[0]:,}' for hidden in WIDTHS)} neurons, and networks "
        f"with {', '.join(str(len(hidden)) for hidden in DEPTHS)} hidden layers of {USUAL[0]} neurons learn "
        f"{EXPERIMENT.data.train_images:,} digits for {EXPERIMENT.hyperparameters.epochs} epochs. With "
        f"{len(SEEDS)} seeds each, that makes {len(SEEDS) * len({*WIDTHS, *DEPTHS})} runs."
    ),
    question="Which step increases the accuracy on test images most?",
    answers=(
        f"The first hidden layer: none → one of {USUAL[0]} neurons",
        f"More neurons: {NORMAL[0]} → {WIDE[0]:,} in one hidden layer",
        f"More layers: one → three hidden layers of {USUAL[0]} neurons",
        f"None of them gains {100 * A_POINT:g} point",
    ),
    investigate=investigate,
)
