"""The queue: turns, pauses, places, ends. Runs are real and small; conditions are waited for, never timed."""

import dataclasses
import errno
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset, DataUnavailable
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.runs import WATCHES, Run, RunQueue, Status
from mlpcore.runs import queue as process_queue
from mlpcore.snapshots import Watch
from mlpcore.store import Store, StoredRun
from mlpcore.training import Trainer
from tests.locked import busy
from tests.waiting import until


def small(**fields: object) -> Experiment:
    """About 60 steps; a second or so with both evaluations."""
    return experiment_from_fields({"hidden": [16], "train_size": 2000, "validation": 0, "epochs": 2, **fields})


def endless(**fields: object) -> Experiment:
    return small(**{"epochs": 1000, "train_size": 10_000, **fields})


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
    other = queue.submit(small())
    until(lambda: other.status.is_final, "another one trains meanwhile")
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


# With a store

Opener = Callable[..., RunQueue]


@pytest.fixture
def start(mnist: Dataset, tmp_path: Path) -> Iterator[Opener]:
    """Starts a server, as it were: a queue on the same folder each time."""
    started: list[RunQueue] = []

    def start(**options: Any) -> RunQueue:
        store = Store(tmp_path / "runs", **options)
        queue = RunQueue(load=lambda name: mnist, cores=2, store=store)
        started.append(queue)
        return queue

    yield start
    for queue in started:
        queue.close()


def look(queue: RunQueue) -> list[Run]:
    """What is listed now, not up to a second ago."""
    queue._refresh_at = 0.0
    return queue.runs()


def same_bits(run: Run, alone: Trainer) -> bool:
    history, model = run.history, run.model
    assert model
    records = [dataclasses.replace(record, seconds=0.0) for record in history.epochs]
    expected = [dataclasses.replace(record, seconds=0.0) for record in alone.history.epochs]
    return (
        history.losses.tobytes() == alone.history.losses.tobytes()
        and (records, history.health) == (expected, alone.history.health)
        and all(torch.equal(*pair) for pair in zip(model.parameters(), alone.model.parameters(), strict=True))
    )


def trained(experiment: Experiment, dataset: Dataset) -> Trainer:
    trainer = Trainer(experiment, dataset)
    list(trainer)
    return trainer


def test_importing_makes_no_folder(home: Path) -> None:
    assert isinstance(process_queue._store, Store)
    assert process_queue._store.folder == home
    assert process_queue._store._database is None


