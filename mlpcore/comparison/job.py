"""Comparisons in the background: they keep running when the page that shows them is left or reloaded."""

import atexit
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlpcore.comparison.batch import Batch, Results
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import Experiment
from mlpcore.runs import RunQueue

JOBS_KEPT = 30
"""A comparison of 50 seeds takes some 10 MB, so the server cannot keep all of them."""

_FIRST_SHARE = 0.05
"""The share of the training to wait for before the time left is estimated: the first moments say little."""

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """The job was cancelled, or one of its runs failed."""


class Job:
    """Runs a function that trains experiments, and keeps what it returns.

    Args:
        subject: what the job is about, for the pages that show it.
        work: gets this job, calls `train` and `report`, and returns the outcome.
        owner: the browser session that started it.
        queue: trains the runs; the process's own queue if None.
        cache: results that can be reused, see `Batch`.
        names: names for the experiments, with seed 0, on screen; without one they are named by what differs.

    Attributes:
        id: unique, for URLs.
        created: when it started.
        batches: those started so far.
        outcome: what `work` returned; None until then.
        error: what went wrong, in a sentence.
        cancelled: whether it was cancelled.
    """

    def __init__(
        self,
        subject: object,
        work: Callable[["Job"], Any],
        owner: str = "",
        queue: RunQueue | None = None,
        cache: Results | None = None,
        names: Mapping[Experiment, str] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.created = datetime.now(UTC)
        self.subject = subject
        self.owner = owner
        self.batches: list[Batch] = []
        self.outcome: Any = None
        self.error: str | None = None
        self.cancelled = False
        self._queue = queue
        self.names = names or {}
        self._cache = cache
        self._started_at = time.monotonic()
        self._ended_at: float | None = None
        self._done = 0.0
        self._reused = 0.0
        self._share = 0.0
        self._batch: Batch | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, args=(work,), name="job", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return not self._thread.is_alive()

    @property
    def progress(self) -> float:
        """Share of the work that is done, 0 to 1; reused results count as done."""
        if self.is_over:
            return 1.0
        batch = self._batch
        return min(1.0, self._done + (self._share * batch.progress if batch else 0.0))

    @property
    def seconds(self) -> float:
        """Seconds since the start, or from the start to the end."""
        return (self._ended_at or time.monotonic()) - self._started_at

    @property
    def seconds_left(self) -> float | None:
        """How many more seconds it will take at its speed so far; None as long as too little is done to tell."""
        batch, progress = self._batch, self.progress
        # Reused results took no time, so they say nothing about the speed.
        done_here = progress - self._reused - (self._share * batch.share_reused if batch else 0.0)
        return self.seconds * (1 - progress) / done_here if done_here > _FIRST_SHARE else None

    def train(
        self, experiments: Sequence[Experiment], share: float = 1.0, *, at_once: int | None = None
    ) -> list[TrainedRun]:
        """Trains all `experiments` to the end; `share` says how much of the whole job that is, 0 to 1.

        Raises:
            Cancelled: the job was cancelled, or a run failed.
        """
        batch = self._train(experiments, share, at_once, stop_at_failure=True)
        if batch.error:
            self.error = batch.error
            raise Cancelled
        return [run for run in batch.trained if run]

    def try_out(self, experiments: Sequence[Experiment], share: float = 1.0) -> list[TrainedRun | None]:
        """Like `train`, but a run that fails, for example from too high a learning rate, leaves None in its place."""
        return self._train(experiments, share, None, stop_at_failure=False).trained

    def report(self, done: float) -> None:
        """Sets what share of the whole job is done, 0 to 1, while it computes something other than runs.

        Raises:
            Cancelled: the job was cancelled.
        """
        self._done = done
        if self.cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """Stops the work as soon as possible; finished runs stay in `batches`."""
        with self._lock:
            self.cancelled = self.cancelled or not self.is_over
            if self._batch:
                self._batch.cancel()

    def join(self) -> None:
        """Returns when the job is over."""
        self._thread.join()

    def close(self) -> None:
        """Cancels the job and waits until it has stopped computing."""
        self.cancel()
        if self._batch is None:
            self.join()

    def _train(
        self, experiments: Sequence[Experiment], share: float, at_once: int | None, stop_at_failure: bool
    ) -> Batch:
        with self._lock:
            if self.cancelled:
                raise Cancelled
            batch = Batch(experiments, self._queue, self.owner, self._cache, at_once, stop_at_failure)
            self._share, self._batch = share, batch
            self.batches.append(batch)
        batch.wait()
        with self._lock:
            self._batch = None
            self._done += share
            self._reused += share * batch.share_reused
        if batch.cancelled:
            raise Cancelled
        return batch

    def _run(self, work: Callable[["Job"], Any]) -> None:
        try:
            self.outcome = work(self)
        except Cancelled:
            pass
        except Exception:
            log.exception("A comparison failed")
            self.error = "Something unexpected went wrong in this comparison. The server's log has the details."
        finally:
            self._ended_at = time.monotonic()


class Jobs:
    """The jobs of the process by id; only the newest of those that are over are kept."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        # As with the queue: no thread may be inside PyTorch while the interpreter shuts down.
        atexit.register(self.close)

    def add(self, job: Job) -> None:
        """Keeps a job."""
        with self._lock:
            self._jobs[job.id] = job
            over = [job.id for job in self._jobs.values() if job.is_over]
            for old in over[: max(0, len(self._jobs) - JOBS_KEPT)]:
                del self._jobs[old]

    def get(self, job_id: str) -> Job | None:
        """The job with this id, if there is one."""
        return self._jobs.get(job_id)

    def all(self) -> list[Job]:
        """All jobs, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def close(self) -> None:
        """Ends all jobs."""
        for job in self.all():
            job.close()


jobs = Jobs()
"""The jobs of this process. They live in this module, since clearing Streamlit's caches must not lose one."""
