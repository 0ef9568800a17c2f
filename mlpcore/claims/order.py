"""The claim that training images must be shuffled: the same images in three orders."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mlpcore import datasets
from mlpcore.claims.claim import Chart, Claim, Finding, Training
from mlpcore.comparison.inference import compare_over_seeds
from mlpcore.comparison.plan import IMPORTANT, first_seeds
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import CLASSES, TUTORIAL_PRESETS, Order
from mlpcore.figures.claims_order import accuracy_per_digit, accuracy_per_order, loss_by_turns
from mlpcore.sampling import epoch_order, split

EXPERIMENT = TUTORIAL_PRESETS["one-hidden"]
SEEDS = first_seeds(5)
NAMES: dict[Order, str] = {"shuffled": "Shuffled", "stored": "As filed", "by-class": "Sorted"}

CLOSE = 0.05
"""Accuracies that differ by no more count as close, as a fraction."""

UNKNOWN = 0.05
"""A digit of which no larger share is recognized counts as not recognized any more."""

WATCHED = 3
"""Batches at the beginning and at the end of a digit's turn whose loss tells what the network knows of it."""

Floats = npt.NDArray[np.floating]


def investigate(training: Training) -> Finding:
    """Trains the network in each order with each seed, and says what became of it."""
    runs = training.train([EXPERIMENT.changed(order=order, seed=seed) for seed in SEEDS for order in NAMES])
    train_rows, _ = split(EXPERIMENT.data)
    return conclude(runs, datasets.load("mnist").train.labels[train_rows])


def conclude(runs: Sequence[TrainedRun], labels: Tensor) -> Finding:
    """What follows from runs in all three orders, with the same seeds in each and at least two epochs.

    Args:
        labels: of the training images as filed, int64 [N].
    """
    by_order = {order: [run for run in runs if run.experiment.data.order == order] for order in NAMES}
    accuracies = {order: np.array([run.test.accuracy for run in chosen]) for order, chosen in by_order.items()}
    shuffled, stored, by_class = (float(values.mean()) for values in accuracies.values())
    mixed = {order: _digits_per_batch(chosen[0], labels) for order, chosen in by_order.items()}
    turns = _turns(labels, runs[0].experiment.batch_images)
    sentences = [
        f"Average test accuracy over {len(by_order['stored'])} seeds: shuffled {_percent(shuffled)}, as filed "
        f"{_percent(stored)}, sorted by digit {_percent(by_class)}. Every run saw the same images, equally often."
    ]
    if by_class < shuffled - CLOSE:
        sentences += [
            _why_sorting_ruins(by_order["by-class"], turns, mixed),
            _what_is_left(by_order["by-class"], labels),
        ]
    else:
        sentences.append(
            f"A batch of the sorted images holds {mixed['by-class']:.1f} different digits on average, a shuffled one "
            f"{mixed['shuffled']:.1f}. Here this did little harm, if any."
        )
    sentences.append(_as_filed(accuracies["shuffled"], accuracies["stored"], mixed, by_order["stored"]))
    if by_class < shuffled - CLOSE and abs(stored - shuffled) <= CLOSE:
        sentences.append(
            "A comparison of shuffled and as filed alone suggests that the order hardly matters. That is only true for "
            "a file that has already been mixed, like this one."
        )
    return Finding(_answer(shuffled, stored, by_class), tuple(sentences), _charts(by_order, turns))


def _answer(shuffled: float, stored: float, by_class: float) -> int | None:
    if max(shuffled, stored, by_class) - min(shuffled, stored, by_class) <= CLOSE:
        return 0
    if abs(stored - shuffled) <= CLOSE and by_class < min(shuffled, stored) - CLOSE:
        return 1
    if shuffled > max(stored, by_class) + CLOSE:
        return 2
    if by_class > max(shuffled, stored) + CLOSE:
        return 3
    return None


def _why_sorting_ruins(runs: Sequence[TrainedRun], turns: Sequence[slice], mixed: dict[Order, float]) -> str:
    epochs = [_losses_per_epoch(run) for run in runs]
    before = float(np.mean([losses[-2][turn][-WATCHED:] for losses in epochs for turn in turns]))
    again = float(np.mean([losses[-1][turn][:WATCHED] for losses in epochs for turn in turns]))
    why = (
        f"A shuffled batch holds {mixed['shuffled']:.1f} different digits on average, a sorted one "
        f"{mixed['by-class']:.1f}. A batch of a single digit pulls all weights toward one goal: answer this digit, "
        "whatever the image. Nothing in the batch preserves what was learned about the other digits."
    )
    if again <= 2 * before:
        return why
    return (
        f"{why} So they are forgotten: at the end of a digit's turn the loss was {before:.2g} on average, and "
        f"{again:.2f} when its turn came again an epoch later. (A network that gives every digit the same probability "
        f"has a loss of {math.log(CLASSES):.2f}.)"
    )


def _what_is_left(runs: Sequence[TrainedRun], labels: Tensor) -> str:
    answered = np.mean([run.test.confusion.sum(axis=0) / run.test.confusion.sum() for run in runs], axis=0)
    known = np.mean([run.test.class_accuracies for run in runs], axis=0)
    favorite, last = int(answered.argmax()), int(labels.max())
    which = f"{favorite}, the last digit it was shown," if favorite == last else f"{favorite}"
    lost = [str(digit) for digit in range(CLASSES) if known[digit] <= UNKNOWN]
    left = [str(digit) for digit in range(CLASSES) if known[digit] >= 0.5]
    parts = [
        f"At the end of the sorted runs the answer was {which} for {_percent(answered[favorite])} of all test images."
    ]
    if left:
        parts.append(f"At least half of the images were still recognized of: {', '.join(left)}.")
    if lost:
        parts.append(f"Almost nothing, at most {_percent(UNKNOWN)}, was recognized of: {', '.join(lost)}.")
    return " ".join(parts)


