"""Runs that belong together: trained side by side, stopped together, and never twice."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from mlpcore.comparison.batch import Batch, relative_cost
from mlpcore.comparison.results import TrainedRun
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.runs import Run, RunQueue, Status
from mlpcore.training import Finished, Result, Trainer
from tests.small_runs import endless, small
from tests.waiting import until


def test_every_run_of_a_batch_is_the_run_alone_and_none_is_listed(queue: RunQueue, mnist: Dataset) -> None:
    experiments = [small(seed=seed, hidden=[size]) for seed in range(2) for size in (8, 16)]
    batch = Batch(experiments, queue)
    batch.wait()
    assert batch.is_over
    assert batch.is_complete
    assert batch.progress == 1
    assert queue.runs() == []
    for experiment, run in zip(experiments, batch.trained, strict=True):
        *_, alone = Trainer(experiment, mnist)
        assert isinstance(alone, Finished)
        assert run is not None
        assert run.experiment == experiment
        assert run.test.loss == alone.result.test.loss
        assert run.train_accuracy == alone.result.train.accuracy
        assert len(run.history.epochs) == 1


def test_only_as_many_take_turns_as_asked_for_so_that_the_first_end_first(queue: RunQueue) -> None:
    batch = Batch([endless(seed=seed) for seed in range(4)], queue, at_once=2)
    until(lambda: all(_steps(batch, place) for place in (0, 1)), "the first two train")
    assert batch.history(2) is None
    assert 0 < batch.progress < 1
    assert batch.progress_of([2, 3]) == 0
    batch.cancel()
    batch.wait()


def test_cancelling_stops_all_and_keeps_what_is_finished(queue: RunQueue) -> None:
    batch = Batch([small(), endless(seed=1), endless(seed=2)], queue, at_once=2)
    until(lambda: batch.trained[0] is not None, "the short one ends")
    batch.cancel()
    batch.wait()
    assert batch.cancelled
    assert [run is not None for run in batch.trained] == [True, False, False]
    assert not batch.is_complete
    seconds = batch.seconds
    assert batch.seconds == seconds


def test_what_is_cached_is_not_trained_again(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Batch([small(), small(seed=1)], queue)
    first.wait()
    cache = {run.experiment: run for run in first.trained if run}
    submitted: list[Experiment] = []
    submit = queue.submit

    def watched(experiment: Experiment, *args: object, **more: object) -> object:
        submitted.append(experiment)
        return submit(experiment, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "submit", watched)
    second = Batch([small(seed=1), small(seed=2)], queue, cache=cache)
    assert second.reused == 1
    assert second.share_reused == pytest.approx(0.5)
    second.wait()
    assert submitted == [small(seed=2)]
    assert second.trained[0] is first.trained[1]
    reused = Batch([small()], queue, cache=cache)
    assert reused.is_over
    assert reused.progress == reused.progress_of([0]) == 1


def test_reused_results_count_as_done(queue: RunQueue) -> None:
    first = Batch([small()], queue)
    first.wait()
    cache = {run.experiment: run for run in first.trained if run}
    batch = Batch([small(), endless()], queue, cache=cache)
    assert batch.progress_of([0]) == 1
    assert batch.progress_of([1]) < 1
    assert 0 < batch.share_reused < 1
    batch.cancel()
    batch.wait()


def diverging(seed: int = 0) -> Experiment:
    return small(optimizer="sgd", learning_rate=100, batch_norm=False, hidden=[64, 64, 64], seed=seed, epochs=20)


def test_a_failure_ends_the_batch_and_says_which_run_it_was(queue: RunQueue) -> None:
    batch = Batch([diverging(3), endless(), endless(seed=1)], queue, at_once=2)
    batch.wait()
    assert batch.error is not None
    assert "seed 3" in batch.error
    assert "learning rate" in batch.error
    assert not batch.cancelled
    assert batch.trained == [None, None, None]


def test_a_batch_may_go_on_after_a_failure(queue: RunQueue) -> None:
    batch = Batch([diverging(), small()], queue, stop_at_failure=False)
    batch.wait()
    assert batch.error is None
    assert batch.trained[0] is None
    assert isinstance(batch.trained[1], TrainedRun)


def test_cancelling_from_many_threads_while_runs_end_hangs_nowhere(queue: RunQueue) -> None:
    for seed in range(5):
        batch = Batch([small(seed=10 * seed + place) for place in range(4)], queue)
        threads = [threading.Thread(target=batch.cancel) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        batch.wait()
        assert batch.is_over


def test_larger_networks_more_epochs_and_more_images_are_more_work() -> None:
    cost = relative_cost(small())
    assert relative_cost(small(hidden=[512])) > cost
    assert relative_cost(small(epochs=2)) == pytest.approx(2 * cost, rel=0.3)
    assert relative_cost(small(train_size=2000)) > 1.5 * cost


def _steps(batch: Batch, place: int) -> int:
    history = batch.history(place)
    return history.steps if history else 0


def test_a_batch_is_over_only_when_what_came_out_of_every_run_is_taken() -> None:
    """Runs are final a moment before whoever waits for them is told."""
    ended: list[tuple[Run, Callable[[Run], None]]] = []

    class Queue:
        def submit(self, experiment: Experiment, owner: str, *, listed: bool, at_end: Callable[[Run], None]) -> Run:
            run = Run(1, experiment, owner, listed=listed)
            ended.append((run, at_end))
            return run

    batch = Batch([small(), small(seed=1)], cast(RunQueue, Queue()), at_once=2)
    for run, _ in ended:
        run.status = Status.FINISHED
        run.result = cast(Result, SimpleNamespace(test=None, train=SimpleNamespace(accuracy=0.5), train_seconds=1.0))
    for number, (run, at_end) in enumerate(ended):
        assert not batch.is_over
        at_end(run)
        assert [trained is not None for trained in batch.trained] == [True, number == 1]
    assert batch.is_over
