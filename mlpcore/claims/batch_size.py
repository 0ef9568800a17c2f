"""The claim that mini-batches are the best compromise between all images at once and one image at a time."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from mlpcore import datasets
from mlpcore.claims.claim import Chart, Claim, Finding, Training
from mlpcore.comparison.inference import mean_interval
from mlpcore.comparison.plan import first_seeds
from mlpcore.comparison.results import TrainedRun
from mlpcore.datasets import Dataset
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.figures.claims_batch_size import (
    IMAGES,
    SECONDS,
    UPDATES,
    Course,
    agreement_by_size,
    cost_of_goal,
    loss_by_cost,
)
from mlpcore.inspection.gradients import Agreement, agreement
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.threads import one_thread
from mlpcore.training import Finished, Step, Trainer

EXPERIMENT = Experiment().changed(hidden=(128,), optimizer="sgd", train_size=4096, validation=2000, device="cpu")
"""Plain gradient descent on so few images that even full batches make progress in reasonable time."""

FULL = EXPERIMENT.data.train_images

EPOCHS = {1: 4, 8: 8, 64: 16, 512: 24, FULL: 80}
"""By batch size, ascending; more than it takes to reach the goal, so that the losses are seen beyond it too."""

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

GRID_SEED = 100
"""The seed for choosing the rates; not one of the `SEEDS`, since the chosen rate may have been lucky with its seed."""

SEEDS = first_seeds(5)

GOAL = 0.35
"""Validation loss to reach, in nats."""

UNTIMED_STEPS = 10
"""The first ones, which are watched more closely than the rest."""

TIMED_SECONDS = 0.3
"""How long the steps after them are timed."""

TIMED_EPOCHS = 400
"""Of the run whose first steps are timed: in a long one fewer of the steps are watched closely."""

TUTORIAL = TUTORIAL_PRESETS["one-hidden"].changed(device="cpu")
"""The network whose gradients are compared, before and after it is trained."""

GRADIENT_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
BATCHES = 20
TYPICAL = TUTORIAL.batch_images

SHARE_OF_GRID, SHARE_OF_SEEDS = 0.45, 0.40
"""Of the whole investigation, in time."""

Floats = npt.NDArray[np.float64]
Runs = Mapping[int, Sequence[TrainedRun]]
Spent = Mapping[str, Mapping[int, Floats]]
"""By measure and by the size of a batch, what it took to the goal, float64 [seeds]; without sizes that missed it."""


def investigate(training: Training) -> Finding:
    """Finds a rate for each batch size, trains it with every seed, times its updates, and compares gradients."""
    tried = training.try_out([_with(size, rate, GRID_SEED) for size in EPOCHS for rate in RATES], SHARE_OF_GRID)
    rates = {size: best_rate(tried[place * len(RATES) :][: len(RATES)]) for place, size in enumerate(EPOCHS)}
    trained = training.train([_with(size, rates[size], seed) for seed in SEEDS for size in EPOCHS], SHARE_OF_SEEDS)
    runs = {size: [run for run in trained if run.experiment.batch_images == size] for size in EPOCHS}

    mnist = datasets.load("mnist")
    begun = SHARE_OF_GRID + SHARE_OF_SEEDS

    def report(done: float) -> None:
        training.report(begun + (1 - begun) * done)

    with one_thread():
        seconds = {
            size: seconds_per_update(_with(size, rates[size], GRID_SEED), mnist, lambda: report(0)) for size in EPOCHS
        }
        before = _agreement(untrained(TUTORIAL), mnist, lambda done: report(0.2 + 0.2 * done))
        model, recognized = _trained(mnist, lambda done: report(0.4 + 0.4 * done))
        after = _agreement(model, mnist, lambda done: report(0.8 + 0.2 * done))
    return conclude(runs, seconds, before, after, recognized)


def best_rate(runs: Sequence[TrainedRun | None]) -> float:
    """The rate that took the fewest epochs to the goal, or came closest; of equals the one with the lower loss.

    None is a run that failed.
    """

    def merit(run: TrainedRun) -> tuple[float, float]:
        losses = _losses(run)
        epochs = _epochs_to_goal(run)
        return (epochs, losses[epochs - 1]) if epochs else (np.inf, losses.min())

    return _rate(min((run for run in runs if run), key=merit))


def seconds_per_update(experiment: Experiment, dataset: Dataset, working: Callable[[], None]) -> float:
    """The mean of some updates, measured on this thread here and now; `working` is called after each event.

    It is the time that the processor spends on them, so that whatever else the machine does hardly changes it.
    """
    trainer = Trainer(experiment.changed(epochs=TIMED_EPOCHS), dataset)
    steps = 0
    spent = 0.0
    began = time.thread_time()
    for event in trainer:
        if isinstance(event, Step):
            steps += 1
            if steps > UNTIMED_STEPS:
                spent += time.thread_time() - began
        if spent >= TIMED_SECONDS:
            break
        working()
        began = time.thread_time()
    trainer.close()
    return spent / (steps - UNTIMED_STEPS)


def conclude(
    runs: Runs, seconds: Mapping[int, float], before: Agreement, after: Agreement, recognized: float
) -> Finding:
    """What follows from the measurements.

    Args:
        runs: by the size of a batch, ascending, the last of all images; with the same seeds for all, in the same order.
        seconds: that an update takes, by the size of a batch.
        before, after: how gradients agree in an untrained and in a trained network.
        recognized: share of its training images that the trained one recognized, 0 to 1.
    """
    courses = [_course(size, of, seconds[size]) for size, of in runs.items()]
    epochs = {size: np.array([_epochs_to_goal(run) for run in of]) for size, of in runs.items()}
    reached = {size: values.astype(np.float64) for size, values in epochs.items() if values.all()}
    spent: Spent = {
        measure: {
            course.size: reached[course.size] * course.spent(measure) for course in courses if course.size in reached
        }
        for measure in (UPDATES, IMAGES, SECONDS)
    }
    sentences = (
        _what_it_took(runs, spent, epochs),
        _why(seconds, before),
        _after_training(before, after, recognized),
        _noise(runs),
        _limits(runs),
    )
    return Finding(_answer(spent[SECONDS]), sentences, _charts(courses, spent, before, after))


def _answer(seconds: Mapping[int, Floats]) -> int | None:
    """Which kind of batch was fastest; None if none reached the goal, or if chance leaves that open."""
    fastest = {_kind(size): seconds[size] for size in sorted(seconds, key=lambda size: -seconds[size].mean())}
    ranked = sorted(fastest, key=lambda kind: float(fastest[kind].mean()))
    if not ranked or (len(ranked) > 1 and _within_chance(fastest[ranked[0]], fastest[ranked[1]])):
        return None
    return ranked[0]


def _kind(size: int) -> int:
    """The place of the answer to which a batch size belongs."""
    return 0 if size == 1 else 2 if size == FULL else 1


def _within_chance(less: Floats, more: Floats) -> bool:
    """Whether the seeds leave it open that the second is more than the first on average."""
    interval = mean_interval(more - less)
    return bool(more.mean() <= less.mean()) if interval is None else interval[0] <= 0


def _what_it_took(runs: Runs, spent: Spent, epochs: Mapping[int, npt.NDArray[np.int64]]) -> str:
    reached = list(spent[SECONDS])
    text = f"Goal: a validation loss of {GOAL:g}"
    if reached:
        right = np.mean([
            run.history.epochs[place - 1].val_accuracy
            for size in reached for run, place in zip(runs[size], epochs[size], strict=True)
        ])  # fmt: skip
        took = ", ".join(f"{_name(size)} {_number(values.mean())}" for size, values in spent[SECONDS].items())
        text += (
            f", where {100 * right:.0f} % of the validation images were recognized. Seconds to get there, each batch "
            f"size at its own best learning rate, average of {len(runs[reached[0]])} seeds: {took}."
        )
        text += "".join(f" Fewest {measure.lower()}: {_fewest(values)}." for measure, values in spent.items())
    else:
        text += ". No batch size reached it with every seed."
    missed = {size: int((values > 0).sum()) for size, values in epochs.items() if not values.all()}
    if missed:
        times = "; ".join(f"{_name(size)} ({count} of {len(runs[size])})" for size, count in missed.items())
        text += f" Not reached with every seed within the given epochs: {times}."
    return text


def _fewest(values: Mapping[int, Floats]) -> str:
    first, *others = sorted(values, key=lambda size: float(values[size].mean()))
    text = f"{_name(first)} ({_number(values[first].mean())})"
    if others and _within_chance(values[first], values[others[0]]):
        text += f", ahead of {_name(others[0])} ({_number(values[others[0]].mean())}) within chance"
    return text


def _why(seconds: Mapping[int, float], before: Agreement) -> str:
    one, *larger = seconds
    cosines = dict(zip(before.sizes, before.cosines.mean(axis=1), strict=True))
    smallest, largest = before.sizes[0], before.sizes[-1]
    longer = ", ".join(f"with {_name(size)} {seconds[size] / seconds[one]:.1f} times" for size in larger)
    text = (
        "The gradient of a larger batch is closer in direction to that of all images. In an untrained network the "
        f"cosine of the angle between a batch's gradient and that of all {TUTORIAL.data.train_images:,} images was "
        f"{cosines[smallest]:.2f} on average for {smallest} image, {cosines[TYPICAL]:.2f} for {TYPICAL}, "
        f"{cosines[largest]:.2f} for {largest:,} (1 is the same direction, 0 a right angle). So more images gain "
        "less and less: the noise of a mean falls with the square root of their number, while the arithmetic grows "
        f"with the number itself. An update with {_name(one)} took {1000 * seconds[one]:.2g} ms; {longer} as long."
    )
    if seconds[larger[0]] < larger[0] * seconds[one] / 2:
        text += (
            " Every update has fixed costs, whatever its batch size, so updates with a single image waste time, though "
            "not images."
        )
    return text


def _after_training(before: Agreement, after: Agreement, recognized: float) -> str:
    places = [before.sizes.index(size) for size in (TYPICAL, before.sizes[-1])]
    small, large = (
        f"{before.sizes[place]:,} images {after.cosines[place].mean():.2f} (standard deviation "
        f"{after.cosines[place].std(ddof=1):.2f}) instead of {before.cosines[place].mean():.2f} "
        f"({before.cosines[place].std(ddof=1):.2f})"
        for place in places
    )
    text = f"After {TUTORIAL.hyperparameters.epochs} epochs of training, the cosines were different: {small}; {large}."
    if after.cosines[places[0]].mean() < before.cosines[places[0]].mean() and after.norm < before.norm:
        text += (
            f" By then the network recognized {100 * recognized:.1f} % of the images, and the gradient of all had "
            f"shrunk from a length of {before.norm:.2g} to {after.norm:.2g}. On what is left to learn, batches agree "
            "less: the noise matters more the further training has come, and a batch size that was large enough at "
            "the start can be too small at the end."
        )
    return text


def _noise(runs: Runs) -> str:
    courses = [run.history.losses.astype(np.float64) for run in runs[FULL]]
    fifth = max(1, len(courses[0]) // 5)
    earlier = float(np.mean([course[-2 * fifth : -fifth].mean() for course in courses]))
    last = float(np.mean([course[-fifth:].mean() for course in courses]))
    text = (
        "Does the noise of small batches help to escape poor local minima? Many tutorials say so. Others, such as the "
        "textbook by Goodfellow, Bengio and Courville (2016), suggest that in large networks most local minima are "
        "about as good as the best, and that other things slow training down, such as saddle points and flat regions. "
        "Here the full batch, "
        f"which has no such noise, had a training loss of {earlier:.3f} in the fourth fifth of its updates and "
        f"{last:.3f} in the last: "
    )
    text += (
        "still falling, so it was not stuck in a minimum, and no noise was needed here."
        if last < 0.98 * earlier
        else "it hardly fell any more. The loss alone does not tell whether that is a minimum, a flat region or a too "
        "high learning rate."
    )
    return (
        f"{text} Such a short training of such a small network cannot show that poor minima do not exist, nor whether "
        "small batches lead to weights that do better on new images, on which studies disagree too."
    )


def _limits(runs: Runs) -> str:
    rates = {size: _rate(of[0]) for size, of in runs.items()}
    chosen = ", ".join(f"{_name(size)} {rate:g}" for size, rate in rates.items())
    edge = [_name(size) for size, rate in rates.items() if rate in (RATES[0], RATES[-1])]
    text = (
        "With one learning rate for all, the comparison would be unfair, since a noisy gradient requires smaller "
        f"steps. So each size got the one of {len(RATES)} rates that reached the goal in the fewest epochs, chosen "
        f"with another seed but on the same validation images: {chosen}."
    )
    if edge:
        text += f" At the edge of these rates, so an even better one may lie beyond it: {', '.join(edge)}."
    return (
        f"{text} The loss was measured once per epoch, so the numbers for one image at a time come in steps of "
        f"{FULL:,} updates. The seconds are for one thread of this machine's CPU, without the time for measuring the "
        "loss. A GPU processes hundreds of images in hardly more time than one, so there larger batches are best."
    )


def _charts(courses: Sequence[Course], spent: Spent, before: Agreement, after: Agreement) -> tuple[Chart, ...]:
    took = "; ".join(
        f"{_name(size)}: "
        + ", ".join(f"{measure.lower()} {_number(values[size].mean())}" for measure, values in spent.items())
        for size in spent[SECONDS]
    )
    lowest = "; ".join(f"{_name(course.size)}: {course.losses.mean(axis=0).min():.2f}" for course in courses)
    cosines = "; ".join(
        f"{size:,}: {first:.2f} and {then:.2f}"
        for size, first, then in zip(
            before.sizes, before.cosines.mean(axis=1), after.cosines.mean(axis=1), strict=True
        )
    )  # fmt: skip
    return (
        Chart(
            f"What does it take to reach a validation loss of {GOAL:g}?",
            cost_of_goal(list(EPOCHS), spent),
            "Updates, images and seconds to reach the goal against the batch size. "
            + (f"Means: {took}." if took else "No size reached it with every seed."),
            height=340,
        ),
        Chart(
            "How does the validation loss fall?",
            loss_by_cost(courses, GOAL),
            "Validation loss against updates, against images seen and against seconds, a line per batch size. Lowest "
            f"means: {lowest}.",
            height=660,
        ),
        Chart(
            "How close is a batch's gradient to that of all images?",
            agreement_by_size(before.sizes, {"Untrained": before.cosines, "Trained": after.cosines}),
            "Cosine of the angle between a batch's gradient and that of all images, by batch size, mean of "
            f"{before.cosines.shape[1]} batches in an untrained and in a trained network. {cosines}.",
            height=360,
        ),
    )


def _with(size: int, rate: float, seed: int) -> Experiment:
    return EXPERIMENT.changed(batch_size=size, epochs=EPOCHS[size], learning_rate=rate, seed=seed)


def _course(size: int, runs: Sequence[TrainedRun], seconds: float) -> Course:
    experiment = runs[0].experiment
    return Course(
        size=size,
        images_per_epoch=experiment.data.train_images,
        updates_per_epoch=experiment.steps_per_epoch,
        seconds_per_update=seconds,
        losses=np.array([_losses(run) for run in runs]),
    )


def _losses(run: TrainedRun) -> Floats:
    """Validation loss after every epoch, float64 [epochs], in nats."""
    return np.array([record.val_loss for record in run.history.epochs], np.float64)


def _epochs_to_goal(run: TrainedRun) -> int:
    """Epochs until the goal was reached; 0 if it was not."""
    (reached,) = np.nonzero(_losses(run) <= GOAL)
    return int(reached[0]) + 1 if len(reached) else 0


def _rate(run: TrainedRun) -> float:
    return run.experiment.hyperparameters.learning_rate


def _trained(dataset: Dataset, report: Callable[[float], None]) -> tuple[Classifier, float]:
    """The tutorial's network after its last step, and the share of its training images that it recognizes."""
    trainer = Trainer(TUTORIAL, dataset)
    recognized = 0.0
    for event in trainer:
        report(trainer.steps / TUTORIAL.total_steps)
        if isinstance(event, Finished):
            recognized = event.result.train.accuracy
    return Classifier(TUTORIAL, trainer.model.eval()), recognized