def _as_filed(shuffled: Floats, stored: Floats, mixed: dict[Order, float], runs: Sequence[TrainedRun]) -> str:
    test = compare_over_seeds(shuffled, stored, IMPORTANT)
    way = "below" if test.difference < 0 else "above"
    lead = f"As filed came out {abs(100 * test.difference):.1f} points {way} shuffled"
    file = (
        f"A batch of MNIST's file as it is holds {mixed['stored']:.1f} different digits on average, a shuffled one "
        f"{mixed['shuffled']:.1f}."
    )
    if test.interval is None:
        return f"{file} {lead} with every seed."
    low, high = test.interval
    interval = f"95 % interval over seeds {100 * low:+.1f} to {100 * high:+.1f} points"
    if low <= 0 <= high:
        return f"{file} {lead}, which is within chance ({interval})."
    end = _end_of_file(runs) if high < 0 else ""
    return f"{file} {lead}, which is more than chance between seeds ({interval}).{end}"


def _end_of_file(runs: Sequence[TrainedRun]) -> str:
    """Whether the last tenth of the file is easier than the rest, which may be why learning from it last does harm."""
    last_epochs = [_losses_per_epoch(run)[-1] for run in runs]
    start = len(last_epochs[0]) * 9 // 10
    rest, tenth = (np.array([part.mean() for part in parts]) for parts in (
        [losses[:start] for losses in last_epochs], [losses[start:] for losses in last_epochs],
    ))  # fmt: skip
    interval = compare_over_seeds(rest, tenth, IMPORTANT).interval
    if interval is None or interval[1] >= 0:
        return ""
    return (
        " The file is mixed by digit, but not in every respect: in the last epoch the loss was "
        f"{tenth.mean():.3f} in the last tenth of the file and {rest.mean():.3f} before, so the network ends its "
        "training with images that are easier for it. That fits its lower accuracy, but does not prove the reason."
    )


def _charts(by_order: dict[Order, list[TrainedRun]], turns: Sequence[slice]) -> tuple[Chart, ...]:
    names = list(NAMES.values())
    accuracies = [np.array([run.test.accuracy for run in runs]) for runs in by_order.values()]
    per_digit = [np.array([run.test.class_accuracies for run in runs]) for runs in by_order.values()]
    losses = [np.mean([_losses_per_epoch(run)[-1] for run in runs], axis=0) for runs in by_order.values()]
    means = ", ".join(f"{name} {_percent(values.mean())}" for name, values in zip(names, accuracies, strict=True))
    sorted_digits = ", ".join(f"{digit}: {_percent(share)}" for digit, share in enumerate(per_digit[2].mean(axis=0)))
    last_epoch = loss_by_turns(losses[0], losses[2], [(turn.start, turn.stop) for turn in turns])
    shuffled_peak, sorted_peak = (max(line.y) for line in last_epoch.data)
    return (
        Chart(
            "How accurate is each order at the end?",
            accuracy_per_order(names, accuracies),
            f"Test accuracy of every seed and its mean, by order of the images. Means: {means}.",
            height=220,
        ),
        Chart(
            "Which digits does it still recognize?",
            accuracy_per_digit(names, per_digit),
            f"Test accuracy per digit, by order of the images. Sorted, digit by digit: {sorted_digits}.",
        ),
        Chart(
            "What happens in the last epoch when the digit changes?",
            last_epoch,
            "Training loss over the batches of the last epoch, mean of the seeds. The highest peak is at "
            f"{sorted_peak:.2f} where sorted, at {shuffled_peak:.2f} where shuffled.",
        ),
    )


def _digits_per_batch(run: TrainedRun, labels: Tensor) -> float:
    """How many different digits a batch of the first epoch holds on average."""
    rows = epoch_order(run.experiment, labels, torch.arange(len(labels)), epoch=0)
    batches = labels[rows].split(run.experiment.batch_images)
    return float(np.mean([len(batch.unique()) for batch in batches]))


def _turns(labels: Tensor, batch_images: int) -> list[slice]:
    """For every digit the batches of an epoch in sorted order that hold nothing else, counted from 0."""
    ends = torch.bincount(labels, minlength=CLASSES).cumsum(0).tolist()
    return [
        slice(math.ceil(start / batch_images), end // batch_images)
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _losses_per_epoch(run: TrainedRun) -> npt.NDArray[np.float32]:
    """Loss of every step, float32 [epochs, steps of an epoch]."""
    return run.history.losses.reshape(-1, run.experiment.steps_per_epoch)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


ORDER = Claim(
    name="order",
    title="Order of the images",
    says="Training images must be shuffled in every epoch. Otherwise their order gets in the way of learning.",
    done=(
        f"The tutorial's smaller network, {EXPERIMENT.architecture.title.lower()}, learns "
        f"{EXPERIMENT.data.train_images:,} digits for {EXPERIMENT.hyperparameters.epochs} epochs in three orders: "
        "shuffled in every epoch; in the order of MNIST's file; sorted by digit, from all 0s to all 9s. With "
        f"{len(SEEDS)} seeds each, that makes {len(SEEDS) * len(NAMES)} runs."
    ),
    question="The images are the same in all three. How will the test accuracies compare at the end?",
    answers=(
        f"All three within {100 * CLOSE:.0f} points: the images are the same",
        f"Shuffled and as filed within {100 * CLOSE:.0f} points, sorted far below both",
        "Shuffled far above the other two",
        "Sorted far above the other two: one thing at a time is learned best",
    ),
    investigate=investigate,
    names={EXPERIMENT.changed(order=order, seed=0): name for order, name in NAMES.items()},
)
