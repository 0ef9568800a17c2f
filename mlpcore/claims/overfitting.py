"""The claim that a large network overfits, memorizing even wrong labels, and what helps against it."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mlpcore.claims.claim import Chart, Claim, Finding, Training
from mlpcore.comparison.inference import SeedTest, compare_over_seeds
from mlpcore.comparison.plan import IMPORTANT, first_seeds
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import CLASSES, Experiment
from mlpcore.figures.claims_overfitting import highest_and_final, learning_and_memorizing, surer_mistakes
from mlpcore.network import parameter_count

SEEDS = first_seeds(4)
TIMES_THE_DATA = 4

PLAIN = Experiment().changed(train_size=2000, validation=2000, label_noise=0.3, epochs=30, optimizer="adamw")
"""AdamW, so that the run with weight decay differs in nothing else: without weight decay it is Adam."""

VARIANTS = {
    "Plain": PLAIN,
    "Dropout": PLAIN.changed(dropout=0.5),
    "Weight decay": PLAIN.changed(weight_decay=5.0),
    "Early stopping": PLAIN.changed(early_stopping=5),
    "More data": PLAIN.changed(train_size=TIMES_THE_DATA * PLAIN.data.train_images),
    "Right labels": PLAIN.changed(label_noise=0.0),
}
"""Each differs from the plain one in one thing. All strengths were chosen in advance, on validation images."""

REMEDIES = ("Dropout", "Weight decay", "Early stopping", "More data")

RIGHT = 1 - PLAIN.data.label_noise * (1 - 1 / CLASSES)
"""Share of the training labels that are right, on average over the seeds: one in ten random labels is right too."""

FALL = 0.03
"""Accuracy that ends this far below its highest has fallen, as a fraction; less is the noise between epochs."""

USELESS = 0.5
"""A network that never gets above this validation accuracy has learned little, as a fraction."""

NEAR = 0.05
"""How far from `RIGHT` an agreement with the training labels still counts as close to it."""

Floats = npt.NDArray[np.float64]
Runs = Sequence[TrainedRun]


def investigate(training: Training) -> Finding:
    """Trains every variant with every seed, and the one with right labels once more up to its lowest loss."""
    runs = training.train([variant.changed(seed=seed) for seed in SEEDS for variant in VARIANTS.values()], 0.95)
    by_name = {
        name: [run for run in runs if run.experiment.changed(seed=0) == variant.changed(seed=0)]
        for name, variant in VARIANTS.items()
    }
    # Equal seeds go the same way, so that these are the networks that the long runs were at that epoch.
    at_lowest = training.train([_up_to_lowest_loss(run) for run in by_name["Right labels"]], 0.05)
    return conclude(by_name, at_lowest)


def conclude(runs: Mapping[str, Runs], at_lowest: Runs) -> Finding:
    """What follows from the runs.

    Args:
        runs: those of every variant by its name, with the same seeds in each, in the same order.
        at_lowest: those with right labels, trained only to the epoch of their lowest validation loss.
    """
    plain = runs["Plain"]
    highest, final = _highest(plain).mean(), _final(plain).mean()
    fell = highest - final >= FALL
    answer = 2 if highest < USELESS else 1 if fell else 0
    sentences = (
        _what_happened(plain, answer),
        *([_why_it_fell(plain)] if answer == 1 else []),
        _what_helped(runs),
        _how_it_helped(runs),
        _right_labels(runs["Right labels"], at_lowest),
    )
    return Finding(answer, sentences, _charts(runs))


def _what_happened(plain: Runs, answer: int) -> str:
    highest, final, trained = _highest(plain).mean(), _final(plain).mean(), _trained(plain)
    by_heart = (
        f" At the end it gave the labels of {_percent(trained)} of its training images, though only about "
        f"{_percent(RIGHT)} of these labels are right: the wrong ones can only have been learned by heart."
        if trained > RIGHT + NEAR
        else f" At the end it gave the labels of {_percent(trained)} of its training images, of which about "
        f"{_percent(RIGHT)} are right: it has learned hardly any wrong one by heart."
    )
    if answer == 2:
        return (
            f"The network never recognized more than {_percent(highest)} of the validation images (average of "
            f"{len(plain)} seeds): it learned little from such labels.{by_heart}"
        )
    course = f"recognized {_percent(highest)} of them after its best epoch and {_percent(final)} after the last"
    verdict = "more training did harm" if answer == 1 else "more training did hardly any harm"
    return (
        f"Validation images have right labels and are not trained on. The plain network {course} (average of "
        f"{len(plain)} seeds): {verdict}.{by_heart}"
    )


def _why_it_fell(plain: Runs) -> str:
    then = float(np.mean([run.history.epochs[_best(run)].train_accuracy for run in plain]))
    first = (
        f"At its best epoch it gave the labels of {_percent(then)} of the training images, about as many as are right: "
        "what many images have in common is learned first, since it reduces the loss most. "
        if abs(then - RIGHT) <= NEAR
        else f"At its best epoch it gave the labels of {_percent(then)} of the training images. "
    )
    return (
        f"{first}A wrong label fits no pattern. To reproduce it, the network must bend its decision boundary around "
        "that one image, and similar new images are then misclassified too. It is large enough for that: "
        f"{parameter_count(PLAIN.architecture):,} parameters for {PLAIN.data.train_images:,} images."
    )


def _what_helped(runs: Mapping[str, Runs]) -> str:
    plain = _tested(runs["Plain"])
    tests = {name: compare_over_seeds(plain, _tested(runs[name]), IMPORTANT, len(REMEDIES)) for name in REMEDIES}
    changes = "; ".join(f"{name.lower()} {_change(test)}" for name, test in tests.items())
    return (
        f"On the {len(runs['Plain'][0].test.correct):,} test images, which decided nothing, the plain network ends at "
        f"{_percent(plain.mean())}. In points above or below it: {changes}. (In parentheses: 95 % intervals, which "
        "hold for all of them together.)"
    )


def _change(test: SeedTest) -> str:
    change = f"{100 * test.difference:+.1f}"
    if test.joint_interval is None:
        return f"{change} (with every seed)"
    low, high = test.joint_interval
    chance = ", within chance" if low <= 0 <= high else ""
    return f"{change} ({100 * low:+.1f} to {100 * high:+.1f}{chance})"


def _how_it_helped(runs: Mapping[str, Runs]) -> str:
    learned = {name: _percent(_trained(chosen)) for name, chosen in runs.items()}
    dropout, decay = VARIANTS["Dropout"].architecture.dropout, VARIANTS["Weight decay"].hyperparameters
    taken = np.mean([run.history.best_epoch.epoch for run in runs["Early stopping"] if run.history.best_epoch])
    more = runs["More data"]
    at_best, at_end = _highest(more).mean(), _final(more).mean()
    fate = (
        f"then fell to {_percent(at_end)}: of these labels too it learned {learned['More data']}. More images help, "
        "but with long training such a network still learns their mistakes"
        if at_best - at_end >= FALL and _trained(more) > RIGHT + NEAR
        else f"ended at {_percent(at_end)}, with {learned['More data']} of these labels learned"
    )
    return (
        f"Of its training labels, wrong ones included, the plain network learned {learned['Plain']}; with dropout "
        f"({100 * dropout:g} % of the hidden neurons off at random in every step) {learned['Dropout']}; with weight "
        f"decay (every weight {_percent(decay.learning_rate * decay.weight_decay)} closer to 0 in every step) "
        f"{learned['Weight decay']}; with early stopping, which took the weights of epoch {taken:.0f} on average, "
        f"{learned['Early stopping']}. With {TIMES_THE_DATA} times as many images, as noisy, the network reached "
        f"{_percent(at_best)} on validation images and {fate}."
    )


def _right_labels(clean: Runs, at_lowest: Runs) -> str:
    lowest = [run.history.best_epoch for run in clean]
    then_loss = float(np.mean([record.val_loss for record in lowest if record]))
    then_accuracy = float(np.mean([record.val_accuracy for record in lowest if record]))
    end_loss = float(np.array([run.history.epochs[-1].val_loss for run in clean], np.float64).mean())
    end_accuracy = float(_final(clean).mean())
    course = (
        f"With right labels only, the validation loss went from {then_loss:.2f}, its lowest, to {end_loss:.2f} at the "
        f"end, and the accuracy from {_percent(then_accuracy)} to {_percent(end_accuracy)}."
    )
    if end_loss < 1.05 * then_loss:
        return f"{course} So here the loss hardly rose."
    if end_accuracy < then_accuracy - FALL:
        return f"{course} So this network too got worse with more training."
    sure_then, sure_end = _sureness_of_mistakes(at_lowest), _sureness_of_mistakes(clean)
    reason = (
        f"The loss measures how confident an answer is, accuracy only whether it is right: the average probability "
        f"that the network gave to its wrong answers on test images went from {_percent(sure_then)} to "
        f"{_percent(sure_end)}. It grew more confident, even in its mistakes."
        if sure_end > sure_then
        else "The loss measures how confident an answer is, accuracy only whether it is right."
    )
    return (
        f"{course} {reason} Textbooks that define overfitting by the validation loss would see it here too; those that "
        "require worse answers see it only where the accuracy falls."
    )


def _charts(runs: Mapping[str, Runs]) -> tuple[Chart, ...]:
    plain, clean = runs["Plain"], runs["Right labels"]
    train, validation = (
        np.array([[getattr(record, quantity) for record in run.history.epochs] for run in plain])
        for quantity in ("train_accuracy", "val_accuracy")
    )
    accuracy, loss = (
        np.array([[getattr(record, quantity) for record in run.history.epochs] for run in clean])
        for quantity in ("val_accuracy", "val_loss")
    )
    highest = {name: _highest(chosen) for name, chosen in runs.items()}
    tested = {name: _tested(chosen) for name, chosen in runs.items()}
    ends = "; ".join(
        f"{name}: highest {_percent(highest[name].mean())}, final test {_percent(tested[name].mean())}" for name in runs
    )
    return (
        Chart(
            "Plain: does it get better with more training?",
            learning_and_memorizing(train, validation, RIGHT),
            f"Accuracy on training and validation images over {train.shape[1]} epochs. Training ends at "
            f"{_percent(train[:, -1].mean())}; validation reaches {_percent(highest['Plain'].mean())} and ends at "
            f"{_percent(validation[:, -1].mean())}.",
        ),
        Chart(
            "How much of the highest accuracy is left at the end?",
            highest_and_final(highest, tested),
            f"Highest validation accuracy during training, and test accuracy of the final weights. {ends}.",
            height=340,
        ),
        Chart(
            "Right labels: does a rising loss mean worse answers?",
            surer_mistakes(accuracy, loss),
            "Validation accuracy and validation loss over the epochs, with right labels. Accuracy ends at "
            f"{_percent(accuracy[:, -1].mean())}, the loss at {loss[:, -1].mean():.2f}, its lowest mean is "
            f"{loss.mean(axis=0).min():.2f}.",
            height=360,
        ),
    )


def _up_to_lowest_loss(run: TrainedRun) -> Experiment:
    best = run.history.best_epoch
    assert best, "every variant has validation images"
    return run.experiment.changed(epochs=best.epoch)


def _best(run: TrainedRun) -> int:
    """Place of the epoch with the highest validation accuracy, the first of equals."""
    return int(_validation_accuracies(run).argmax())


def _highest(runs: Runs) -> Floats:
    """Highest validation accuracy of every run, float64 [runs]."""
    return np.array([_validation_accuracies(run).max() for run in runs])


def _final(runs: Runs) -> Floats:
    """Validation accuracy of every run after its last epoch, float64 [runs]."""
    return np.array([_validation_accuracies(run)[-1] for run in runs])


def _validation_accuracies(run: TrainedRun) -> Floats:
    """After every epoch, float64 [epochs]."""
    return np.array([record.val_accuracy for record in run.history.epochs], np.float64)


def _tested(runs: Runs) -> Floats:
    """Test accuracy of every run, float64 [runs]."""
    return np.array([run.test.accuracy for run in runs])


def _trained(runs: Runs) -> float:
    """Mean accuracy on the training images, with the labels that were learned from."""
    return float(np.mean([run.train_accuracy for run in runs]))


def _sureness_of_mistakes(runs: Runs) -> float:
    """Mean probability that the networks gave to their wrong answers on the test images."""
    return float(np.mean(np.concatenate([run.test.confidences[~run.test.correct] for run in runs])))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


OVERFITTING = Claim(
    name="overfitting",
    title="Overfitting",
    says=(
        "A large network overfits: with long training it memorizes its training images, including their mistakes, and "
        "gets worse on new ones. Dropout, weight decay, early stopping and more data help."
    ),
    done=(
        f"The tutorial's larger network learns {PLAIN.data.train_images:,} images for {PLAIN.hyperparameters.epochs} "
        f"epochs; {100 * PLAIN.data.label_noise:g} % of their labels are random. Then again with dropout, weight "
        f"decay, early stopping, {TIMES_THE_DATA} times as many images, and right labels. With {len(SEEDS)} seeds "
        f"each, that makes {len(SEEDS) * len(VARIANTS)} runs, plus {len(SEEDS)} short ones to examine the network at "
        "its lowest loss."
    ),
    question=(
        "New images have right labels. What happens to the plain network's accuracy on them during these "
        f"{PLAIN.hyperparameters.epochs} epochs?"
    ),
    answers=(
        f"It rises and stays up, within {100 * FALL:g} points of its highest",
        f"It rises, then falls by {100 * FALL:g} points or more",
        f"It never gets above {100 * USELESS:g} %: little can be learned from such labels",
    ),
    investigate=investigate,
    names={variant.changed(seed=0): name for name, variant in VARIANTS.items()},
)