def test_finished_runs_are_there_after_a_restart_and_read_only_when_asked_for(
    start: Opener, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    run = first.submit(small(), owner="me")
    failing = first.submit(small(optimizer="momentum", learning_rate=100.0, hidden=[64, 64, 64], activation="gelu"))
    until(lambda: run.status.is_final and failing.status.is_final, "both end")
    assert run._model is None and run.unsaved is None  # given back, and read again
    alone = trained(small(), mnist)
    assert same_bits(run, alone)
    first.describe(run, "The first", ["a", "b"], "Good.")
    first.close()

    second = start()
    with monkeypatch.context() as patch:
        for name in ("read_history", "read_result", "read_state", "load"):
            patch.delattr(f"mlpcore.store.store.{name}")
        later, again = second.runs()
        assert (again.id, again.number, again.owner, again.status) == (run.id, 1, "me", Status.FINISHED)
        assert (again.title, again.tags, again.note) == ("The first", ("a", "b"), "Good.")
        assert again.progress == 1 and again.ended
        assert again.outcome == run.outcome and again.outcome
    assert same_bits(again, alone)
    assert again.result and again.result.test.accuracy == again.outcome.test_accuracy
    assert (later.status, later.result, later.model) == (Status.FAILED, None, None)
    assert later.error == failing.error and "learning rate" in str(later.error)
    assert later.history.steps == failing.history.steps > 0
    # Everybody's runs are counted by themselves.
    assert [second.submit(small(), whose, paused=True).number for whose in ("me", "", "new")] == [2, 2, 1]
    seconds = again.history.epochs[-1].seconds
    assert second.measured_seconds(small(seed=7)) == pytest.approx(seconds)


@pytest.mark.parametrize("fields", [{}, {"accumulate": 4, "dropout": 0.3, "augment": "affine", "schedule": "cosine"}])
def test_a_run_that_a_restart_interrupted_goes_on_to_the_very_same_result(
    fields: dict[str, object], start: Opener, mnist: Dataset
) -> None:
    experiment = small(hidden=[64], epochs=6, **fields)
    run = (queue := start(seconds_between=0.0, share_of_time=1.0)).submit(experiment)
    for steps in (10, 45, 70):
        until(lambda: run.step > steps, "it trains")  # noqa: B023
        queue.close()
        queue = start(seconds_between=0.0, share_of_time=1.0)
        (run,) = queue.runs()
        assert run.status is Status.INTERRUPTED
        assert 0 < run.progress < 1 and run.history.steps == run.step > 0
        queue.resume(run)
        assert not run.status.is_final
    until(lambda: run.status.is_final, "it ends")
    assert run.status is Status.FINISHED
    assert same_bits(run, trained(experiment, mnist))


def test_a_paused_run_is_kept_where_it_rests(start: Opener) -> None:
    queue = start()
    run = queue.submit(small(), paused=True)
    queue.advance(run, 7)
    until(lambda: run.status is Status.PAUSED and run.step == 7, "seven steps")
    queue.close()
    (again,) = start().runs()
    assert (again.status, again.step, again.history.steps) == (Status.INTERRUPTED, 7, 7)


def test_another_server_looks_on_and_leaves_the_run_alone(start: Opener) -> None:
    here, there = start(seconds_between=0.0), start()
    run = here.submit(endless())
    until(lambda: run.step > 50, "it trains")
    (shown,) = look(there)
    assert shown.elsewhere and shown.status is Status.TRAINING
    for act in (there.resume, there.pause, there.stop, there.advance_epoch):
        act(shown)
    there.delete([shown])
    assert look(there) == [shown] and shown.elsewhere and not shown.stopping
    assert shown.status is Status.TRAINING and shown.history.steps == shown.step
    here.stop(run)
    until(lambda: run.status.is_final, "it ends")
    look(there)
    assert (shown.status, shown.elsewhere, shown.step) == (Status.STOPPED, False, run.step)
    assert shown.outcome == run.outcome
    here.delete([run])
    assert look(there) == []
    here.put_back([run.id])
    assert [each.id for each in look(there)] == [run.id]


def test_a_run_resumed_on_two_servers_is_trained_by_one(start: Opener) -> None:
    queue = start()
    run = queue.submit(endless())
    until(lambda: run.step > 5, "it trains")
    queue.close()
    servers = [start(), start()]
    runs = [server.runs()[0] for server in servers]
    threads = [threading.Thread(target=server.resume, args=(run,)) for server, run in zip(servers, runs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: any(run.history.steps > 50 for run in runs), "one goes on")
    assert [len(look(server)) for server in servers] == [1, 1]
    assert sorted(run.elsewhere for run in runs) == [False, True]
    assert all(run.status is Status.TRAINING for run in runs)


def test_a_server_that_dies_leaves_its_runs_to_the_others(start: Opener) -> None:
    here, there = start(), start()
    run = here.submit(endless())
    until(lambda: run.step > 5, "it trains")
    (shown,) = look(there)
    assert (shown.elsewhere, shown.status) == (True, Status.TRAINING)
    here.close()
    look(there)
    assert (shown.elsewhere, shown.status) == (False, Status.INTERRUPTED)
    there.resume(shown)
    until(lambda: shown.step > run.step, "it goes on")


def test_what_cannot_go_on_stays_as_it_was(start: Opener, mnist: Dataset) -> None:
    queue = start()
    run = queue.submit(endless())
    until(lambda: run.step > 5, "it trains")
    queue.close()
    step = run.step

    def unavailable(name: object) -> Dataset:
        raise DataUnavailable("no images")

    later = start()
    later._load = unavailable
    (again,) = later.runs()
    later.resume(again)
    until(lambda: again.error, "the words")
    until(lambda: again.status.is_final, "it ends")
    assert (again.status, again.error, again.history.steps) == (Status.INTERRUPTED, "no images", step)
    # It waits for its turn behind another, and is cancelled.
    later._training_at_once = 0
    later.resume(again)
    assert (again.status, again.error) == (Status.QUEUED, None)
    later.stop(again)
    assert later.runs() == [again]
    assert again.status is Status.INTERRUPTED
    later._load, later._training_at_once = (lambda name: mnist), 1
    later.resume(again)
    until(lambda: again.step > step, "it goes on")


def test_a_run_whose_checkpoint_is_gone_says_that_it_starts_again(
    start: Opener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = start()
    run = queue.submit(small(epochs=4))
    until(lambda: run.step > 5, "it trains")
    queue.close()
    (tmp_path / "runs" / run.id / "checkpoint.pt").unlink()
    (again,) = (later := start()).runs()
    assert again.history.steps == 0
    assert again.unsaved and "is missing" in again.unsaved
    later.resume(again)
    until(lambda: again.status.is_final, "it ends")
    assert again.status is Status.FINISHED and not again.unsaved
    assert "started over from its first step. The checkpoint is missing" in caplog.text


def test_a_run_whose_checkpoint_is_damaged_starts_again_and_ends_the_same(
    start: Opener, mnist: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = start()
    run = queue.submit(small(epochs=4))
    until(lambda: run.step > 5, "it trains")
    queue.close()
    checkpoint = tmp_path / "runs" / run.id / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    (again,) = (later := start()).runs()
    assert again.history.steps == 0
    assert again.unsaved and "checkpoint.pt is damaged" in again.unsaved
    later.resume(again)
    until(lambda: again.status.is_final, "it ends")
    assert again.status is Status.FINISHED
    assert same_bits(again, trained(small(epochs=4), mnist))
    assert "started over" in caplog.text


def test_training_goes_on_where_nothing_can_be_kept(start: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(path: Path, *parts: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    queue = start(seconds_between=0.0, share_of_time=1.0)
    with monkeypatch.context() as patch:
        patch.setattr("mlpcore.store.files.write_whole", no_room)
        run = queue.submit(small())
        until(lambda: run.unsaved, "the words")
        until(lambda: run.status.is_final, "it ends")
        assert run.status is Status.FINISHED
        assert run.unsaved and "is full" in run.unsaved
        assert run.result and run.model and run.history.epochs
        assert look(queue) == [run]
    fine = queue.submit(endless())
    until(lambda: fine.step > 5, "it trains")
    assert fine.unsaved is None


def test_without_a_folder_runs_stay_in_memory_and_are_kept_once_there_is_one(
    start: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").write_text("no folder")
    queue = start()
    assert queue.runs() == []
    problem = queue.unsaved
    assert problem and str(tmp_path / "runs") in problem
    run = queue.submit(small())
    until(lambda: run.status.is_final, "it ends")
    assert (run.number, run.status) == (1, Status.FINISHED) and run.result
    assert run.unsaved == problem
    monkeypatch.setattr("mlpcore.runs.RETRY_SECONDS", 0.01)
    (tmp_path / "runs").unlink()
    assert look(queue) == [run]
    assert queue.unsaved is None
    assert queue.submit(small(), paused=True).unsaved is None
    queue.describe(run, "Kept at last")
    until(lambda: not queue._unfiled(), "it is kept")
    assert not run.unsaved
    assert [again.title for again in start().runs() if again.status is Status.FINISHED] == ["Kept at last"]


def test_while_another_process_keeps_the_list_busy_nothing_waits_and_all_is_written_afterwards(
    start: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlpcore.runs.RETRY_SECONDS", 0.01)
    queue = start(busy_seconds=0.01)
    before = queue.submit(small())
    trained_on = queue.submit(small(epochs=3), paused=True)
    until(lambda: before.status.is_final, "it ends")
    gone, back, ended = (queue.submit(small(seed=seed)) for seed in (1, 2, 3))
    until(lambda: ended.status.is_final and back.status.is_final and gone.status.is_final, "they end")
    with busy(tmp_path / "runs"):
        queue.describe(before, "A name", ["tag"], "a note")
        queue.delete([gone, back])
        queue.put_back([back.id])
        assert queue.unsaved and "busy" in queue.unsaved
        new = queue.submit(small(seed=4))
        endless_one = queue.submit(endless())
        queue.describe(endless_one, "Still going")
        assert new.unsaved and "busy" in new.unsaved
        queue.resume(trained_on)
        until(lambda: new.status.is_final and trained_on.status.is_final, "they end")
        until(lambda: endless_one.step > 5, "it trains")
        # What was done counts at once, and is not undone by a look at the list.
        assert {run.id for run in look(queue)} == {
            run.id for run in (before, trained_on, back, ended, new, endless_one)
        }
        assert before.title == "A name"
    until(lambda: not (queue.unsaved or queue._unfiled() or endless_one.unsaved), "all is written")
    other = start()
    listed = {run.id: run for run in other.runs()}
    assert set(listed) == {run.id for run in (before, trained_on, back, ended, new, endless_one)}
    assert (listed[before.id].title, listed[before.id].tags, listed[before.id].note) == ("A name", ("tag",), "a note")
    assert listed[endless_one.id].title == "Still going" and listed[endless_one.id].elsewhere
    for run in (new, trained_on):
        again = listed[run.id]
        assert again.status is Status.FINISHED
        assert again.history.losses.tobytes() == run.history.losses.tobytes()
        assert again.result and run.outcome and again.result.test.accuracy == run.outcome.test_accuracy


def test_a_server_that_starts_while_the_list_is_busy_shows_it(
    start: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlpcore.runs.UNDO_TIME", timedelta(0))
    queue = start()
    run, gone = queue.submit(small()), queue.submit(small(seed=1))
    until(lambda: run.status.is_final and gone.status.is_final, "they end")
    queue.delete([gone])
    queue.close()
    with busy(tmp_path / "runs"):
        # It cannot remove what was deleted.
        assert [found.id for found in start(busy_seconds=0.01).runs()] == [run.id]
    assert (tmp_path / "runs" / gone.id).exists() or list((tmp_path / "runs").glob("*.deleted"))
    assert [found.id for found in start().runs()] == [run.id]
    assert not list((tmp_path / "runs").glob(f"{gone.id}*"))


def test_what_is_not_written_yet_is_written_when_the_server_ends(
    start: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = start(busy_seconds=0.01)
    run = queue.submit(small(), paused=True)
    with busy(tmp_path / "runs"):
        queue.describe(run, "A name")
        late = queue.submit(small(seed=1))
        until(lambda: late.status.is_final, "it ends")
    queue.close()
    assert {found.id: found.status for found in start().runs()} == {
        run.id: Status.INTERRUPTED,
        late.id: Status.FINISHED,
    }
    assert start().get(run.id).title == "A name"  # type: ignore[union-attr]


def test_runs_of_a_comparison_and_cancelled_ones_leave_nothing_on_the_disk(start: Opener, tmp_path: Path) -> None:
    queue = start()
    hidden = queue.submit(small(), listed=False)
    cancelled = queue.submit(small(), paused=True)
    queue.stop(cancelled)
    until(lambda: hidden.status.is_final, "it ends")
    assert queue.runs() == []
    assert not [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]


def test_deleted_runs_can_be_put_back(start: Opener) -> None:
    queue = start()
    runs = [queue.submit(small(seed=seed)) for seed in range(3)]
    active = queue.submit(endless())
    until(lambda: all(run.status.is_final for run in runs), "they end")
    queue.delete([*runs, active])
    assert look(queue) == [active]
    queue.put_back([runs[1].id])
    assert look(queue) == [active, runs[1]]
    assert runs[1].result


def test_a_queued_run_cancelled_while_the_list_is_busy_does_not_come_back(
    start: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlpcore.runs.RETRY_SECONDS", 0.01)
    queue = start(busy_seconds=0.01)
    queue._training_at_once = 0
    kept, cancelled, other = (queue.submit(small(seed=seed)) for seed in range(3))
    with busy(tmp_path / "runs"):
        queue.stop(cancelled)
        assert cancelled.status is Status.STOPPED
        assert queue.unsaved and "busy" in queue.unsaved
        assert {run.id for run in look(queue)} == {kept.id, other.id}
        # Nobody else can resume it meanwhile.
        (seen,) = [run for run in start().runs() if run.id == cancelled.id]
        assert seen.elsewhere
    until(lambda: not queue._cancelled, "the list is written")
    assert {run.id for run in look(queue)} == {kept.id, other.id}
    assert not (tmp_path / "runs" / cancelled.id).exists()

    # Also if the server ends before it is tried again.
    monkeypatch.setattr("mlpcore.runs.RETRY_SECONDS", 1000)
    with busy(tmp_path / "runs"):
        queue.stop(other)
    queue.close()
    assert [run.id for run in start().runs()] == [kept.id]


def test_deleted_runs_are_forgotten_when_they_cannot_be_put_back_any_more(
    queue: RunQueue, small: Callable[..., Experiment], mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(owner: str) -> "weakref.ref[Run]":
        run = queue.submit(small(), owner, watch=Watch(mnist.test.images[0], 7, small()))
        until(lambda: run.status.is_final, "it ends")
        queue.delete([run])
        return weakref.ref(run)

    early = ended("me")
    gc.collect()
    assert early() is not None, "it can still be put back"
    monkeypatch.setattr("mlpcore.runs.UNDO_TIME", timedelta(0))
    late = ended("you")
    queue.submit(small(), paused=True)
    gc.collect()
    assert early() is None and late() is None


def test_deleted_runs_count_among_those_that_are_watched(
    queue: RunQueue, small: Callable[..., Experiment], mnist: Dataset
) -> None:
    queue._training_at_once = 0

    def watched(owner: str) -> Run:
        return queue.submit(small(), owner, watch=Watch(mnist.test.images[0], 7, small()))

    deleted = [watched(f"owner {n}") for n in range(3)]
    for run in deleted:
        run.status = Status.FAILED
    queue.delete(deleted)
    others = [watched(f"other owner {n}") for n in range(WATCHES - 2)]
    assert [run.watch is None for run in deleted] == [True, False, False]
    assert all(run.watch for run in others)
    queue.put_back([run.id for run in deleted])
    assert set(deleted) < set(queue.runs())


def test_a_slow_disk_does_not_hold_up_the_queue(start: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = start()
    run = queue.submit(endless())
    looking, go_on = threading.Event(), threading.Event()
    read = Store.runs

    def slow(store: Store) -> list[StoredRun]:
        rows = read(store)
        looking.set()
        assert go_on.wait(100)
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Store, "runs", slow)
        queue._read_again()
        page = threading.Thread(target=queue.runs)
        page.start()
        assert looking.wait(100)
        queue.pause(run)
        until(lambda: run.status is Status.PAUSED, "it pauses meanwhile")
        queue.stop(run)
        until(lambda: run.status is Status.STOPPED, "it ends meanwhile")
        queue.describe(run, "A name")
        gone = queue.submit(small(), paused=True)
        queue.stop(gone)
        patch.setattr(Store, "runs", read)
        go_on.set()
        page.join()
    # What was read before all that does not undo it.
    assert look(queue) == [run]
    assert (run.status, run.title) == (Status.STOPPED, "A name") and run.result


def test_a_run_knows_what_made_it(start: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> None:
        monkeypatch.setattr("mlpcore.runs.made_by", lambda: name)
        monkeypatch.setattr("mlpcore.provenance.made_by", lambda: name)

    version("one")
    queue = start()
    run, same, mixed, anew, untouched = (queue.submit(small(seed=seed), paused=True) for seed in range(5))
    assert run.made_by == "one"
    queue.resume(run)
    for each in (same, mixed, anew):
        queue.advance(each, 3)
    until(lambda: run.status.is_final and {same.step, mixed.step, anew.step} == {3}, "they train")
    queue.close()

    def resume_there(*ids: str) -> None:
        queue = start()
        resumed = [run for run in queue.runs() if run.id in ids]
        assert len(resumed) == len(ids) and {run.made_by for run in resumed} == {"one"}
        for run in resumed:
            queue.resume(run)
        until(lambda: all(run.status.is_final for run in resumed), "they end")
        queue.close()

    resume_there(same.id)
    version("two")
    (tmp_path / "runs" / anew.id / "checkpoint.pt").write_bytes(b"damaged")
    resume_there(mixed.id, anew.id, untouched.id)
    made = {run.id: run.made_by for run in start().runs()}
    assert [made[each.id] for each in (run, same, mixed, anew, untouched)] == ["one", "one", None, "two", "two"]
