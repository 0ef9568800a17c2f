"""The claim that Adam is the better optimizer, tested at one learning rate for all and at each one's own best."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mlpcore.claims.claim import Chart, Claim, Finding, Training
from mlpcore.comparison.inference import compare_over_seeds
from mlpcore.comparison.plan import IMPORTANT, first_seeds
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment, OptimizerName
from mlpcore.figures.claims_optimizers import accuracy_by_optimizer, accuracy_by_rate

EXPERIMENT = TUTORIAL_PRESETS["one-hidden"].changed(train_size=15_000, validation=5_000)

NAMES: dict[OptimizerName, str] = {
    "sgd": "SGD",
    "momentum": "Momentum",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adam": "Adam",
}

RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
COMMON_RATE = EXPERIMENT.hyperparameters.learning_rate
"""The tutorial's learning rate, at which all are compared first."""

GRID_SEED = 100
"""The seed for choosing the rates; not one of the `SEEDS`, since the chosen rate may have been lucky with its seed."""

SEEDS = first_seeds(5)

LITTLE, MUCH = 0.02, 0.10
"""The lead of the best over the worst below which it counts as little, and above which as much, as fractions."""

NEAR_BEST = 0.02
"""A rate whose accuracy is this close to the optimizer's best still counts as good, as a fraction."""

Floats = npt.NDArray[np.float64]
Runs = Mapping[OptimizerName, Sequence[TrainedRun]]
Grid = Mapping[OptimizerName, Sequence[TrainedRun | None]]


def investigate(training: Training) -> Finding:
    """Tries every rate with one seed, then trains each optimizer at the common and at its best rate with others."""
    tried = training.try_out(
        [_at(name, rate, GRID_SEED) for name in NAMES for rate in RATES], len(RATES) / (len(RATES) + 2 * len(SEEDS))
    )
    grid = {name: tried[place * len(RATES) :][: len(RATES)] for place, name in enumerate(NAMES)}
    best = {name: best_rate(runs) for name, runs in grid.items()}
    # An optimizer whose best rate is the common one is trained once for both.
    needed = dict.fromkeys(
        _at(name, rate, seed) for seed in SEEDS for name in NAMES for rate in (COMMON_RATE, best[name])
    )
    trained = dict(
        zip(needed, training.train(list(needed), 2 * len(SEEDS) / (len(RATES) + 2 * len(SEEDS))), strict=True)
    )
    return conclude(
        grid,
        {name: [trained[_at(name, COMMON_RATE, seed)] for seed in SEEDS] for name in NAMES},
        {name: [trained[_at(name, best[name], seed)] for seed in SEEDS] for name in NAMES},
    )


def best_rate(runs: Sequence[TrainedRun | None]) -> float:
    """The rate with the highest validation accuracy in the end, the lowest of equals; None is a run that failed."""
    finished = [run for run in runs if run]
    return max(finished, key=_validated).experiment.hyperparameters.learning_rate


def conclude(grid: Grid, common: Runs, own: Runs) -> Finding:
    """What follows from the runs.

    Args:
        grid: per optimizer a run at each of the `RATES`, None where it failed.
        common: per optimizer the runs at the common rate, with the same seeds for all, in the same order, at least two.
        own: likewise, each at the rate that was best in the grid.
    """
    tested = {name: _tested(runs) for name, runs in own.items()}
    lead = _lead(tested)
    answer = 2 if lead < LITTLE else 0 if lead > MUCH else 1
    sentences = (
        _at_one_rate(common),
        _why_unfair(common),
        _at_own_rates(tested, _rates(own), _lead({name: _tested(runs) for name, runs in common.items()})),
        _against_adam(tested),
        _limits(grid, _rates(own)),
    )
    return Finding(answer, sentences, _charts(grid, common, own))


def _at_one_rate(common: Runs) -> str:
    tested = {name: _tested(runs) for name, runs in common.items()}
    return (
        f"All at learning rate {COMMON_RATE:g}, test accuracy, average of {len(common['adam'])} seeds: "
        f"{_list(tested)}. For each seed, every optimizer started with the same weights and saw the same batches. "
        f"{_best_and_worst(tested)}"
    )


