"""What came out of each mission for the reader, computed from what they did. Nothing is known before they did it."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from torch.nn.functional import cross_entropy

from mlpcore import datasets, runs
from mlpcore.claims import Finding
from mlpcore.collection import Digit, as_tensors
from mlpcore.comparison.job import Job
from mlpcore.comparison.plan import Plan
from mlpcore.comparison.results import compare
from mlpcore.comparison.verdict import architectures_sentence, models_sentence, short_sentence
from mlpcore.evaluation import evaluate
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.exploration import epoch_orders
from mlpcore.inspection.workbench import untrained
from mlpcore.models import BUNDLED, TrainedModel, load
from mlpcore.runs import Run, Status
from mlpcore.sampling import epoch_order, split
from ui.claims import Asked
from ui.comparison_list import my_jobs
from ui.session import my_digits, owner
from ui.words import a_digit, percent, plain

SEEDS = 5
DRAWINGS = 5

_IN_A_ROW = 10
"""Steps over which a loss is averaged, since single ones jump."""

_ONE, _TWO = TUTORIAL_PRESETS["one-hidden"], TUTORIAL_PRESETS["two-hidden"]


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Attributes:
        answer: the answer that it supports; None if it supports none.
        values: what the texts tell about it.
        evidence: the run or the comparison that it comes from, if there is one.
    """

    answer: int | None
    values: dict[str, str]
    evidence: Run | Job | None = None


def kinds_in_a_batch(number: float | None) -> Outcome | None:
    """How many different digits a batch holds, once the reader has counted them in one."""
    if number is None:
        return None
    first, mean, all_ten, steps = _kinds_in_an_epoch()
    return Outcome(
        2 if mean > 9 else 1 if 5 <= mean <= 8 else 0 if mean < 5 else None,
        {
            "counted": f"You counted {number:g}, and that is right."
            if number == first
            else f"You counted {number:g}, but the first batch on the Data page holds {first}: have another look.",
            "mean": f"{mean:.2f}",
            "all_ten": percent(all_ten, 0),
            "steps": f"{steps:,}",
        },
    )


@cache
def _kinds_in_an_epoch() -> tuple[int, float, float, int]:
    """Different digits in the first batch of the Data page; in an epoch: their mean, share of all ten, batches."""
    labels = datasets.load("mnist").train.labels
    shown, *_ = epoch_orders(len(labels), shuffle=True)
    first = len(labels[shown[: _TWO.batch_images]].unique())
    rows, _ = split(_TWO.data)
    batches = epoch_order(_TWO, labels, rows, 0).split(_TWO.batch_images)
    kinds = np.array([len(labels[batch].unique()) for batch in batches])
    return first, float(kinds.mean()), float((kinds == 10).mean()), len(kinds)


def loss_of_a_fresh_network(number: float | None) -> Outcome | None:
    """The loss of an untrained network, once the reader has read one."""
    if number is None:
        return None
    loss, accuracy, low, high = _fresh_network()
    return Outcome(
        0 if loss < 1 else 1 if 1.8 < loss < 2.8 else 2 if loss > 8 else None,
        {
            "number": f"{number:g}",
            "low": f"{low:.2f}",
            "high": f"{high:.2f}",
            "mean": f"{loss:.3f}",
            "accuracy": percent(accuracy),
            "ln10": f"{math.log(10):.3f}",
        },
    )


@cache
def _fresh_network() -> tuple[float, float, float, float]:
    """Loss and accuracy of the tutorial's larger network before training, and the lowest and highest loss."""
    test, fresh = datasets.load("mnist").test, untrained(_TWO)
    evaluation = evaluate(fresh.network, test.images, test.labels)
    losses = cross_entropy(fresh.logits(test.images), test.labels, reduction="none")
    return evaluation.loss, evaluation.accuracy, float(losses.min()), float(losses.max())


def what_a_run_learned(_: float | None) -> Outcome | None:
    """How fast the loss fell, in the reader's newest run with one hidden layer."""
    for run in runs.queue.runs():
        if run.owner != owner() or run.status is not Status.FINISHED or not _is_like(run.experiment, _ONE):
            continue
        result, losses, epochs = run.result, run.history.losses, run.history.epochs
        if result and epochs and (halved := steps_to_half(losses)):
            accuracy, (low, high) = result.test.accuracy, result.test.interval
            experiment = run.experiment
            steps, seen = experiment.steps_per_epoch, halved * experiment.batch_images
            return Outcome(
                0 if halved <= 100 else 1 if halved <= 900 else 2 if halved > steps else None,
                {
                    "run": str(run.number),
                    "first": f"{losses[0]:.2f}",
                    "halved": f"{halved:,}",
                    "steps": f"{steps:,}",
                    "seen": f"{seen:,} of the {experiment.data.train_images:,} training images, each once"
                    if halved < steps
                    else f"all {experiment.data.train_images:,} training images, some of them more than once",
                    "mean": f"{epochs[0].loss:.2f}",
                    "last": f"{epochs[-1].loss:.3f}",
                    "accuracy": percent(accuracy, 2),
                    "low": percent(low, 1),
                    "high": percent(high, 1),
                    "gap": f"{100 * result.gap:.1f}",
                },
                run,
            )
    return None


