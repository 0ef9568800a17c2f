"""Work of several batches in the background: progress, cancelling, failures, and how long it is kept."""

import threading
from typing import Any

import pytest

from mlpcore.comparison import job as job_module
from mlpcore.comparison.batch import Batch
from mlpcore.comparison.job import Job, Jobs
from mlpcore.runs import RunQueue
from tests.small_runs import endless, small
from tests.waiting import until


def test_a_job_trains_what_it_is_asked_for_and_keeps_what_came_out(queue: RunQueue) -> None:
    def work(job: Job) -> list[float]:
        first = job.train([small(), small(seed=1)], 0.5)
        second = job.try_out([small(seed=2)], 0.5)
        return [run.test.accuracy for run in [*first, *second] if run]

    job = Job("a subject", work, queue=queue)
    job.join()
    assert job.is_over
    assert job.progress == 1
    assert len(job.outcome) == 3
    assert job.subject == "a subject"
    assert job.error is None
    assert [len(batch.trained) for batch in job.batches] == [2, 1]


def test_progress_counts_batches_and_what_is_computed_besides(queue: RunQueue) -> None:
    go_on, seen = threading.Event(), []

    def work(job: Job) -> None:
        seen.append(job.progress)
        job.train([small()], 0.4)
        seen.append(job.progress)
        job.report(0.7)
        seen.append(job.progress)
        go_on.wait()

    job = Job(None, work, queue=queue)
    until(lambda: len(seen) == 3, "the work")
    assert seen == pytest.approx([0, 0.4, 0.7])
    assert job.seconds_left is not None
    go_on.set()
    job.join()


def test_the_time_left_is_estimated_from_what_was_trained_here_alone(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "seconds", 10.0)
    go_on, seen = threading.Event(), []
    first = Batch([small(seed=seed) for seed in range(4)], queue)
    first.wait()
    cache = {run.experiment: run for run in first.trained if run}

    def work(job: Job) -> None:
        job.train([small(seed=seed) for seed in range(4)], 0.8)
        seen.append((job.progress, job.seconds_left))
        job.train([small(seed=4)], 0.1)
        seen.append((job.progress, job.seconds_left))
        go_on.wait()

    job = Job(None, work, queue=queue, cache=cache)
    until(lambda: len(seen) == 2, "the work")
    # At first all was reused; then a tenth of the work was trained here, and a tenth is left.
    (reused, unknown), (progress, left) = seen
    assert (reused, progress, left) == pytest.approx((0.8, 0.9, 10))
    assert unknown is None
    go_on.set()
    job.join()


def test_cancelling_ends_a_training_and_what_comes_after_it(queue: RunQueue) -> None:
    def work(job: Job) -> str:
        job.train([endless(), endless(seed=1), endless(seed=2)])
        return "never"

    job = Job(None, work, queue=queue)
    until(lambda: bool(job.batches), "it begins")
    job.cancel()
    job.join()
    assert job.cancelled
    assert job.outcome is None
    assert job.error is None


def test_cancelling_ends_a_computation_at_its_next_report(queue: RunQueue) -> None:
    def work(job: Job) -> None:
        while True:
            job.report(0.1)

    job = Job(None, work, queue=queue)
    job.cancel()
    job.join()
    assert job.cancelled


def test_a_failed_run_is_said_and_so_is_a_surprise_without_its_details(
    queue: RunQueue, caplog: pytest.LogCaptureFixture
) -> None:
    diverging = small(optimizer="sgd", learning_rate=100, hidden=[64, 64, 64], epochs=20)
    failed = Job(None, lambda job: job.train([diverging]), queue=queue)
    failed.join()
    assert failed.error is not None
    assert "learning rate" in failed.error
    assert failed.outcome is None

    def surprise(job: Job) -> None:
        raise RuntimeError("secret")

    surprised = Job(None, surprise, queue=queue)
    surprised.join()
    assert surprised.error is not None
    assert "secret" not in surprised.error
    assert "secret" in caplog.text


def test_of_jobs_that_are_over_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "JOBS_KEPT", 3)
    jobs, hold = Jobs(), threading.Event()
    running = Job(None, lambda job: hold.wait())
    jobs.add(running)
    ended: list[Any] = []
    for _ in range(5):
        job = Job(None, lambda job: None)
        job.join()
        jobs.add(job)
        ended.append(job)
    assert jobs.get(running.id) is running
    assert jobs.all() == [ended[4], ended[3], running]
    assert jobs.get(ended[0].id) is None
    hold.set()
    jobs.close()
    assert running.is_over
