"""The claim about batch sizes: its conclusion from runs of known outcome, and a small real one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from mlpcore.claims import batch_size
from mlpcore.claims.batch_size import BATCH_SIZE, EPOCHS, EXPERIMENT, FULL, GOAL, RATES, best_rate, conclude
from mlpcore.claims.claim import Claim, Finding
from mlpcore.comparison.job import Job
from mlpcore.comparison.results import TrainedRun
from mlpcore.datasets import Dataset
from mlpcore.evaluation import judge
from mlpcore.figures.claims_batch_size import (
    IMAGES,
    SECONDS,
    UPDATES,
    Course,
    agreement_by_size,
    cost_of_goal,
    loss_by_cost,
)
from mlpcore.figures.style import run_color
from mlpcore.history import EpochRecord, History
from mlpcore.inspection.gradients import Agreement
from mlpcore.runs import RunQueue
from tests.few_images import few_images

SECONDS_PER_UPDATE = {1: 1e-4, 8: 1.5e-4, 64: 3e-4, 512: 3e-3, FULL: 2e-2}
RATE = {1: 0.03, 8: 0.1, 64: 0.3, 512: 0.3, FULL: 1.0}
TO_GOAL = {
    1: (1, 2, 1, 1, 2), 8: (2, 2, 3, 2, 2), 64: (4, 5, 4, 4, 5), 512: (8, 9, 8, 8, 9), FULL: (50, 60, 55, 52, 58),
}  # fmt: skip
"""Epochs to the goal with every seed: 64 images are fastest."""

EVALUATION = judge(torch.eye(10), torch.arange(10))


def run(size: int, seed: int, epochs: int, rate: float | None = None, falling: bool = True) -> TrainedRun:
    """Reaches the goal in so many epochs; 0 for never. The training loss falls, or stays as it is."""
    experiment = EXPERIMENT.changed(
        batch_size=size, epochs=EPOCHS[size], learning_rate=rate or RATE[size], seed=seed
    )  # fmt: skip
    history = History(experiment)
    for epoch in range(1, EPOCHS[size] + 1):
        loss = GOAL - 0.05 if epochs and epoch >= epochs else GOAL + 1 / epoch
        history.epochs.append(EpochRecord(epoch, 1.0, 1.0, 0.9, loss, 0.9, 1.0, 0.1))
    for step in range(experiment.total_steps):
        history.append_step(1 / (1 + step) if falling else 0.5, 0.1)
    return TrainedRun(experiment, EVALUATION, 0.99, 1.0, history)


def runs_of(epochs: Mapping[int, Sequence[int]], falling: bool = True) -> dict[int, list[TrainedRun]]:
    return {
        size: [run(size, seed, count, falling=falling) for seed, count in enumerate(counts)]
        for size, counts in epochs.items()
    }


def agreement(scale: float, norm: float) -> Agreement:
    means = scale * np.linspace(0.1, 1, len(batch_size.GRADIENT_SIZES))
    return Agreement(batch_size.GRADIENT_SIZES, np.stack([means - 0.02, means, means + 0.02], axis=1), norm)


BEFORE, AFTER = agreement(0.8, 0.5), agreement(0.4, 0.1)


def found(
    epochs: Mapping[int, Sequence[int]] = TO_GOAL,
    seconds: Mapping[int, float] = SECONDS_PER_UPDATE,
    after: Agreement = AFTER,
    falling: bool = True,
) -> Finding:
    return conclude(runs_of(epochs, falling), seconds, BEFORE, after, 0.985)


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [
        ({}, 1),
        ({1: 1e-6}, 0),
        ({FULL: 1e-5}, 2),
        # About as fast as 64 images, on average.
        ({1: 1.5e-5}, None),
    ],
)
def test_the_answer_is_the_kind_of_batch_that_is_fastest(seconds: dict[int, float], answer: int | None) -> None:
    finding = found(seconds={**SECONDS_PER_UPDATE, **seconds})
    assert finding.answer == answer
    assert 2 <= len(finding.sentences) <= 5


def test_a_size_that_missed_the_goal_with_a_seed_cannot_win() -> None:
    finding = found({**TO_GOAL, 64: (4, 0, 4, 4, 4)})
    assert (
        finding.answer == 1
        and "Not reached with every seed within the given epochs: 64 images (4 of 5)" in (finding.sentences[0])
    )
    assert "Fewest seconds: 8 images" in finding.sentences[0]
    assert list(finding.charts[0].figure.data[0].x) == [1, 8, 512, FULL]


def test_without_any_that_reached_it_there_is_no_answer() -> None:
    finding = found(dict.fromkeys(EPOCHS, (0, 0, 0)))
    assert finding.answer is None and "No batch size reached it" in finding.sentences[0]
    assert "Fewest" not in finding.sentences[0] and "No size reached it" in finding.charts[0].alt
    for chart in finding.charts:
        chart.figure.to_json()


def test_the_claim_says_what_it_does() -> None:
    assert isinstance(BATCH_SIZE, Claim) and BATCH_SIZE.name == "batch-size" and len(BATCH_SIZE.answers) == 3
    assert "30 runs" in BATCH_SIZE.done and "25 runs" in BATCH_SIZE.done and "60,000" in BATCH_SIZE.done
    assert "8, 64 or 512" in BATCH_SIZE.answers[1]
    assert batch_size.GRID_SEED not in batch_size.SEEDS


def test_the_fewest_of_each_are_named_with_their_figures() -> None:
    text = found().sentences[0]
    # 4.4 epochs of 64 updates that take 0.3 ms each, and so on.
    assert "90 % of the validation images" in text and "average of 5 seeds" in text
    assert "1 image 0.57, 8 images 0.17, 64 images 0.084, 512 images 0.2, all 4,096 1.1" in text
    assert "Fewest updates: all 4,096 (55)." in text
    assert "Fewest images seen: 1 image (5,734), ahead of 8 images (9,011) within chance." in text
    assert "Fewest seconds: 64 images (0.084)." in text


def test_why_is_told_from_what_was_measured() -> None:
    text = found().sentences[1]
    assert "was 0.08 on average for 1 image, 0.44 for 64, 0.80 for 4,096" in text
    assert "An update with 1 image took 0.1 ms; with 8 images 1.5 times" in text and "waste time" in text
    assert "waste time" not in found(seconds={**SECONDS_PER_UPDATE, 8: 8e-4}).sentences[1]


def test_training_is_said_to_make_gradients_disagree_only_where_it_did() -> None:
    text = found().sentences[2]
    assert "64 images 0.22 (standard deviation 0.02) instead of 0.44 (0.02)" in text
    assert "recognized 98.5 % of the images" in text and "shrunk from a length of 0.5 to 0.1" in text
    assert "shrunk" not in found(after=agreement(1.0, 0.1)).sentences[2]
    assert "shrunk" not in found(after=agreement(0.4, 0.6)).sentences[2]


def test_of_local_minima_no_more_is_said_than_the_full_batch_shows() -> None:
    falling, flat = (found(falling=is_falling).sentences[3] for is_falling in (True, False))
    assert "still falling, so it was not stuck" in falling and "cannot show" in falling
    assert "0.500 in the fourth fifth" in flat and "hardly fell any more" in flat and "stuck" not in flat


def test_rates_are_named_and_those_at_the_edge_of_the_grid_are_called_so() -> None:
    usual = found().sentences[4]
    assert "1 image 0.03, 8 images 0.1, 64 images 0.3, 512 images 0.3, all 4,096 1." in usual
    assert "At the edge" not in usual
    runs = runs_of(TO_GOAL)
    runs[FULL] = [run(FULL, seed, 50, RATES[-1]) for seed in range(5)]
    text = conclude(runs, SECONDS_PER_UPDATE, BEFORE, AFTER, 0.985).sentences[4]
    assert "At the edge of these rates, so an even better one may lie beyond it: all 4,096." in text


def test_the_best_rate_takes_the_fewest_epochs_to_the_goal_or_comes_closest() -> None:
    tried = [None, run(64, 100, 9, 0.1), run(64, 100, 4, 0.3), run(64, 100, 0, 1.0)]
    assert best_rate(tried) == 0.3
    closer = run(64, 100, 0, 0.1)
    closer.history.epochs[-1] = replace(closer.history.epochs[-1], val_loss=GOAL + 0.01)
    assert best_rate([run(64, 100, 0, 0.03), closer, None]) == 0.1


def test_the_charts_show_the_measurements() -> None:
    finding = found()
    assert len(finding.charts) == 3
    for chart in finding.charts:
        chart.figure.to_json()
        assert chart.title.endswith("?") and chart.alt
    assert "64 images: updates 282, images seen 18,022, seconds 0.084" in finding.charts[0].alt
    assert "64: 0.44 and 0.22" in finding.charts[2].alt


def test_costs_are_times_of_the_lowest_with_the_range_of_the_seeds() -> None:
    figure = cost_of_goal([1, 10, 100], {UPDATES: {1: np.array([10.0, 30.0]), 10: np.array([4.0, 6.0])}})
    (line,) = figure.data
    assert list(line.x) == [1, 10] and list(line.y) == pytest.approx([4, 1])
    assert list(line.error_y.array) == pytest.approx([2, 0.2]) == list(line.error_y.arrayminus)
    assert list(line.customdata) == pytest.approx([20, 5])


def test_losses_are_drawn_against_updates_images_and_seconds() -> None:
    courses = [
        Course(1, 100, 100, 0.01, np.array([[0.5, 0.3], [0.7, 0.3]])),
        Course(100, 100, 1, 0.2, np.array([[2.0, 1.8], [2.2, 1.8]])),
    ]
    figure = loss_by_cost(courses, 0.35)
    lines = [trace for trace in figure.data if trace.name]
    assert [list(line.x) for line in lines[::2]] == [[100, 200], [100, 200], [1, 2]]
    assert [list(line.x) for line in lines[1::2]] == [[1, 2], [100, 200], [0.2, 0.4]]
    assert list(lines[0].y) == pytest.approx([0.6, 0.3]) and lines[1].line.color == run_color(2)
    assert [line.name for line in lines if line.showlegend] == ["1", "all"]
    assert [shape.y0 for shape in figure.layout.shapes] == [0.35] * 3
    assert courses[1].spent(IMAGES) == 100 and courses[1].spent(SECONDS) == 0.2


def test_every_batch_is_a_dot_and_the_means_are_a_line() -> None:
    dots, line = agreement_by_size([1, 10], {"one": np.array([[0.1, 0.3], [0.8, 0.9]])}).data
    assert list(dots.y) == pytest.approx([0.1, 0.3, 0.8, 0.9]) and list(dots.customdata) == [1, 1, 10, 10]
    assert list(line.y) == pytest.approx([0.2, 0.85])


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    few = few_images(mnist)
    queue = RunQueue(load=lambda name: few, cores=2)
    yield queue
    queue.close()


def test_a_small_investigation_measures_all_of_it(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    full = 512
    small = EXPERIMENT.changed(hidden=(32,), train_size=full, validation=500)
    changes = {
        "EXPERIMENT": small, "FULL": full, "EPOCHS": {1: 2, 64: 8, full: 60}, "RATES": (0.02, 0.3), "SEEDS": (0, 1),
        "GOAL": 0.8, "TIMED_SECONDS": 0.02, "GRADIENT_SIZES": (1, 64, 1024), "BATCHES": 3,
        "TUTORIAL": batch_size.TUTORIAL.changed(hidden=(16,), train_size=2000, epochs=2),
    }  # fmt: skip
    for name, value in changes.items():
        monkeypatch.setattr(batch_size, name, value)
    job: Job = Job(BATCH_SIZE, BATCH_SIZE.investigate, queue=queue)
    job.join()
    assert job.error is None and isinstance(job.outcome, Finding)
    tried, trained = job.batches
    assert len(tried.trained) == 6 and len(trained.trained) == 6
    # One image at a time bears no such rate, all at once get nowhere with the other.
    rates = {
        run.experiment.batch_images: run.experiment.hyperparameters.learning_rate for run in trained.trained if run
    }
    assert rates == {1: 0.02, 64: 0.3, full: 0.3}
    assert len(job.outcome.charts) == 3
    updates, images, _ = job.outcome.charts[0].figure.data
    assert updates.x[0] == 1 and updates.y[0] > updates.y[1] and images.y[0] < images.y[-1]
    seconds = job.outcome.charts[1].figure.data[-1].x
    assert 0 < seconds[0] < seconds[-1]
