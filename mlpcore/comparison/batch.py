"""Runs that belong together, such as those of a comparison: trained side by side and stopped together."""

import os
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from mlpcore import runs
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import Experiment
from mlpcore.history import History
from mlpcore.network import flops_per_image
from mlpcore.runs import Run, RunQueue, Status
from mlpcore.training import SAMPLE_IMAGES

TEST_IMAGES = 10_000

_STEP_OVERHEAD_FLOPS = 50e6
"""The fixed cost of a step, as the number of operations that take equally long; for time estimates."""


class Results(Protocol):
    """Results of earlier runs; a dictionary or a `ResultCache`."""

    def get(self, experiment: Experiment, /) -> TrainedRun | None:
        """The result of this experiment, if there is one."""


class Batch:
    """Trains experiments in the given order, as many at once as there are cores, and keeps the results.

    At most that many runs take turns, so that they finish one after the other instead of all at the end.

    Args:
        experiments: all different.
        queue: trains them; the process's own queue if None.
        owner: the owner of the runs.
        cache: earlier results. Experiments that it holds are not trained again.
        at_once: how many runs train side by side; as many as there are cores if None.
        stop_at_failure: whether the whole batch ends when one run fails.

    Attributes:
        trained: the result of each experiment, None until it has one.
        reused: how many results came from `cache`.
        error: why a run failed, in a sentence, if `stop_at_failure` ended the batch.
        cancelled: whether it was cancelled.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        queue: RunQueue | None = None,
        owner: str = "",
        cache: Results | None = None,
        at_once: int | None = None,
        stop_at_failure: bool = True,
    ) -> None:
        self.experiments = tuple(experiments)
        self.trained = [cache.get(experiment) if cache else None for experiment in self.experiments]
        self.reused = sum(map(bool, self.trained))
        self.error: str | None = None
        self.cancelled = False
        self._queue = queue or runs.queue
        self._owner = owner
        self._stop_at_failure = stop_at_failure
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._started: dict[int, Run] = {}
        self._open: set[int] = set()
        self._waiting = [place for place, run in enumerate(self.trained) if run is None]
        self._weights = [relative_cost(experiment) for experiment in self.experiments]
        self.share_reused = self.progress
        self._started_at = time.monotonic()
        self._ended_at: float | None = None
        with self._lock:
            for _ in range(at_once or os.cpu_count() or 1):
                self._start_next()

    @property
    def is_over(self) -> bool:
        """Whether nothing is training, and nothing more will."""
        return self._over.is_set()

    @property
    def is_complete(self) -> bool:
        """Whether every experiment was trained to its end."""
        return all(self.trained)

    @property
    def progress(self) -> float:
        """Share of the training that is done, 0 to 1; reused results count as done."""
        return self.progress_of(range(len(self.experiments)))

    def progress_of(self, places: Sequence[int]) -> float:
        """Share of the training of some of the experiments that is done, 0 to 1."""
        total = sum(self._weights[place] for place in places)
        return sum(self._weights[place] * self._share_done(place) for place in places) / total if places else 1.0

    @property
    def seconds(self) -> float:
        """Seconds since the start, or from the start to the end."""
        return (self._ended_at or time.monotonic()) - self._started_at

    def history(self, place: int) -> History | None:
        """The history of an experiment's run, which may still grow; None before it starts."""
        if trained := self.trained[place]:
            return trained.history
        run = self._started.get(place)
        return run.history if run else None

    def cancel(self) -> None:
        """Stops all runs and keeps those that are finished."""
        with self._lock:
            self.cancelled = self.cancelled or not self.is_over
            self._end()

    def wait(self) -> None:
        """Returns when the batch is over."""
        self._over.wait()

    def _share_done(self, place: int) -> float:
        run = self._started.get(place)
        if run is None:
            return 1.0 if self.trained[place] else 0.0
        return 1.0 if run.status.is_final else run.progress

    def _start_next(self) -> None:
        if self._waiting:
            place = self._waiting.pop(0)
            self._open.add(place)
            self._started[place] = self._queue.submit(
                self.experiments[place], self._owner, listed=False, at_end=lambda run: self._take(place, run)
            )
        elif not self._open:
            # Not as soon as all runs are final: the results of the last ones may not have been taken yet.
            self._ended_at = self._ended_at or time.monotonic()
            self._over.set()

    def _take(self, place: int, run: Run) -> None:
        with self._lock:
            try:
                if run.status is Status.FINISHED and run.result:
                    self.trained[place] = TrainedRun.of(run.experiment, run.result, run.history)
                elif run.status is Status.FAILED and self._stop_at_failure and not self.error:
                    self.error = f"{run.experiment.architecture.title}, seed {run.experiment.seed}: {run.error}"
                    self._end()
                # The comparison has what it needs; a hundred models would fill the memory.
                run.result = run.model = None
            finally:
                self._open.discard(place)
                self._start_next()

    def _end(self) -> None:
        self._waiting.clear()
        for run in list(self._started.values()):
            self._queue.stop(run)
        self._start_next()


def relative_cost(experiment: Experiment) -> float:
    """How much work a run is, for time estimates: its floating-point operations and the fixed cost of its steps.

    A step is one forward pass and a backward pass of twice its cost; validation and the final evaluation only pass
    forward.
    """
    flops, chosen = flops_per_image(experiment.architecture), experiment.hyperparameters
    per_step = _STEP_OVERHEAD_FLOPS + 3 * experiment.batch_images * flops
    per_epoch = (min(SAMPLE_IMAGES, experiment.data.train_images) + experiment.data.validation) * flops
    at_the_end = (experiment.data.train_images + TEST_IMAGES) * flops
    return per_step * experiment.total_steps + per_epoch * chosen.epochs + at_the_end
