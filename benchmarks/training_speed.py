"""How much faster an epoch is here than in the tutorial's own loop, and how near to what the machine can do.

A round trains one more epoch of each, for both of the tutorial's models, in turn.

- The tutorial's loop runs as a person runs it, with as many threads as PyTorch takes. Timed is the loop itself.
- Ours is a `Trainer` with the threads of its experiment. Timed is from asking for the epoch's first step to its
  `EpochEnd`: all its steps, their record and the layers' health, and the measurement of 5,000 training images at its
  end, which the tutorial does not do.

Reading the files and building the models is in neither. Batch size 64, Adam at 0.001, float32 in both.

The share of the machine's speed is the arithmetic that an epoch of learning needs, divided by our median time and by
the speed of large float32 matrix products measured in the same run (2 · 2048³ operations each; the best of several).
Needed are, per image, one forward pass and twice that for the gradients of weights and inputs, without the gradient of
the images themselves, which nobody computes.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO, get_args

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/training_speed.py`

from benchmarks import tutorial_loop
from mlpcore import datasets
from mlpcore.experiment import PIXELS, TUTORIAL_PRESETS, Experiment
from mlpcore.network import flops_per_image
from mlpcore.training import EpochEnd, Trainer

REQUIRED_RATIOS = {"two-hidden": 2.0, "one-hidden": 3.5}
PRODUCT_SIZE = 2048


Loop = Literal["tutorial", "mlpcore"]


@dataclass(frozen=True)
class Measured:
    """Of all rounds: seconds per epoch by preset and loop, and the speed of large products by number of threads."""

    experiments: dict[str, Experiment]
    default_threads: int
    seconds: dict[tuple[str, Loop], list[float]]
    flops_per_second: dict[int, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds per epoch of the tutorial's own loop and of mlpcore.")
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each (default 3)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout; everything else on stderr")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    out = sys.stderr if arguments.json else sys.stdout
    measured = measure(arguments.rounds, out)
    report(measured, out)
    if arguments.json:
        print(json.dumps({name.replace("-", "_"): figures(measured, name) for name in measured.experiments}, indent=2))


def measure(rounds: int, out: TextIO) -> Measured:
    default_threads = torch.get_num_threads()
    dataset = datasets.load("mnist")
    experiments = {
        name: preset.changed(device="cpu", epochs=max(rounds, preset.hyperparameters.epochs))
        for name, preset in TUTORIAL_PRESETS.items()
    }
    train: dict[tuple[str, Loop], Callable[[], None]] = {}
    for name, experiment in experiments.items():
        train[name, "tutorial"] = tutorial_epoch(experiment, default_threads)
        train[name, "mlpcore"] = our_epoch(Trainer(experiment, dataset))
    thread_counts = {default_threads, *(experiment.threads for experiment in experiments.values())}
    measured = Measured(
        experiments, default_threads, {key: [] for key in train}, {threads: [] for threads in sorted(thread_counts)}
    )
    for number in range(1, rounds + 1):
        for (name, loop), epoch in train.items():
            seconds = timed(epoch)
            measured.seconds[name, loop].append(seconds)
            print(f"Round {number} of {rounds}: {name}, {loop} {seconds:.2f} s", file=out, flush=True)
        for threads, speeds in measured.flops_per_second.items():
            speeds.append(product_speed(threads))
    return measured


def figures(measured: Measured, name: str) -> dict[str, float]:
    """What `--json` prints of a preset: medians of all rounds, and their ratio."""
    theirs, ours = (statistics.median(measured.seconds[name, loop]) for loop in get_args(Loop))
    return {"tutorial_seconds": theirs, "mlpcore_seconds": ours, "ratio": theirs / ours}


def report(measured: Measured, out: TextIO) -> None:
    for name, experiment in measured.experiments.items():
        theirs, ours = measured.seconds[name, "tutorial"], measured.seconds[name, "mlpcore"]
        ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
        lines = [
            f"{experiment.architecture.title}, seconds per epoch, median (lowest–highest)",
            f"  the tutorial's own loop, threads {measured.default_threads}: {spread(theirs)}",
            f"  mlpcore, threads {experiment.threads}: {spread(ours)}",
            f"  ratio of the medians (lowest–highest of a round): {figures(measured, name)['ratio']:.2f} "
            f"({min(ratios):.2f}–{max(ratios):.2f}); required are {REQUIRED_RATIOS[name]:.1f}",
            f"  ratio of the fastest epochs, which a busy machine disturbs least: {min(theirs) / min(ours):.2f}",
        ]
        for threads, speeds in measured.flops_per_second.items():
            share = needed_flops(experiment) / statistics.median(ours) / max(speeds)
            lines.append(
                f"  mlpcore's share of {max(speeds) / 1e9:.0f} GFLOP/s (products, threads {threads}): {share:.0%}"
            )
        print("", *lines, sep="\n", file=out)


def tutorial_epoch(experiment: Experiment, threads: int) -> Callable[[], None]:
    """What trains one more epoch of the tutorial's own loop."""
    datasets.fetch("mnist")
    loader = tutorial_loop.make_loader(datasets.data_folder())
    model = tutorial_loop.make_model(experiment.architecture.hidden)
    optimizer = tutorial_loop.make_optimizer(model)

    def train() -> None:
        torch.set_num_threads(threads)
        tutorial_loop.train_epoch(model, loader, optimizer)

    return train


def our_epoch(trainer: Trainer) -> Callable[[], None]:
    """What trains and measures one more epoch of ours."""

    def train() -> None:
        while not isinstance(next(trainer), EpochEnd):
            pass

    return train


def needed_flops(experiment: Experiment) -> int:
    """Floating-point operations of an epoch's matrix products: forward, and backward without the images' gradient."""
    architecture = experiment.architecture
    first_layer = 2 * PIXELS * architecture.sizes[1]
    return experiment.data.train_images * (3 * flops_per_image(architecture) - first_layer)


def product_speed(threads: int) -> float:
    """The highest speed of a large float32 matrix product with so many threads, in FLOP/s."""
    torch.set_num_threads(threads)
    a, b = torch.rand(2, PRODUCT_SIZE, PRODUCT_SIZE)
    out = torch.empty(PRODUCT_SIZE, PRODUCT_SIZE)
    return 2 * PRODUCT_SIZE**3 / min(timed(lambda: torch.mm(a, b, out=out)) for _ in range(6))


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(values: list[float]) -> str:
    """Median, lowest and highest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


if __name__ == "__main__":
    main()