def _agreement(model: Classifier, dataset: Dataset, report: Callable[[float], None]) -> Agreement:
    generator = torch.Generator().manual_seed(TUTORIAL.seed)
    return agreement(model, dataset.train, GRADIENT_SIZES, BATCHES, generator, report)


def _name(size: int) -> str:
    return "1 image" if size == 1 else f"all {size:,}" if size == FULL else f"{size:,} images"


def _number(value: float) -> str:
    """With thousands separated, and two digits below 10."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


BATCH_SIZE = Claim(
    name="batch-size",
    title="Batch size",
    says=(
        "Mini-batches are the best compromise: cheaper than the gradient of all images, steadier than that of one "
        "image, and their noise helps to escape poor local minima."
    ),
    done=(
        f"A network with {EXPERIMENT.architecture.hidden[0]} hidden neurons learns {FULL:,} digits by plain gradient "
        f"descent, in batches of {', '.join(f'{size:,}' for size in EPOCHS)} images; the last is all of them. "
        f"{len(RATES)} learning rates for each size with one seed ({len(EPOCHS) * len(RATES)} runs), then {len(SEEDS)} "
        f"other seeds at the best ({len(EPOCHS) * len(SEEDS)} runs). Then the gradients of {BATCHES} random batches "
        f"each of {GRADIENT_SIZES[0]} to {GRADIENT_SIZES[-1]:,} images are compared with the gradient of all "
        f"{TUTORIAL.data.train_images:,}, in the tutorial's smaller network before and after training."
    ),
    question=(
        f"Each batch size gets its own best learning rate. Which one takes the fewest seconds to reach a validation "
        f"loss of {GOAL:g}?"
    ),
    answers=(
        "One image at a time: it learns from every image at once",
        f"A mini-batch: {', '.join(str(size) for size in list(EPOCHS)[1:-2])} or {list(EPOCHS)[-2]} images",
        f"All {FULL:,} images at once: every step goes in exactly the right direction",
    ),
    investigate=investigate,
)
