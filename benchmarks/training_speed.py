"""How much faster an epoch is here than in the tutorial's own loop, and how near to what the machine can do.

A round trains one epoch of each, for both of the tutorial's models, in turn; a ratio of two times is of one round.

- The tutorial's loop runs as a person runs it, with as many threads as PyTorch takes. Timed is the loop itself.
- Ours is a `Trainer` with the threads of its experiment. Timed is from asking for the epoch's first step to its
  `EpochEnd`: all its steps, their record and the layers' health, and the measurement of 5,000 training images at its
  end, which the tutorial does not do.

Building the models and loading the images is in neither. Batch size 64, Adam at 0.001, float32 in both.

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
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import tutorial_loop  # noqa: E402
from mlpcore import datasets  # noqa: E402
from mlpcore.experiment import PIXELS, TUTORIAL_PRESETS, Experiment  # noqa: E402
from mlpcore.network import flops_per_image  # noqa: E402
from mlpcore.training import EpochEnd, Trainer  # noqa: E402

REQUIRED_RATIOS = {"two-hidden": 2.0, "one-hidden": 3.5}
PRODUCT_SIZE = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds per epoch of the tutorial's own loop and of mlpcore.")
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each (default 3)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout; everything else on stderr")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")

    def say(line: str) -> None:
        print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)

    default_threads = torch.get_num_threads()
    dataset = datasets.load("mnist")
    experiments = {
        name: preset.changed(device="cpu", epochs=max(arguments.rounds, preset.hyperparameters.epochs))
        for name, preset in TUTORIAL_PRESETS.items()
    }
    epochs: dict[tuple[str, str], Callable[[], object]] = {}
    for name, experiment in experiments.items():
        epochs[name, "tutorial"] = tutorial_epoch(experiment, default_threads)
        epochs[name, "mlpcore"] = our_epoch(Trainer(experiment, dataset))
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in epochs}
    own_threads = next(iter(experiments.values())).threads
    speeds: dict[int, list[float]] = {own_threads: [], default_threads: []}
    for number in range(1, arguments.rounds + 1):
        for key, train in epochs.items():
            seconds[key].append(timed(train))
            say(f"Round {number} of {arguments.rounds}: {key[0]}, {key[1]} {seconds[key][-1]:.2f} s")
        for threads, measured in speeds.items():
            measured.append(product_speed(threads))

    results = {}
    for name, experiment in experiments.items():
        theirs, ours = seconds[name, "tutorial"], seconds[name, "mlpcore"]
        ratio = statistics.median(theirs) / statistics.median(ours)
        ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
        results[name.replace("-", "_")] = {
            "tutorial_seconds": statistics.median(theirs),
            "mlpcore_seconds": statistics.median(ours),
            "ratio": ratio,
        }
        say(f"\n{experiment.architecture.title}, seconds per epoch, median (lowest–highest):")
        say(f"  the tutorial's own loop, threads {default_threads}: {spread(theirs)}")
        say(f"  mlpcore, threads {experiment.threads}: {spread(ours)}")
        say(f"  ratio of the medians (lowest–highest of a round): {ratio:.2f} ({min(ratios):.2f}–{max(ratios):.2f})")
        say(f"  required: {REQUIRED_RATIOS[name]:.1f}")
        for threads, measured in speeds.items():
            fastest = max(measured)
            share = needed_flops(experiment) / statistics.median(ours) / fastest
            say(f"  share of large products' speed, threads {threads} ({fastest / 1e9:.0f} GFLOP/s): {share:.0%}")
    if arguments.json:
        print(json.dumps(results, indent=2))


def tutorial_epoch(experiment: Experiment, threads: int) -> Callable[[], object]:
    """What trains one more epoch of the tutorial's own loop."""
    datasets.fetch("mnist")
    loader = tutorial_loop.make_loader(datasets.data_folder())
    model = tutorial_loop.make_model(experiment.architecture.hidden)
    optimizer = tutorial_loop.make_optimizer(model)

    def train() -> None:
        torch.set_num_threads(threads)
        tutorial_loop.train_epoch(model, loader, optimizer)

    return train


def our_epoch(trainer: Trainer) -> Callable[[], object]:
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
