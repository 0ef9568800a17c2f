"""The claim about cost: its conclusion from measurements of known outcome, and a small real one."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from mlpcore import datasets
from mlpcore.claims import cost
from mlpcore.claims.claim import Claim, Finding
from mlpcore.claims.cost import BASE, COST, DEEP, DEPTHS, IMAGES, WIDE, WIDTHS, Hidden, conclude, measured
from mlpcore.comparison.job import Job
from mlpcore.datasets import Dataset
from mlpcore.experiment import Architecture
from mlpcore.figures.claims_cost import NetworkCost, memory_by_size, time_by_size, times_as_much
from mlpcore.network import flops_per_image, model_bytes
from tests.waiting import until

NETWORKS: tuple[Hidden, ...] = tuple(dict.fromkeys(WIDTHS + DEPTHS))


def network_cost(hidden: Hidden, seconds: Callable[[NetworkCost], float]) -> NetworkCost:
    """By the sizes of its layers; a step takes as many `seconds`, and answering a third of that."""
    architecture = Architecture(hidden=hidden)
    weights, size = flops_per_image(architecture) // 2, model_bytes(architecture)
    kept = 4 * IMAGES * (784 + sum(hidden))
    timeless = NetworkCost(hidden, weights, 3 * weights - 784 * hidden[0], 0.0, 0.0, size, size, 2 * size, kept)
    return replace(timeless, step_seconds=seconds(timeless), answer_seconds=seconds(timeless) / 3)


def by_arithmetic(cost: NetworkCost) -> float:
    """As a machine takes that does ten billion multiply-adds a second, and nothing else."""
    return IMAGES * cost.multiply_adds / 1e10


def found(seconds: Callable[[NetworkCost], float]) -> Finding:
    return conclude({hidden: network_cost(hidden, seconds) for hidden in NETWORKS})


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [
        (by_arithmetic, 0),
        # As where all neurons of a layer are computed at once, but one layer after the other.
        (lambda cost: 0.001 * len(cost.hidden), 1),
        (lambda cost: 1e-6 * sum(cost.hidden), 2),
    ],
)
def test_the_answer_follows_from_the_steps_of_the_wide_and_the_deep_network(
    seconds: Callable[[NetworkCost], float], answer: int
) -> None:
    finding = found(seconds)
    assert finding.answer == answer
    verdict = ["Twice as wide costs more", "Twice as deep costs more", "both cost about the same (within 15 %)"][answer]
    assert verdict in finding.sentences[0]
    assert 2 <= len(finding.sentences) <= 5


def test_the_claim_says_what_it_does() -> None:
    assert isinstance(COST, Claim) and COST.name == "cost" and len(COST.answers) == 3
    assert "32 to 2,048 neurons" in COST.done and "1 to 8 hidden layers" in COST.done and "64 images" in COST.done
    assert sum(WIDE) == sum(DEEP) == 2 * sum(BASE)


def test_the_arithmetic_is_that_of_the_products_of_the_widths() -> None:
    text = found(by_arithmetic).sentences[1]
    assert "512 × 512 = 262,144" in text and "1,024 × 1,024 = 1,048,576 of them, 4 times" in text
    assert "there are 2.8 and 1.8 times as many weights" in text
    assert "grows 3.0 and 2.0 times, and so do the times, nearly." in text
    otherwise = found(lambda cost: 0.001 * len(cost.hidden)).sentences[1]
    assert "while the times grow somewhat differently." in otherwise


def test_what_a_step_takes_is_said_with_how_many_times_as_long() -> None:
    text = found(lambda cost: {BASE: 0.002, WIDE: 0.005, DEEP: 0.003}.get(cost.hidden, 0.001)).sentences[0]
    assert "took 2 ms with 2 layers of 512." in text
    assert "5 ms, 2.5 times as long; with 4 layers of 512 3 ms, 1.5 times. Both of these have 2,048" in text


def test_why_narrow_and_wide_ones_are_slower_is_said_only_where_they_are() -> None:
    even = found(by_arithmetic).sentences[2]
    assert "Narrow networks" not in even and "The widest" not in even
    assert "20.0 billion operations a second with 32 neurons a layer, 20.0 with 512, 20.0 with 2,048" in even
    assert "learning from them 3.0 times as long" in even
    narrow = found(lambda cost: 0.001 + by_arithmetic(cost)).sentences[2]
    assert "Narrow networks do fewer" in narrow and "The widest" not in narrow
    widest = found(lambda cost: by_arithmetic(cost) * (2 if cost.hidden == WIDTHS[-1] else 1)).sentences[2]
    assert "The widest does fewer" in widest and "94.4 MB" in widest and "Narrow networks" not in widest


def test_memory_is_said_part_by_part() -> None:
    text = found(by_arithmetic).sentences[3]
    assert "keeps 11.2 MB: parameters 2.7 MB, their gradients 2.7 MB" in text
    assert "earlier gradients 5.4 MB, and 0.5 MB of the forward pass" in text
    assert "Twice as wide keeps 2.7 times as much, twice as deep 1.8 times" in text


def test_the_charts_show_the_costs() -> None:
    finding = found(by_arithmetic)
    assert len(finding.charts) == 3
    for chart in finding.charts:
        chart.figure.to_json()
        assert chart.title.endswith("?") and chart.alt
    assert "Training step: 3.0 and 2.0" in finding.charts[0].alt
    assert all("8 layers of 512: " in chart.alt for chart in finding.charts[1:])


@pytest.fixture
def costs() -> list[NetworkCost]:
    return [network_cost(hidden, by_arithmetic) for hidden in [(8, 8), (16, 16), (8, 8, 8, 8)]]


def test_ratios_are_those_to_the_base(costs: list[NetworkCost]) -> None:
    wide, deep = times_as_much(*costs).data
    ratios = dict(zip(wide.y, zip(wide.x, deep.x, strict=True), strict=True))
    assert ratios["Hidden neurons"] == (2, 2)
    assert ratios["Weights"][0] == pytest.approx((784 * 16 + 16 * 16 + 160) / (784 * 8 + 8 * 8 + 80))
    assert ratios["Training step"] == pytest.approx(ratios["Arithmetic"])


def test_time_goes_in_milliseconds_against_width_and_depth(costs: list[NetworkCost]) -> None:
    narrow, wide, deep = costs
    step, step_by_depth, answer, _, arithmetic, _ = time_by_size([narrow, wide], [narrow, deep], narrow).data
    assert list(step.x) == [8, 16] and list(step_by_depth.x) == [2, 4]
    assert list(step.y) == pytest.approx([1000 * narrow.step_seconds, 1000 * wide.step_seconds])
    assert list(answer.y) == pytest.approx([value / 3 for value in step.y])
    # These took nothing but arithmetic.
    assert list(arithmetic.y) == pytest.approx(list(step.y))
    slow = replace(narrow, step_seconds=2 * narrow.step_seconds)
    assert list(time_by_size([slow, wide], [slow], slow).data[4].y) == pytest.approx([2 * value for value in step.y])


def test_memory_goes_in_megabytes(costs: list[NetworkCost]) -> None:
    total, _, parameters, _, backward, _ = memory_by_size(costs[:2], costs[:1]).data
    assert parameters.y[0] == costs[0].parameter_bytes / 1e6
    assert backward.y[1] == pytest.approx(4 * IMAGES * (784 + 32) / 1e6)
    assert total.y[0] == pytest.approx(4 * parameters.y[0] + backward.y[0])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, mnist: Dataset) -> None:
    monkeypatch.setattr(datasets, "load", lambda name: mnist)
    monkeypatch.setattr(cost, "BATCHES", 3)
    monkeypatch.setattr(cost, "ROUNDS", 2)
    monkeypatch.setattr(cost, "STEPS_SECONDS", 0.001)
    monkeypatch.setattr(cost, "ANSWERS_SECONDS", 0.001)


@pytest.mark.usefixtures("quick")
def test_networks_are_measured_on_one_thread_and_by_turns(one_thread: None) -> None:
    torch.set_num_threads(2)
    reports = []
    by_hidden = measured(lambda done: reports.append((done, torch.get_num_threads())), [(8,), (32, 32)])
    assert torch.get_num_threads() == 2
    assert reports == [(0.25, 1), (0.5, 1), (0.75, 1), (1.0, 1)]
    for hidden, found in by_hidden.items():
        expected = network_cost(hidden, lambda cost: 1.0)
        assert found.hidden == hidden and found.weights == expected.weights
        assert found.multiply_adds == expected.multiply_adds
        assert found.backward_bytes == expected.backward_bytes
        assert found.parameter_bytes == found.gradient_bytes == expected.parameter_bytes
        counters = 4 * 2 * (len(hidden) + 1)
        assert found.optimizer_bytes == expected.optimizer_bytes + counters
        assert 0 < found.answer_seconds < float("inf") and 0 < found.step_seconds < float("inf")


@pytest.mark.usefixtures("quick")
def test_a_small_investigation_measures_every_network() -> None:
    job: Job = Job(COST, COST.investigate)
    job.join()
    assert job.error is None
    finding = job.outcome
    assert finding.answer in (0, 1, 2) and len(finding.charts) == 3
    assert job.batches == []


@pytest.mark.usefixtures("quick")
def test_cancelling_ends_it_between_two_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "ROUNDS", 1_000_000)
    job: Job = Job(COST, COST.investigate)
    until(lambda: job.progress > 0, "the first network")
    job.cancel()
    job.join()
    assert job.outcome is None and job.error is None and job.cancelled
    assert job.is_over