def _why_unfair(common: Runs) -> str:
    moved = {name: _moved(runs) for name, runs in common.items()}
    text = (
        "But the same rate is not the same step. Plain SGD changes a weight by the rate times its gradient. Adam, "
        "RMSprop and Adagrad divide the gradient by the size of this weight's earlier gradients, so the weight changes "
        "by about the rate itself, or less with Adagrad, which counts all gradients since the start. Momentum adds the "
        "previous steps. Measured at this one rate: a typical update of Adam changed the first layer's weights by "
        f"{_percent(moved['adam'], 3)} of their size, one of SGD by {_percent(moved['sgd'], 3)}."
    )
    if moved["adam"] > 2 * moved["sgd"]:
        text += f" So Adam moved {moved['adam'] / moved['sgd']:.0f} times as fast, and SGD had hardly moved."
    return text


def _at_own_rates(tested: Mapping[OptimizerName, Floats], rates: Mapping[OptimizerName, float], before: float) -> str:
    chosen = ", ".join(f"{NAMES[name]} {rate:g}" for name, rate in rates.items())
    left = _lead(tested) / before if before > 0 else 1.0
    text = (
        f"The best rate of each, by validation images and with a seed of its own: {chosen}. With these, on test images "
        f"and with the other seeds: {_list(tested)}. {_best_and_worst(tested)}"
    )
    if left < 1:
        text += f" That is {_percent(left, 0)} of the distance at one rate for all."
    return text


def _against_adam(tested: Mapping[OptimizerName, Floats]) -> str:
    others = [name for name in tested if name != "adam"]
    within: list[str] = []
    beyond: list[str] = []
    changes: list[str] = []
    for name in others:
        test = compare_over_seeds(tested["adam"], tested[name], IMPORTANT, len(others))
        change = f"{NAMES[name]} {100 * test.difference:+.2f}"
        if test.joint_interval is None:
            changes.append(f"{change} (with every seed)")
            differs = test.difference != 0
        else:
            low, high = test.joint_interval
            changes.append(f"{change} ({100 * low:+.2f} to {100 * high:+.2f})")
            differs = not low <= 0 <= high
        (beyond if differs else within).append(NAMES[name])
    text = (
        f"Is the remaining difference within chance? In points above or below Adam: {'; '.join(changes)}. (In "
        "parentheses: 95 % intervals, which hold for all of them together.)"
    )
    if within:
        text += f" Within chance: {', '.join(within)}."
    if beyond:
        text += (
            f" Beyond it: {', '.join(beyond)}; part of that may be due to the rates, which were chosen with one seed "
            "from a coarse grid."
        )
    return text


def _limits(grid: Grid, rates: Mapping[OptimizerName, float]) -> str:
    good = {name: _good_rates(runs) for name, runs in grid.items()}
    counts = ", ".join(f"{NAMES[name]} {count}" for name, count in good.items())
    text = (
        f"How many of the {len(RATES)} rates came within {100 * NEAR_BEST:g} points of the optimizer's best one, on "
        f"validation images with one seed: {counts}. The more good rates there are, the less one has to search."
    )
    edge = [NAMES[name] for name, rate in rates.items() if rate in (RATES[0], RATES[-1])]
    if edge:
        text += f" At the edge of the grid, so an even better rate may lie beyond it: {', '.join(edge)}."
    diverged = [NAMES[name] for name, runs in grid.items() if None in runs]
    if diverged:
        text += f" With too high a rate the loss became infinite: {', '.join(diverged)}."
    return (
        f"{text} All this holds for this network, {EXPERIMENT.data.train_images:,} images and "
        f"{EXPERIMENT.hyperparameters.epochs} epochs. Studies disagree too: Wilson "
        "and others (2017) found well-tuned SGD better than Adam on new images, Choi and others (2019) that the winner "
        "depends on how widely the settings of each were searched."
    )