def steps_to_half(losses: npt.NDArray[np.float32]) -> int | None:
    """After how many steps the mean loss of ten in a row was half of the first step's; None if it never was."""
    if len(losses) < _IN_A_ROW:
        return None
    means = np.convolve(losses, np.full(_IN_A_ROW, 1 / _IN_A_ROW), "valid")
    low = np.flatnonzero(means <= losses[0] / 2)
    return int(low[0]) + _IN_A_ROW if len(low) else None


def pair_to_compare() -> Plan:
    """What the mission about luck compares."""
    return Plan((_ONE, _TWO), tuple(range(SEEDS)))


def run_to_train() -> Experiment:
    """What the mission about training trains."""
    return _ONE


def what_follows(_: float | None) -> Outcome | None:
    """What the reader's newest comparison of the tutorial's two models shows about them."""
    for job in _finished_jobs():
        plan = job.subject
        if not isinstance(plan, Plan) or not job.outcome or len(plan.experiments) != 2 or len(plan.seeds) < SEEDS:
            continue
        kinds = [[_is_like(experiment, preset) for preset in (_ONE, _TWO)] for experiment in plan.experiments]
        if sorted(kinds) != [[False, True], [True, False]]:
            continue
        comparison = compare(plan, job.outcome)
        [pair] = comparison.pairs
        assert pair.architectures
        two_better = (pair.architectures.difference > 0) == kinds[pair.second][1]
        return Outcome(
            (0 if two_better else 1) if pair.architectures_differ else 2,
            {
                "short": plain(short_sentence(comparison)),
                "models": plain(models_sentence(comparison)),
                "architectures": plain(architectures_sentence(comparison)),
            },
            job,
        )
    return None


def what_it_did_with_noise(_: float | None) -> Outcome | None:
    """What the reader's newest investigation of overfitting found."""
    for job in _finished_jobs():
        asked, finding = job.subject, job.outcome
        if isinstance(asked, Asked) and asked.claim.name == "overfitting" and isinstance(finding, Finding):
            first, *others = map(plain, finding.sentences)
            return Outcome(finding.answer, {"first": first, "sentences": "\n\n".join([first, *others[:1]])}, job)
    return None


def what_it_read(_: float | None) -> Outcome | None:
    """How many of the reader's newest five drawings the tutorial's larger model reads."""
    if len(drawings()) < DRAWINGS:
        return None
    digits = drawings()[-DRAWINGS:]
    tutorials, for_drawing = _model("two-hidden"), _model("drawing")
    right, wrong = _read(tutorials, digits)
    answer = 0 if right == DRAWINGS else 1 if right >= 3 else 2
    mistakes = "; ".join(f"{a_digit(true)} for {a_digit(said)}" for true, said in wrong)
    return Outcome(
        answer,
        {
            "right": str(right),
            "drawings": str(DRAWINGS),
            "mistakes": f" It took {mistakes}." if wrong else "",
            "tested": percent(tutorials.test.accuracy, 1),
            "for_drawing": str(_read(for_drawing, digits)[0]),
        },
    )


def drawings() -> tuple[Digit, ...]:
    """The reader's drawings, with what they said they were; photos are left out."""
    return tuple(digit for digit in my_digits().digits if digit.strokes)


def _read(model: TrainedModel, digits: tuple[Digit, ...]) -> tuple[int, list[tuple[int, int]]]:
    """How many of these the model reads, and for the others what they are and what it takes them for."""
    images, labels = as_tensors(digits)
    pairs = zip(labels.tolist(), model.logits(images).argmax(dim=1).tolist(), strict=True)
    wrong = [(true, said) for true, said in pairs if true != said]
    return len(digits) - len(wrong), wrong


@cache
def _model(name: str) -> TrainedModel:
    return load(BUNDLED[name])


def _finished_jobs() -> list[Job]:
    return [job for job in my_jobs() if job.is_over]


def _is_like(experiment: Experiment, preset: Experiment) -> bool:
    """Whether it is the tutorial's, apart from what does not matter here: seed, validation images, the machine."""
    fields = {name: preset.fields()[name] for name in ("seed", "validation", "device", "threads")}
    return experiment.changed(**fields) == preset
