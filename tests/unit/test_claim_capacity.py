"""The claim about capacity: its conclusion from runs of known outcome, and a small real one."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from mlpcore.claims import capacity
from mlpcore.claims.capacity import CAPACITY, CHOICES, DEPTHS, EXPERIMENT, WIDTHS, Hidden, conclude
from mlpcore.claims.claim import Claim, Finding
from mlpcore.comparison.job import Job
from mlpcore.comparison.results import TrainedRun
from mlpcore.datasets import Dataset
from mlpcore.evaluation import Evaluation, judge
from mlpcore.experiment import Architecture
from mlpcore.figures import run_color
from mlpcore.figures.claims_capacity import Series, accuracy_by_size, gains_of_steps, gap_and_time_by_size
from mlpcore.history import History
from mlpcore.network import parameter_count
from mlpcore.runs import RunQueue
from tests.few_images import few_images

USUAL: dict[Hidden, float] = {
    (): 0.915, (4,): 0.82, (16,): 0.92, (64,): 0.937, (256,): 0.952, (1024,): 0.963, (256, 256, 256): 0.956,
    (256, 256): 0.955,
}  # fmt: skip
"""Mean test accuracies as they come out; other outcomes are changes of these."""

WAVER = (-0.001, 0.0, 0.001)
"""By which the seeds differ, in another order for every network."""


@cache
def evaluation(share: float, images: int = 10_000) -> Evaluation:
    labels = torch.arange(images) % 10
    answers = torch.where(torch.arange(images) < round(share * images), labels, (labels + 1) % 10)
    return judge(one_hot(answers, 10).float(), labels)


def runs_of(
    changes: dict[Hidden, float] | None = None,
    gap: float = 0.03,
    gaps: dict[Hidden, float] | None = None,
    seconds: float = 2.0,
) -> dict[Hidden, list[TrainedRun]]:
    """Three seeds of every network, trained for 1 s and `seconds` more per 100,000 parameters."""
    runs: dict[Hidden, list[TrainedRun]] = {}
    for place, (hidden, mean) in enumerate((USUAL | (changes or {})).items()):
        tests = [mean + WAVER[(place + seed) % 3] for seed in range(3)]
        runs[hidden] = [
            TrainedRun(
                EXPERIMENT.changed(hidden=hidden, seed=seed),
                evaluation(test),
                evaluation(test).accuracy + (gaps or {}).get(hidden, gap),
                1 + seconds * parameter_count(Architecture(hidden=hidden)) / 1e5,
                History(EXPERIMENT),
            )
            for seed, test in enumerate(tests)
        ]
    return runs


def said(finding: Finding) -> str:
    return " ".join(finding.sentences)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, 0),
        ({(64,): 0.9}, 1),
        ({(256, 256, 256): 0.999}, 2),
        ({(): 0.948, (64,): 0.958}, 3),
        ({(): 0.99, (64,): 0.99, (256, 256, 256): 0.9}, 3),
        # 3.7 points either way, and the seeds leave open which is more.
        ({(64,): 0.926}, None),
    ],
)
def test_the_answer_is_the_step_that_gained_most(changes: dict[Hidden, float], answer: int | None) -> None:
    finding = conclude(runs_of(changes))
    assert finding.answer == answer
    assert 2 <= len(finding.sentences) <= 5
    if answer is None:
        assert "no prediction is right or wrong" in finding.sentences[0]
    elif answer == 3:
        assert "None of them gained 1 point." in finding.sentences[0]
    else:
        assert f"Most came from {list(CHOICES.values())[answer]}." in finding.sentences[0]


def test_the_claim_says_what_it_does() -> None:
    assert isinstance(CAPACITY, Claim) and CAPACITY.name == "capacity"
    assert len(CAPACITY.answers) == len(CHOICES) + 1
    assert "4, 16, 64, 256, 1,024 neurons" in CAPACITY.done and "0, 1, 2, 3 hidden layers" in CAPACITY.done
    assert f"{8 * len(capacity.SEEDS)} runs" in CAPACITY.done


def test_gains_are_said_with_what_the_seeds_leave_possible() -> None:
    text = conclude(runs_of()).sentences[0]
    assert "the first hidden layer, of 256 neurons +3.7 (+" in text
    within, beyond = runs_of({(256, 256, 256): 0.9525}), runs_of({(256, 256, 256): 0.99})
    assert "within chance" in conclude(within).sentences[0]
    assert "three hidden layers instead of one +3.8 (+" in conclude(beyond).sentences[0]


def test_equal_gains_with_every_seed_have_no_interval() -> None:
    runs = runs_of()
    runs[256, 256] = runs[256,]
    assert "a second one gave +0.0 (with every seed) points" in conclude(runs).sentences[1]


def test_why_a_second_layer_brings_little_is_said_only_where_it_does() -> None:
    assert "as close as one likes" in said(conclude(runs_of()))
    assert "as close as one likes" not in said(conclude(runs_of({(256, 256): 0.99})))
    useless = said(conclude(runs_of({(): 0.9521})))
    assert "first hidden layer made no difference beyond chance" in useless
    assert "made no difference" not in said(conclude(runs_of()))


def test_a_layer_that_is_too_narrow_is_named_where_it_harms() -> None:
    text = said(conclude(runs_of()))
    assert "4 neurons are worse than no hidden layer at all" in text and "-9.5 (" in text
    assert "wide enough" not in conclude(runs_of({(4,): 0.93})).sentences[2]


def test_that_widening_brings_less_and_less_is_said_where_it_does() -> None:
    assert "the last step gains 1.1 points where the first gained 10.0" in said(conclude(runs_of()))
    assert "where the first gained" not in said(conclude(runs_of({(1024,): 0.94})))
    assert "where the first gained" not in said(conclude(runs_of({(4,): 0.915})))


def test_the_gap_is_told_apart_from_harm_only_where_the_best_has_a_larger_one() -> None:
    text = said(conclude(runs_of(gaps={(4,): 0.01, (256, 256): 0.04})))
    assert "1.0 points for the smallest network, at most 4.0 (256 + 256), 3.0 for the one" in text
    assert "not yet a harm" in text
    assert "not yet a harm" not in said(conclude(runs_of()))


def test_time_is_set_against_size() -> None:
    text = conclude(runs_of()).sentences[-1]
    assert "(3,190 parameters) to the largest (814,090), 255 times as large" in text
    assert "took 1.1 and 17.3 seconds" in text and "16.2 times as long. Small networks" in text
    # Where everything takes as long per parameter, small networks waste nothing.
    assert "Small networks" not in conclude(runs_of(seconds=1e6)).sentences[-1]


def test_the_charts_show_the_runs() -> None:
    finding = conclude(runs_of())
    assert len(finding.charts) == 3
    for chart in finding.charts:
        chart.figure.to_json()
        assert chart.title.endswith("?") and chart.alt
    accuracy, gains, costs = finding.charts
    assert "no hidden layer: 91.5 %" in accuracy.alt and "1,024: 96.3 %" in accuracy.alt
    assert "0 → 1 layer: +3.7" in gains.alt and "256 + 256: 3.0 points, 6.4 s" in costs.alt


@pytest.fixture
def series() -> tuple[Series, Series]:
    wide = Series(
        "width", ["4", "16"], np.array([100, 1000]), np.array([[0.8, 0.9], [0.92, 0.94]]),
        np.array([[0.01, 0.03], [0.04, 0.04]]), np.array([1.0, 3.0]),
    )  # fmt: skip
    deep = Series("depth", ["0"], np.array([500]), np.array([[0.91, 0.91]]), np.array([[0.0, 0.02]]), np.array([2.0]))
    return wide, deep


def test_every_seed_is_a_dot_and_the_line_goes_through_the_means(series: tuple[Series, Series]) -> None:
    dots, line, _, depth = accuracy_by_size(*series).data
    assert list(dots.x) == [100, 100, 1000, 1000] and list(dots.y) == pytest.approx([80, 90, 92, 94])
    assert list(line.x) == [100, 1000] and list(line.y) == pytest.approx([85, 93]) and list(line.text) == ["4", "16"]
    assert list(depth.y) == pytest.approx([91]) and depth.line.color == run_color(2)
    assert accuracy_by_size(*series).layout.xaxis.type == "log"


def test_gap_and_time_have_panels_of_their_own(series: tuple[Series, Series]) -> None:
    figure = gap_and_time_by_size(*series)
    gap, seconds, *_ = figure.data
    assert list(gap.y) == pytest.approx([2, 4]) and gap.yaxis is None
    assert list(seconds.y) == [1, 3] and seconds.yaxis == "y2"
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]


def test_a_gain_has_its_interval_if_there_is_one() -> None:
    figure = gains_of_steps(["one", "other"], [np.array([0.01, 0.03])] * 2, [(-0.01, 0.05), None])
    dots, mean, _, bare = figure.data
    assert list(dots.x) == pytest.approx([1, 3]) and mean.x[0] == pytest.approx(2) and mean.text[0] == "+2.0"
    assert (mean.error_x.array[0], mean.error_x.arrayminus[0]) == pytest.approx((3, 3)) and mean.error_x.visible
    assert bare.error_x.visible is False
    assert list(figure.layout.yaxis.ticktext) == ["one", "other"]


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    few = few_images(mnist)
    queue = RunQueue(load=lambda name: few, cores=2)
    yield queue
    queue.close()


def test_a_small_investigation_trains_every_network(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "EXPERIMENT", EXPERIMENT.changed(train_size=500, epochs=3, device="cpu"))
    monkeypatch.setattr(capacity, "SEEDS", (0, 1))
    job: Job = Job(CAPACITY, CAPACITY.investigate, queue=queue)
    job.join()
    assert job.error is None
    trained = [run.experiment.architecture.hidden for batch in job.batches for run in batch.trained if run]
    assert sorted(trained) == sorted([*{*WIDTHS, *DEPTHS}] * 2)
    # So few images are learned badly with four neurons, whatever chance does.
    accuracy, *_ = job.outcome.charts
    _, width, _, depth = accuracy.figure.data
    assert width.y[0] < min(width.y[1:]) and width.y[0] < depth.y[0]
