"""The claim about optimizers: its conclusion from runs of known outcome, and a small real one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from mlpcore.claims import optimizers
from mlpcore.claims.claim import Claim, Finding
from mlpcore.claims.optimizers import EXPERIMENT, NAMES, OPTIMIZERS, RATES, best_rate, conclude
from mlpcore.comparison.job import Job
from mlpcore.comparison.results import TrainedRun
from mlpcore.datasets import Dataset
from mlpcore.evaluation import judge
from mlpcore.experiment import OptimizerName
from mlpcore.figures.claims_optimizers import accuracy_by_optimizer, accuracy_by_rate
from mlpcore.figures.style import run_color
from mlpcore.history import EpochRecord, HealthRecord, History, LayerHealth
from mlpcore.runs import RunQueue
from tests.few_images import few_images

Shares = Mapping[OptimizerName, float]

SEEDS = 3
MOVED: dict[OptimizerName, float] = {"sgd": 1e-4, "momentum": 1e-3, "rmsprop": 4e-3, "adagrad": 2e-3, "adam": 4e-3}

AT_ONE_RATE: Shares = {"sgd": 0.7, "momentum": 0.85, "rmsprop": 0.96, "adagrad": 0.9, "adam": 0.95}
CLOSE: Shares = {"sgd": 0.953, "momentum": 0.96, "rmsprop": 0.955, "adagrad": 0.957, "adam": 0.954}

BEST: dict[OptimizerName, int] = {"sgd": 6, "momentum": 5, "rmsprop": 2, "adagrad": 4, "adam": 1}
"""Place of the rate that is best in the grid."""


EVALUATION = judge(torch.eye(10), torch.arange(10))


def run(name: OptimizerName, rate: float, seed: int, share: float, moved: float | None = None) -> TrainedRun:
    """Recognises that share of the validation and of the test images; every update moved the weights as far."""
    experiment = EXPERIMENT.changed(optimizer=name, learning_rate=rate, seed=seed)
    history = History(experiment)
    history.epochs.append(EpochRecord(1, 1.0, 1.0, 0.9, 0.3, share, 1.0, rate))
    layer = LayerHealth(1.0, MOVED[name] if moved is None else moved, None)
    history.health.append(HealthRecord(1, (layer, LayerHealth(1.0, 9.0, None))))
    return TrainedRun(experiment, replace(EVALUATION, accuracy=share), 0.99, 1.0, history)


def grid(best: Mapping[OptimizerName, int] = BEST) -> dict[OptimizerName, list[TrainedRun | None]]:
    """Three points less with every step from the best rate."""
    return {
        name: [run(name, rate, 100, 0.95 - 0.03 * abs(place - best[name])) for place, rate in enumerate(RATES)]
        for name in NAMES
    }


def runs_of(
    shares: Shares, spread: float, rates: Mapping[OptimizerName, float]
) -> dict[OptimizerName, list[TrainedRun]]:
    """Each optimizer scatters around its share in a way of its own."""
    drawn = np.random.default_rng(0).standard_normal((len(NAMES), SEEDS))
    scatter = dict(zip(NAMES, drawn - drawn.mean(axis=1, keepdims=True), strict=True))
    return {
        name: [run(name, rates[name], seed, shares[name] + spread * scatter[name][seed]) for seed in range(SEEDS)]
        for name in NAMES
    }


def found(
    own: Shares, spread: float = 0.001, best: Mapping[OptimizerName, int] = BEST, common: Shares = AT_ONE_RATE
) -> Finding:
    return conclude(
        grid(best),
        runs_of(common, spread, dict.fromkeys(NAMES, 0.001)),
        runs_of(own, spread, {name: RATES[best[name]] for name in NAMES}),
    )


@pytest.mark.parametrize(
    ("own", "answer"),
    [(CLOSE, 2), ({**CLOSE, "sgd": 0.9}, 1), ({**CLOSE, "adam": 0.9}, 1), ({**CLOSE, "sgd": 0.8}, 0)],
)
def test_the_answer_is_how_far_the_best_is_ahead_of_the_worst(own: Shares, answer: int) -> None:
    finding = found(own)
    assert finding.answer == answer
    assert 2 <= len(finding.sentences) <= 5
    lead = 100 * (max(own.values()) - min(own.values()))
    assert f"was {lead:.1f} points ahead of the worst" in finding.sentences[2]


def test_the_claim_says_what_it_does() -> None:
    assert isinstance(OPTIMIZERS, Claim) and OPTIMIZERS.name == "optimizers" and len(OPTIMIZERS.answers) == 3
    assert "40 runs" in OPTIMIZERS.done and "50 runs" in OPTIMIZERS.done and "15,000" in OPTIMIZERS.done
    assert optimizers.GRID_SEED not in optimizers.SEEDS
    assert optimizers.COMMON_RATE in RATES


def test_one_rate_for_all_is_told_with_how_far_each_walked() -> None:
    first, why, *_ = found(CLOSE).sentences
    assert "SGD 70.0 %, Momentum 85.0 %, RMSprop 96.0 %, Adagrad 90.0 %, Adam 95.0 %" in first
    assert "RMSprop, was 26.0 points ahead of the worst, SGD" in first
    assert "by 0.400 % of their size, one of SGD by 0.010 %" in why and "Adam moved 40 times as fast" in why


def test_nobody_is_said_to_have_walked_faster_who_did_not() -> None:
    common = {name: [run(name, 0.001, seed, 0.9, moved=1e-3) for seed in range(SEEDS)] for name in NAMES}
    own = runs_of(CLOSE, 0.001, {name: RATES[BEST[name]] for name in NAMES})
    first, why, own_rates, *_ = conclude(grid(), common, own).sentences
    assert "walked" not in why
    assert "All were equally accurate" in first and "distance that one rate" not in own_rates


def test_the_rates_and_what_is_left_of_the_distance_are_named() -> None:
    sentence = found(CLOSE).sentences[2]
    assert "SGD 0.3, Momentum 0.1, RMSprop 0.003, Adagrad 0.03, Adam 0.001" in sentence
    # 0.7 points of 26.
    assert "That is 3 % of the distance" in sentence
    assert "distance that" not in found({**CLOSE, "sgd": 0.5}).sentences[2]


def test_whether_each_differs_from_adam_by_more_than_chance_is_said() -> None:
    beyond = found({**CLOSE, "momentum": 0.97}, spread=0.0005).sentences[3]
    assert "Momentum +1.60 (+" in beyond and "Beyond it: Momentum" in beyond
    within = found(CLOSE, spread=0.02).sentences[3]
    assert "Within chance: SGD, Momentum, RMSprop, Adagrad." in within and "Beyond it" not in within
    same = found(CLOSE, spread=0.0).sentences[3]
    assert "Momentum +0.60 (with every seed)" in same and "Within chance" not in same


def test_rates_at_the_edge_and_failed_runs_are_named() -> None:
    usual = found(CLOSE).sentences[4]
    # The neighbours of the best rate are three points below it.
    assert "SGD 1, Momentum 1, RMSprop 1, Adagrad 1, Adam 1" in usual
    assert "At the edge" not in usual and "infinite" not in usual
    assert (
        "At the edge of the grid, so an even better rate may lie beyond it: SGD."
        in (found(CLOSE, best={**BEST, "sgd": 7}).sentences[4])
    )
    tried = grid()
    tried["adam"][-1] = None
    own = runs_of(CLOSE, 0.001, {name: RATES[BEST[name]] for name in NAMES})
    finding = conclude(tried, runs_of(AT_ONE_RATE, 0.001, dict.fromkeys(NAMES, 0.001)), own)
    assert "the loss became infinite: Adam." in finding.sentences[4]
    assert np.isnan(finding.charts[0].figure.data[-1].y[-1])


def test_the_best_rate_is_that_of_the_highest_validation_accuracy_and_the_lowest_of_equals() -> None:
    runs = [run("sgd", rate, 100, share) for rate, share in [(0.01, 0.8), (0.1, 0.9), (0.3, 0.9)]]
    assert best_rate([None, *runs, None]) == 0.1


def test_the_charts_show_the_runs() -> None:
    finding = found(CLOSE)
    assert len(finding.charts) == 3
    for chart in finding.charts:
        chart.figure.to_json()
        assert "?" in chart.title and chart.alt
    assert "SGD: best at 0.3 with 95.0 %" in finding.charts[0].alt
    assert "SGD 70.0 %" in finding.charts[1].alt and "SGD 95.3 %" in finding.charts[2].alt


def test_every_optimizer_has_a_line_over_the_rates_in_the_color_of_its_place() -> None:
    figure = accuracy_by_rate([0.01, 0.1], {"one": np.array([0.8, 0.9]), "other": np.array([0.7, np.nan])}, 0.01)
    one, other = figure.data
    assert list(one.x) == [0.01, 0.1] and list(one.y) == pytest.approx([80, 90]) and one.name == "one"
    assert other.line.color == run_color(2) and np.isnan(other.y[1])
    assert figure.layout.shapes[0].x0 == 0.01


def test_every_seed_is_a_dot_and_the_mean_a_diamond() -> None:
    figure = accuracy_by_optimizer(
        {"one": np.array([0.9, 0.8]), "other": np.array([0.95, 0.95])}, {"one": 0.1, "other": 0.3}
    )
    dots, mean, *_, last = figure.data
    assert list(dots.x) == pytest.approx([90, 80]) and set(dots.y) == {"one, 0.1"}
    assert mean.x[0] == pytest.approx(85) and mean.text[0] == "85.0 %"
    assert last.y[0] == "other, 0.3" and last.marker.color == run_color(2)
    low, high = figure.layout.xaxis.range
    assert low < 80 and high > 95


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    few = few_images(mnist)
    queue = RunQueue(load=lambda name: few, cores=2)
    yield queue
    queue.close()


def test_a_small_investigation_finds_rates_and_compares(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    small = EXPERIMENT.changed(hidden=(32,), train_size=1500, validation=500, epochs=3, device="cpu")
    monkeypatch.setattr(optimizers, "EXPERIMENT", small)
    monkeypatch.setattr(optimizers, "RATES", (0.001, 0.01, 0.1))
    monkeypatch.setattr(optimizers, "SEEDS", (0, 1))
    job: Job = Job(OPTIMIZERS, OPTIMIZERS.investigate, queue=queue)
    job.join()
    assert job.error is None and isinstance(job.outcome, Finding)
    tried, trained = job.batches
    assert len(tried.trained) == 15
    # Nobody is trained twice, and the seed that chose the rates is not among those that compare.
    assert len(set(trained.experiments)) == len(trained.experiments) <= 20
    assert {experiment.seed for experiment in trained.experiments} == {0, 1}
    own = {
        name: {e.hyperparameters.learning_rate for e in trained.experiments if e.hyperparameters.optimizer == name}
        for name in NAMES
    }
    # Plain SGD is hardly under way at 0.001.
    assert own["sgd"] == {0.001, 0.1}
    assert all(0.001 in rates for rates in own.values())
    assert "Adam moved" in job.outcome.sentences[1]
