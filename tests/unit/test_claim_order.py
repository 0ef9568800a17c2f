"""The claim about the order of the images: its conclusion from runs of known outcome, and a small real one."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from mlpcore.claims import order
from mlpcore.claims.claim import Claim, Finding
from mlpcore.claims.order import NAMES, ORDER, conclude
from mlpcore.comparison.job import Job
from mlpcore.comparison.results import TrainedRun
from mlpcore.datasets import Dataset
from mlpcore.evaluation import Evaluation, judge
from mlpcore.experiment import Experiment, Order
from mlpcore.figures import run_color
from mlpcore.figures.claims_order import MAX_POINTS, accuracy_per_digit, accuracy_per_order, loss_by_turns
from mlpcore.history import History
from mlpcore.runs import RunQueue
from tests.few_images import few_images

Shares = tuple[float, ...]

IMAGES, BATCH, EPOCHS, TURN = 1000, 5, 2, 20
LABELS = torch.arange(IMAGES) % 10
"""As filed: perfectly mixed, 100 images of every digit, so that each has a `TURN` of 20 batches where sorted."""

EXPERIMENT = Experiment().changed(hidden=(8,), train_size=IMAGES, validation=0, batch_size=BATCH, epochs=EPOCHS)


def evaluation(share: float, says: int | None = None, images: int = 10_000) -> Evaluation:
    """So large a share of every digit is recognized; others are taken for the digit that it `says`, or the next one."""
    labels = torch.arange(images) % 10
    answers = torch.where(
        torch.arange(images) < round(share * images), labels, (labels + 1) % 10 if says is None else says
    )
    return judge(4.0 * one_hot(answers, 10), labels)


def run(place: Order, seed: int, test: Evaluation, losses: Sequence[float] | np.ndarray[Any, Any]) -> TrainedRun:
    experiment = EXPERIMENT.changed(order=place, seed=seed)
    history = History(experiment)
    for loss in losses:
        history.append_step(float(loss), 0.001)
    return TrainedRun(experiment, test, 0.99, 1.0, history)


def losses_of(jump: float, end: float = 0.01, last_tenth: float | None = None) -> np.ndarray[Any, Any]:
    """At the beginning of every digit's turn `jump`, then `end`; the last tenth of each epoch likewise another."""
    epoch = np.full(IMAGES // BATCH, end)
    for start in range(0, len(epoch), TURN):
        epoch[start : start + 3] = jump
    if last_tenth is not None:
        epoch[-len(epoch) // 10 :] = last_tenth
    return np.tile(epoch, EPOCHS)


def found(
    shuffled: Shares, stored: Shares, by_class: Shares, jump: float = 3.0, last_tenth: float | None = None
) -> Finding:
    """From the test accuracies of every seed."""
    runs = []
    for seed, shares in enumerate(zip(shuffled, stored, by_class, strict=True)):
        # Losses differ a little between seeds, as they do.
        usual = losses_of(0.05, 0.05, last_tenth) * (1 + 0.01 * seed)
        runs += [
            run(place, seed, evaluation(share), losses_of(jump) if place == "by-class" else usual)
            for place, share in zip(NAMES, shares, strict=True)
        ]
    return conclude(runs, LABELS)


GOOD, ALSO_GOOD, RUINED = (0.97, 0.975, 0.98), (0.975, 0.97, 0.978), (0.3, 0.2, 0.25)


@pytest.mark.parametrize(
    ("accuracies", "answer"),
    [
        ((GOOD, ALSO_GOOD, (0.96, 0.97, 0.95)), 0),
        ((GOOD, ALSO_GOOD, RUINED), 1),
        ((GOOD, (0.8, 0.85, 0.82), RUINED), 2),
        ((GOOD, (0.8, 0.85, 0.82), (0.81, 0.84, 0.83)), 2),
        (((0.8, 0.81, 0.82), (0.81, 0.8, 0.82), GOOD), 3),
        (((0.8, 0.81, 0.82), GOOD, (0.3, 0.2, 0.25)), None),
    ],
)
def test_the_answer_follows_from_the_accuracies(accuracies: tuple[Shares, Shares, Shares], answer: int | None) -> None:
    finding = found(*accuracies)
    assert finding.answer == answer
    means = [f"{100 * np.mean(values):.1f} %" for values in accuracies]
    assert all(mean in finding.sentences[0] for mean in means)
    assert 2 <= len(finding.sentences) <= 5


def test_every_answer_can_come_out() -> None:
    assert isinstance(ORDER, Claim) and ORDER.name == "order"
    assert len(ORDER.answers) == 4
    assert "15 runs" in ORDER.done and "60,000" in ORDER.done


def test_forgetting_is_said_where_the_losses_show_it() -> None:
    text = " ".join(found(GOOD, ALSO_GOOD, RUINED, jump=3.25).sentences)
    assert "forgotten" in text and "0.01 on average, and 3.25 when" in text
    assert "a sorted one 1.0" in text and "A shuffled batch holds 4." in text
    kept = " ".join(found(GOOD, ALSO_GOOD, RUINED, jump=0.01).sentences)
    assert "forgotten" not in kept and "sorted one 1.0" in kept


@pytest.mark.parametrize(("says", "which"), [(9, "9, the last digit it was shown,"), (3, "3")])
def test_what_a_ruined_network_answers_is_counted(says: int, which: str) -> None:
    runs = [
        run(
            place,
            seed,
            evaluation(0.04, says) if place == "by-class" else evaluation(0.97 + seed / 100),
            losses_of(2.0),
        )
        for seed in (0, 1)
        for place in NAMES
    ]
    sentence = conclude(runs, LABELS).sentences[2]
    # 4 % of every digit are recognized, the other 96 % are taken for one digit, as are all images of that one.
    assert f"the answer was {which} for 96.4 % of all" in sentence
    assert f"At least half of the images were still recognized of: {says}." in sentence
    others = ", ".join(digit for digit in "0123456789" if digit != str(says))
    assert f"at most 5.0 %, was recognized of: {others}." in sentence


def test_nothing_is_said_of_ruin_where_there_is_none() -> None:
    unharmed = " ".join(found(GOOD, ALSO_GOOD, ALSO_GOOD).sentences)
    assert "last digit" not in unharmed and "forgotten" not in unharmed and "did little harm" in unharmed


def test_whether_as_filed_differs_by_more_than_chance_is_said() -> None:
    within = " ".join(found(GOOD, ALSO_GOOD, RUINED).sentences)
    assert "within chance" in within and "more than chance" not in within
    worse = " ".join(found(GOOD, (0.958, 0.964, 0.97), RUINED).sentences)
    assert "1.1 points below shuffled, which is more than chance" in worse
    better = " ".join(found((0.958, 0.964, 0.97), GOOD, RUINED).sentences)
    assert "1.1 points above shuffled, which is more than chance" in better
    same = " ".join(found(GOOD, tuple(share - 0.01 for share in GOOD), RUINED).sentences)
    assert "1.0 points below shuffled with every seed" in same


def test_an_easier_end_of_the_file_is_named_only_where_it_is_easier() -> None:
    worse = (0.958, 0.964, 0.97)
    easier = " ".join(found(GOOD, worse, RUINED, last_tenth=0.02).sentences)
    assert "0.020 in the last tenth of the file and 0.051 before" in easier
    assert "last tenth" not in " ".join(found(GOOD, worse, RUINED, last_tenth=0.09).sentences)
    assert "last tenth" not in " ".join(found(GOOD, ALSO_GOOD, RUINED, last_tenth=0.02).sentences)


def test_the_charts_show_the_runs() -> None:
    finding = found(GOOD, ALSO_GOOD, RUINED)
    assert len(finding.charts) == 3
    for chart in finding.charts:
        chart.figure.to_json()
        assert chart.title.endswith("?") and chart.alt
    assert "Shuffled 97.5 %" in finding.charts[0].alt and "Sorted 25.0 %" in finding.charts[0].alt
    assert "9: 25.0 %" in finding.charts[1].alt


def test_every_seed_is_a_dot_and_the_mean_a_diamond() -> None:
    figure = accuracy_per_order(["one", "other"], [np.array([0.9, 0.8]), np.array([0.2, 0.4])])
    dots, mean, *_, last = figure.data
    assert list(dots.x) == pytest.approx([90, 80]) and set(dots.y) == {"one"}
    assert mean.x[0] == pytest.approx(85) and mean.text[0] == "85.0 %"
    assert last.marker.color == run_color(2) and last.y[0] == "other"


def test_digits_have_a_bar_per_order_with_the_range_of_its_seeds() -> None:
    shares = np.stack([np.linspace(0, 0.9, 10), np.linspace(0.1, 1, 10)])
    bar = accuracy_per_digit(["one"], [shares]).data[0]
    assert list(bar.x) == list("0123456789")
    assert list(bar.y) == pytest.approx(100 * shares.mean(axis=0))
    assert list(bar.error_y.array) == pytest.approx([5] * 10) == list(bar.error_y.arrayminus)


def test_a_long_epoch_is_drawn_with_few_points_and_keeps_its_mean() -> None:
    losses = np.random.default_rng(0).gamma(2, size=900)
    figure = loss_by_turns(np.full(900, 0.05), losses, [(0, 450), (451, 900)])
    shuffled, by_class = figure.data
    assert len(by_class.y) == MAX_POINTS and np.mean(by_class.y) == pytest.approx(losses.mean())
    assert set(np.round(shuffled.y, 6)) == {0.05}
    assert list(figure.layout.xaxis.ticktext) == ["0", "1"]
    assert [line.x0 for line in figure.layout.shapes] == [451.5]


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    few = few_images(mnist)
    queue = RunQueue(load=lambda name: few, cores=2)
    yield queue
    queue.close()


def test_a_small_investigation_shows_it(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    small = EXPERIMENT.changed(hidden=(64,), train_size=3000, batch_size=10, epochs=3, device="cpu")
    monkeypatch.setattr(order, "EXPERIMENT", small)
    monkeypatch.setattr(order, "SEEDS", (0, 1))
    job: Job = Job(ORDER, ORDER.investigate, queue=queue)
    job.join()
    assert job.error is None and job.outcome.answer == 1
    assert "forgotten" in " ".join(job.outcome.sentences)
    assert sum(len(batch.trained) for batch in job.batches) == 6
