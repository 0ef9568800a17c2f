"""The queue: turns, pauses, places, ends. Runs are real and small; conditions are waited for, never timed."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset, DataUnavailable
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.runs import WATCHES, Run, RunQueue, Status
from mlpcore.snapshots import Watch
from mlpcore.training import Trainer
from tests.waiting import until


def small(**fields: object) -> Experiment:
    """About 60 steps; a second or so with both evaluations."""
    return experiment_from_fields({"hidden": [16], "train_size": 2000, "validation": 0, "epochs": 2, **fields})


def endless(**fields: object) -> Experiment:
    return small(**{"epochs": 1000, "train_size": 10_000, **fields})


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    queue = RunQueue(load=lambda name: mnist, cores=2)
    yield queue
    queue.close()


def test_a_run_trains_in_the_background_and_ends_with_a_model_and_its_evaluation(queue: RunQueue) -> None:
    run = queue.submit(small(), owner="me")
    until(lambda: run.status.is_final, "the run ends")
    assert (run.status, run.step, run.owner) == (Status.FINISHED, run.experiment.total_steps, "me")
    assert len(run.history.epochs) == 2
    assert run.result and run.result.test.accuracy > 0.5
    assert run.model and not run.model.training


def test_turns_do_not_change_a_result(queue: RunQueue, mnist: Dataset) -> None:
    experiments = [small(seed=seed, hidden=[64], dropout=0.2, augment="affine", epochs=6) for seed in (1, 2, 3)]
    runs = [queue.submit(experiment) for experiment in experiments]
    until(lambda: all(run.status.is_final for run in runs), "all end")
    alone = Trainer(experiments[1], mnist)
    for _ in alone:
        pass
    assert np.array_equal(runs[1].history.losses, alone.history.losses)
    assert runs[1].model
    for mine, other in zip(runs[1].model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_every_run_moves_while_all_of_them_are_training(queue: RunQueue) -> None:
    crowd = [queue.submit(endless(seed=seed)) for seed in range(10)]
    until(lambda: all(run.step > 0 for run in crowd), "each has trained")
    assert all(run.status is Status.TRAINING for run in crowd)


def test_beyond_the_limit_runs_wait_say_their_place_and_can_be_cancelled(mnist: Dataset) -> None:
    queue = RunQueue(load=lambda name: mnist, cores=1, training_at_once=1)
    first, second, third = (queue.submit(endless(seed=seed)) for seed in range(3))
    until(lambda: first.step > 0, "the first trains")
    assert (second.status, third.status) == (Status.QUEUED, Status.QUEUED)
    assert [queue.place(run) for run in (first, second, third)] == [None, 1, 2]
    queue.stop(second)
    assert queue.get(second.id) is None
    assert queue.place(third) == 1
    queue.stop(first)
    until(lambda: third.step > 0, "the third's turn comes")
    queue.close()


def test_pause_rests_and_resume_goes_on(queue: RunQueue) -> None:
    run = queue.submit(endless())
    until(lambda: run.step > 5, "it trains")
    queue.pause(run)
    until(lambda: run.status is Status.PAUSED, "it pauses")
    step = run.step
    time.sleep(0.4)
    assert run.step == run.history.steps == step
    queue.resume(run)
    until(lambda: run.step > step, "it goes on")


def test_paused_steps_are_counted_exactly(queue: RunQueue) -> None:
    run = queue.submit(small(train_size=640), paused=True)
    assert (run.status, run.step) == (Status.PAUSED, 0)
    for steps, reached in [(1, 1), (1, 2), (5, 7)]:
        queue.advance(run, steps)
        until(lambda: run.status is Status.PAUSED and run.step >= reached, f"step {reached}")  # noqa: B023
        assert run.step == reached
    queue.advance_epoch(run)
    until(lambda: run.status is Status.PAUSED and run.step == 10, "the epoch's end")
    assert [record.epoch for record in run.history.epochs] == [1]
    queue.advance_epoch(run)
    until(lambda: run.status is Status.FINISHED, "the last epoch ends in a result")


def test_a_stopped_run_is_evaluated_and_final(queue: RunQueue) -> None:
    run = queue.submit(endless())
    until(lambda: run.step > 5, "it trains")
    queue.stop(run)
    until(lambda: run.status.is_final, "it ends")
    assert run.status is Status.STOPPED
    assert run.result and run.model
    assert run.step < run.experiment.total_steps
    queue.resume(run)
    queue.advance(run, 1)
    queue.stop(run)
    assert run.status is Status.STOPPED


def test_a_stop_after_the_last_step_of_an_epoch_keeps_its_record(queue: RunQueue) -> None:
    run = queue.submit(small(train_size=640, epochs=3), paused=True)
    queue.advance(run, 10)
    until(lambda: run.status is Status.PAUSED and run.step == 10, "the first epoch")
    queue.stop(run)
    until(lambda: run.status.is_final, "it ends")
    assert (run.status, run.step, len(run.history.epochs)) == (Status.STOPPED, 10, 1)


def test_a_run_told_to_stop_when_all_is_learned_counts_as_finished(queue: RunQueue) -> None:
    run = queue.submit(small())
    until(lambda: run.step == run.experiment.total_steps, "the last step")
    queue.stop(run)
    until(lambda: run.status.is_final, "it ends")
    assert run.status is Status.FINISHED


def test_a_run_that_early_stopping_ends_is_finished(queue: RunQueue) -> None:
    run = queue.submit(small(early_stopping=1, validation=500, label_noise=0.5, epochs=200, learning_rate=0.01))
    until(lambda: run.status.is_final, "it ends")
    assert run.status is Status.FINISHED
    assert run.step < run.experiment.total_steps
    assert run.progress == 1


def test_runs_of_a_comparison_stand_in_no_list_and_tell_when_they_end(queue: RunQueue) -> None:
    ended: list[Run] = []
    run = queue.submit(small(), listed=False, at_end=ended.append)
    listed = queue.submit(small(seed=1))
    assert queue.runs() == [listed]
    assert listed.number == 1
    until(lambda: ended == [run], "the word of its end")
    assert run.status is Status.FINISHED


def test_an_ended_run_keeps_no_gradients(queue: RunQueue) -> None:
    run = queue.submit(small())
    until(lambda: run.status.is_final, "it ends")
    assert run.model
    assert all(parameter.grad is None for parameter in run.model.parameters())
    assert run._trainer is None


def test_a_paused_run_can_be_stopped(queue: RunQueue) -> None:
    run = queue.submit(endless(), paused=True)
    queue.advance(run, 3)
    until(lambda: run.status is Status.PAUSED and run.step == 3, "three steps")
    queue.stop(run)
    until(lambda: run.status is Status.STOPPED, "it ends")
    assert run.result and run.step == 3


def test_a_diverging_run_fails_with_a_sentence_and_keeps_its_curve(queue: RunQueue) -> None:
    run = queue.submit(small(optimizer="momentum", learning_rate=100.0, hidden=[64, 64, 64], activation="gelu"))
    until(lambda: run.status.is_final, "it ends")
    assert run.status is Status.FAILED
    assert run.error and f"step {run.history.steps:,}" in run.error and "learning rate" in run.error
    assert run.result is None


def test_data_that_cannot_be_had_and_surprises_fail_only_their_run(
    mnist: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Dataset | Exception] = [DataUnavailable("no images"), KeyError("surprise"), mnist]

    def load(name: object) -> Dataset:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    queue = RunQueue(load=load, cores=1, training_at_once=1)
    runs = [queue.submit(small(seed=seed)) for seed in range(3)]
    until(lambda: all(run.status.is_final for run in runs), "all end")
    assert [run.status for run in runs] == [Status.FAILED, Status.FAILED, Status.FINISHED]
    assert runs[0].error == "no images"
    assert runs[1].error and "surprise" not in runs[1].error
    assert "surprise" in caplog.text
    queue.close()


def test_runs_with_many_threads_do_not_train_beside_others(mnist: Dataset) -> None:
    at_once: list[int] = []
    active = 0
    lock = threading.Lock()

    class Counting(Run):
        def _take_turn(self, dataset: Dataset) -> bool:
            nonlocal active
            with lock:
                active += self.experiment.threads
                at_once.append(active)
            try:
                return super()._take_turn(dataset)
            finally:
                with lock:
                    active -= self.experiment.threads

    queue = RunQueue(load=lambda name: mnist, cores=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlpcore.runs.Run", Counting)
        runs = [queue.submit(small(seed=seed, threads=threads)) for seed, threads in enumerate([1, 2, 1, 2, 8])]
    until(lambda: all(run.status.is_final for run in runs), "all end")
    assert max(turn for turn in at_once if turn < 8) <= 2
    assert 2 in at_once
    assert all(run.status is Status.FINISHED for run in runs)
    queue.close()


def test_time_per_epoch_is_known_once_such_a_model_was_trained(queue: RunQueue) -> None:
    assert queue.measured_seconds(small()) is None
    run = queue.submit(small())
    until(lambda: run.status.is_final, "it ends")
    seconds = run.history.epochs[-1].seconds
    assert queue.measured_seconds(small(seed=7, epochs=9, learning_rate=0.1)) == pytest.approx(seconds)
    assert queue.measured_seconds(small(train_size=4000)) is None
    assert queue.measured_seconds(small(hidden=[17])) is None


def test_closing_ends_the_threads_in_mid_training(mnist: Dataset) -> None:
    queue = RunQueue(load=lambda name: mnist, cores=2)
    run = queue.submit(endless())
    until(lambda: run.step > 0, "it trains")
    queue.close()
    assert not any(worker.is_alive() for worker in queue._workers)
    assert not run.status.is_final


def test_an_owner_watches_one_run_and_the_server_keeps_a_limited_number(
    queue: RunQueue, small: Callable[..., Experiment], mnist: Dataset
) -> None:
    experiment = small()

    def watch() -> Watch:
        return Watch(mnist.test.images[0], 7, experiment)

    mine = [queue.submit(experiment, "me", paused=True, watch=watch()) for _ in range(2)]
    assert [run.watch is None for run in mine] == [True, False]
    others = [queue.submit(experiment, f"owner {n}", paused=True, watch=watch()) for n in range(WATCHES)]
    assert mine[1].watch is None
    assert all(run.watch for run in others)
