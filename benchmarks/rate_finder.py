"""Which rule reads the best learning rate off a range test: ours, fastai's valley or Lightning's steepest point?

For each of the seven optimizers, each rule runs its own test (rates, steps and smoothing as published) and a model is
trained for one epoch at the suggested rate. For reference, the same model is also trained at a grid of rates. Accuracy
is measured on the 5,000 validation images. Batches of 64, one hidden layer of 256; mean over the seeds.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/rate_finder.py`

from mlpcore import datasets
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment, OptimizerName, experiment_from_fields
from mlpcore.rate_finder import run_rate_test
from mlpcore.training import EpochEnd, Step, Trainer, TrainingDiverged

GRID = np.geomspace(1e-4, 1, 13)

Floats = npt.NDArray[np.float64]


def ours(experiment: Experiment, dataset: Dataset) -> float | None:
    """`mlpcore.rate_finder`: where the loss has made two thirds of its fall."""
    *_, test = run_rate_test(experiment, dataset)
    return test.suggestion


def our_former_rule(experiment: Experiment, dataset: Dataset) -> float | None:
    """On the same curve: the steepest point, but at most a tenth of the rate with the lowest loss."""
    *_, test = run_rate_test(experiment, dataset)
    slopes = np.gradient(test.losses, np.log(test.rates))
    return float(min(test.rates[slopes.argmin()], test.rates[test.losses.argmin()] / 10))


def fastai_valley(experiment: Experiment, dataset: Dataset) -> float | None:
    """fastai's `Learner.lr_find` with its defaults: half-way along the longest falling subsequence of the losses.

    100 steps from 1e-7 to 10, smoothed by 0.98, without the first 10 and the last 5.
    """
    rates = 1e-7 * (10 / 1e-7) ** (np.arange(100) / 100)
    losses = _smoothed_losses(experiment, dataset, rates)
    rates, losses = rates[: len(losses)][10:-5], losses[10:-5]
    lengths = np.ones(len(losses), int)
    for i in range(1, len(losses)):
        before = lengths[:i][losses[:i] > losses[i]]
        lengths[i] = before.max(initial=0) + 1
    end = int(lengths.argmax())
    start = end - lengths[end]
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def lightning_until_2025(experiment: Experiment, dataset: Dataset) -> float | None:
    """Lightning's `Tuner.lr_find` with its defaults, before pull request 21055: the steepest point per step.

    100 steps from 1e-8 to 1, smoothed by 0.98, without the first 10 and the last.
    """
    rates, losses = _lightning_curve(experiment, dataset)
    return float(rates[np.gradient(losses).argmin()])


def lightning_since_2025(experiment: Experiment, dataset: Dataset) -> float | None:
    """The same since then: the steepest point per unit of the rate itself (pull request 21171 would undo this)."""
    rates, losses = _lightning_curve(experiment, dataset)
    return float(rates[np.gradient(losses, rates).argmin()])


def _lightning_curve(experiment: Experiment, dataset: Dataset) -> tuple[Floats, Floats]:
    rates = 1e-8 ** (1 - np.arange(1, 101) / 100)
    losses = _smoothed_losses(experiment, dataset, rates)
    return rates[: len(losses)][10:-1], losses[10:-1]


RULES: dict[str, Callable[[Experiment, Dataset], float | None]] = {
    "ours": ours,
    "our former rule": our_former_rule,
    "fastai's valley": fastai_valley,
    "Lightning until 2025": lightning_until_2025,
    "Lightning since 2025": lightning_since_2025,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="seeds for each optimizer and rule (default 3)")
    arguments = parser.parse_args()
    dataset = datasets.load("mnist")
    behind: dict[str, list[float]] = {rule: [] for rule in RULES}
    for optimizer in get_args(OptimizerName):
        experiments = [
            experiment_from_fields({"hidden": [256], "optimizer": optimizer, "epochs": 1, "seed": seed})
            for seed in range(arguments.seeds)
        ]
        on_grid = [_mean_accuracy(experiments, [float(rate)] * len(experiments), dataset) for rate in GRID]
        best = int(np.argmax(on_grid))
        print(f"{optimizer}: best on the grid {GRID[best]:.2g}, {on_grid[best]:.2f} %", flush=True)
        for name, rule in RULES.items():
            rates = [rule(experiment, dataset) for experiment in experiments]
            accuracy = _mean_accuracy(experiments, rates, dataset)
            behind[name].append(on_grid[best] - accuracy)
            shown = ", ".join("none" if rate is None else f"{rate:.2g}" for rate in rates)
            print(f"  {name:24}{accuracy:6.2f} %   at {shown}", flush=True)
    print("Behind the best of the grid, in points: mean over the optimizers, and the worst of them")
    for name, points in behind.items():
        print(f"  {name:24}{np.mean(points):6.2f} {max(points):6.2f}")


def _mean_accuracy(experiments: list[Experiment], rates: list[float] | list[float | None], dataset: Dataset) -> float:
    """Validation accuracy in percent after an epoch at these rates; without a rate, that of guessing."""
    return 100 * float(
        np.mean(
            [
                0.1 if rate is None else _accuracy(experiment.changed(learning_rate=rate), dataset)
                for experiment, rate in zip(experiments, rates, strict=True)
            ]
        )
    )


def _accuracy(experiment: Experiment, dataset: Dataset) -> float:
    try:
        record = next(event.record for event in Trainer(experiment, dataset) if isinstance(event, EpochEnd))
    except TrainingDiverged:
        return 0.1
    return record.val_accuracy or 0.0


def _smoothed_losses(experiment: Experiment, dataset: Dataset, rates: Floats) -> Floats:
    """Losses at growing rates, a step each, smoothed by 0.98, up to four times the lowest."""
    average, lowest = 0.0, np.inf
    losses: list[float] = []
    for loss in _losses(experiment, dataset, rates):
        average = 0.98 * average + 0.02 * loss
        losses.append(average / (1 - 0.98 ** (len(losses) + 1)))
        lowest = min(lowest, losses[-1])
        if losses[-1] > 4 * lowest:
            break
    return np.array(losses)


def _losses(experiment: Experiment, dataset: Dataset, rates: Floats) -> Iterator[float]:
    trainer = Trainer(experiment, dataset)
    for rate in rates:
        trainer.optimizer.param_groups[0]["lr"] = float(rate)
        try:
            while not isinstance(next(trainer), Step):
                pass
            trainer.read_losses()
        except TrainingDiverged:
            return
        yield float(trainer.history.losses[-1])


if __name__ == "__main__":
    main()