def _charts(grid: Grid, common: Runs, own: Runs) -> tuple[Chart, ...]:
    validated = {
        NAMES[name]: np.array([_validated(run) if run else np.nan for run in runs]) for name, runs in grid.items()
    }
    at_common, at_own = ({NAMES[name]: _tested(runs) for name, runs in chosen.items()} for chosen in (common, own))
    rates = _rates(own)
    common_means, own_means = (
        _list({name: _tested(runs) for name, runs in chosen.items()}) for chosen in (common, own)
    )
    best = "; ".join(
        f"{NAMES[name]}: best at {rates[name]:g} with {_percent(float(np.nanmax(values)))}"
        for name, values in zip(grid, validated.values(), strict=True)
    )
    return (
        Chart(
            f"Is there one learning rate that is fair to all? (Dotted: {COMMON_RATE:g})",
            accuracy_by_rate(RATES, validated, COMMON_RATE),
            f"Validation accuracy against the learning rate. {best}.",
            height=360,
        ),
        Chart(
            f"How accurate are all at rate {COMMON_RATE:g}?",
            accuracy_by_optimizer(at_common, dict.fromkeys(at_common, COMMON_RATE)),
            f"Test accuracy of every seed and its mean. Means: {common_means}.",
            height=280,
        ),
        Chart(
            "How accurate is each at its own best rate? (Note the scale)",
            accuracy_by_optimizer(at_own, {NAMES[name]: rate for name, rate in rates.items()}),
            f"Test accuracy of every seed and its mean. Means: {own_means}.",
            height=280,
        ),
    )


def _at(name: OptimizerName, rate: float, seed: int) -> Experiment:
    return EXPERIMENT.changed(optimizer=name, learning_rate=rate, seed=seed)


def _rates(runs: Runs) -> dict[OptimizerName, float]:
    return {name: chosen[0].experiment.hyperparameters.learning_rate for name, chosen in runs.items()}


def _validated(run: TrainedRun) -> float:
    """Validation accuracy in the end."""
    accuracy = run.history.epochs[-1].val_accuracy
    assert accuracy is not None, "every run has validation images"
    return accuracy


def _tested(runs: Sequence[TrainedRun]) -> Floats:
    """Test accuracy of every run, float64 [runs]."""
    return np.array([run.test.accuracy for run in runs])


def _moved(runs: Sequence[TrainedRun]) -> float:
    """Median over the watched updates of how far one changed the first layer's weights, as a share of their norm."""
    return float(np.median([record.layers[0].update_ratio for run in runs for record in run.history.health]))


def _good_rates(runs: Sequence[TrainedRun | None]) -> int:
    accuracies = np.array([_validated(run) for run in runs if run])
    return int((accuracies >= accuracies.max() - NEAR_BEST).sum())


def _lead(tested: Mapping[OptimizerName, Floats]) -> float:
    """How far the best mean is ahead of the worst, as a fraction."""
    means = [float(values.mean()) for values in tested.values()]
    return max(means) - min(means)


def _best_and_worst(tested: Mapping[OptimizerName, Floats]) -> str:
    best, worst = (choose(tested, key=lambda name: tested[name].mean()) for choose in (max, min))
    if best == worst:
        return "All were equally accurate."
    return f"The best, {NAMES[best]}, was {100 * _lead(tested):.1f} points ahead of the worst, {NAMES[worst]}."


def _list(tested: Mapping[OptimizerName, Floats]) -> str:
    return ", ".join(f"{NAMES[name]} {_percent(float(values.mean()))}" for name, values in tested.items())


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


OPTIMIZERS = Claim(
    name="optimizers",
    title="Optimizers",
    says=(
        "The optimizer decides how a gradient changes the weights. Adam, which adapts the step to each weight, is the "
        "usual choice, better than plain gradient descent (SGD)."
    ),
    done=(
        f"The tutorial's smaller network, {EXPERIMENT.architecture.title.lower()}, learns "
        f"{EXPERIMENT.data.train_images:,} digits for {EXPERIMENT.hyperparameters.epochs} epochs with SGD, SGD with "
        f"momentum, RMSprop, Adagrad and Adam: first at {len(RATES)} learning rates with one seed, to find each one's "
        f"best on validation images ({len(NAMES) * len(RATES)} runs). Then with {len(SEEDS)} other seeds, all at rate "
        f"{COMMON_RATE:g} and each at its own best (up to {2 * len(NAMES) * len(SEEDS)} runs). Equal seeds start with "
        "equal weights."
    ),
    question=(
        "With each at its own best learning rate, how far ahead of the worst is the best of the five on test images?"
    ),
    answers=(
        f"More than {100 * MUCH:g} points: the choice of optimizer matters most",
        f"{100 * LITTLE:g} to {100 * MUCH:g} points",
        f"Less than {100 * LITTLE:g} points: with its own rate, each gets about equally far",
    ),
    investigate=investigate,
)
