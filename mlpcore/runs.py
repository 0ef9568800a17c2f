"""Runs, and the queue that trains them in the background.

The queue belongs to the process, not to a browser session. Runs take turns of a fraction of a second on a few worker
threads, so that with many of them every curve moves. A worker owns a run's model during a turn; everybody else only
reads what the run shows.
"""

import atexit
import logging
import math
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

from mlpcore import datasets
from mlpcore.datasets import Dataset, DataUnavailable
from mlpcore.experiment import DatasetName, Experiment, InvalidExperiment
from mlpcore.history import History
from mlpcore.network import MLP
from mlpcore.snapshots import Watch
from mlpcore.training import EpochEnd, Event, Finished, OutOfMemory, Result, Step, Trainer, TrainingDiverged

TURN_SECONDS = 0.25
"""How long a run trains before it is another's turn."""

TRAINING_AT_ONCE = 32
"""Runs that take turns, a class and a few more; the others wait until one of them ends or is paused."""

WATCHES = 32
"""Runs whose snapshots are kept, of 30 MB at most each: the server's memory must not grow with every one."""

SPEED_TURNS = 12
"""Turns over which a run's speed is measured."""

log = logging.getLogger(__name__)


class Status(StrEnum):
    """Where a run stands; the last four are final."""

    QUEUED = "queued"
    TRAINING = "training"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will come."""
        return self in (Status.FINISHED, Status.STOPPED, Status.FAILED, Status.INTERRUPTED)


class Run:
    """One execution of an experiment. Pages read it at any time; only the queue changes it.

    Attributes:
        id: unique, for URLs and files.
        number: counts the runs of this process, from 1.
        owner: the browser session that started it.
        history: grows while it trains.
        step: the last step that was trained, from 1; 0 before the first.
        result, model: what came out, once it is finished or stopped.
        error: why it failed, in a sentence.
        pause_after: the step after which it pauses, infinite if it trains freely.
        stopping: whether it was told to stop; it is then evaluated and ends.
        listed: whether it stands in the list of runs; those of a comparison do not.
        watch: asks the growing model about a drawing of the owner's, which nobody else is shown; None without one, or
            since the owner has started another.
    """

    def __init__(
        self,
        number: int,
        experiment: Experiment,
        owner: str,
        watch: Watch | None = None,
        listed: bool = True,
        at_end: Callable[["Run"], None] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.number = number
        self.experiment = experiment
        self.owner = owner
        self.watch = watch
        self.listed = listed
        self.created = datetime.now(UTC)
        self.status = Status.QUEUED
        self.history = History(experiment)
        self.step = 0
        self.result: Result | None = None
        self.model: MLP | None = None
        self.error: str | None = None
        self.pause_after: float = math.inf
        self.stopping = False
        self._marks: tuple[tuple[float, int], ...] = ()
        self._trainer: Trainer | None = None
        self._at_end = at_end

    @property
    def title(self) -> str:
        """What the run is called on screen."""
        return f"Run {self.number}: {self.experiment.architecture.title}"

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0 to 1; 1 where early stopping has ended training."""
        return 1.0 if self.is_trained or self.status is Status.FINISHED else self.step / self.experiment.total_steps

    @property
    def is_trained(self) -> bool:
        """Whether no step is left, so that only measuring is."""
        trainer = self._trainer
        return self.step == self.experiment.total_steps or (trainer is not None and trainer.is_complete)

    @property
    def steps_per_second(self) -> float | None:
        """Speed over the last turns, other runs' turns included; None before two of them."""
        marks = self._marks
        if len(marks) < 2 or marks[-1][0] <= marks[0][0]:
            return None
        return (marks[-1][1] - marks[0][1]) / (marks[-1][0] - marks[0][0])

    def _take_turn(self, dataset: Dataset) -> bool:
        """Trains until its time is up, a pause, or the end; True if it came to rest where a pause is asked for."""
        deadline = time.perf_counter() + TURN_SECONDS
        watch = self.watch
        if self._trainer is None:
            self._trainer = Trainer(self.experiment, dataset, self.history)
            if watch:
                watch.look(0, self._trainer.model)
        if self.stopping:
            self._trainer.stop()
        if not self._marks:
            self._marks = ((time.perf_counter(), self.step),)
        for event in self._trainer:
            if isinstance(event, Step):
                self.step = event.step
                if watch:
                    watch.look(event.step, self._trainer.model)
            elif isinstance(event, Finished):
                self.result, self.model = event.result, self._trainer.model.eval()
            if self.step >= self.pause_after and self._may_rest(event, self._trainer):
                self._trainer.read_losses()
                return True
            if time.perf_counter() >= deadline:
                break
        self._marks = (*self._marks[1 - SPEED_TURNS :], (time.perf_counter(), self.step))
        return False

    def _may_rest(self, event: Event, trainer: Trainer) -> bool:
        """A pause comes after a step, but the last step of an epoch is measured first, and that of a run evaluated."""
        last_of_epoch = self.step % self.experiment.steps_per_epoch == 0
        return isinstance(event, EpochEnd if last_of_epoch else Step) and not trainer.is_complete


class RunQueue:
    """Trains submitted runs in turns on background threads.

    Args:
        load: gives a dataset by its name.
        cores: CPU cores to fill; runs whose threads fit into them side by side train at the same time.
        training_at_once: runs that take turns; the rest wait.
    """

    def __init__(
        self,
        load: Callable[[DatasetName], Dataset] = datasets.load,
        cores: int | None = None,
        training_at_once: int = TRAINING_AT_ONCE,
    ) -> None:
        self._load = load
        self._cores = cores or os.cpu_count() or 1
        self._training_at_once = training_at_once
        self._changed = threading.Condition()
        self._runs: dict[str, Run] = {}
        self._waiting: deque[Run] = deque()
        self._turns: deque[Run] = deque()
        self._on_turn: list[Run] = []
        self._workers: list[threading.Thread] = []
        self._submitted = 0
        self._closed = False

    def submit(
        self,
        experiment: Experiment,
        owner: str = "",
        *,
        paused: bool = False,
        watch: Watch | None = None,
        listed: bool = True,
        at_end: Callable[[Run], None] | None = None,
    ) -> Run:
        """Queues a run of `experiment`; with `paused` it waits before its first step.

        Without `listed` it is not among `runs`, and takes no number from those that are. `at_end` is called with the
        run, on some thread, once its status is final.

        A `watch` takes the place of the owner's last one, whose snapshots are given up; of all, the newest 32 stay.
        """
        with self._changed:
            if watch:
                watched = [run for run in self._runs.values() if run.watch]
                for run in watched:
                    if run.owner == owner or run in watched[: 1 - WATCHES]:
                        run.watch = None
            self._submitted += listed
            run = Run(self._submitted, experiment, owner, watch, listed, at_end)
            if listed:
                self._runs[run.id] = run
            if paused:
                run.status, run.pause_after = Status.PAUSED, 0
            else:
                self._waiting.append(run)
                self._admit()
            self._start_workers()
        return run

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        with self._changed:
            return list(reversed(self._runs.values()))

    def get(self, run_id: str) -> Run | None:
        """The run with this id, if there is one."""
        return self._runs.get(run_id)

    def place(self, run: Run) -> int | None:
        """A waiting run's place in the queue, from 1; None if it does not wait."""
        with self._changed:
            return self._waiting.index(run) + 1 if run in self._waiting else None

    def pause(self, run: Run) -> None:
        """Stops training after the current step, until `resume` or `advance`."""
        with self._changed:
            if run.status is not Status.TRAINING or run.stopping:
                return
            run.pause_after = 0
            if run in self._turns:
                self._turns.remove(run)
                self._rest(run)

    def resume(self, run: Run) -> None:
        """Lets a paused run train on freely."""
        self._continue(run, math.inf)

    def advance(self, run: Run, steps: int) -> None:
        """Lets a paused run train `steps` more steps and pause again."""
        self._continue(run, run.step + steps)

    def advance_epoch(self, run: Run) -> None:
        """Lets a paused run train to the end of its epoch and pause again."""
        per_epoch = run.experiment.steps_per_epoch
        self._continue(run, (run.step // per_epoch + 1) * per_epoch)

    def stop(self, run: Run) -> None:
        """Ends training after the current step; the run is evaluated and final. One that never began is removed."""
        with self._changed:
            if run.status.is_final:
                return
            run.stopping = True
            trainer = run._trainer
            if trainer is not None:
                trainer.stop()
            elif run not in self._on_turn:
                for line in (self._waiting, self._turns):
                    if run in line:
                        line.remove(run)
                run.status = Status.STOPPED
                self._runs.pop(run.id, None)
                self._admit()
            self._continue(run, math.inf)
        if run.status.is_final:
            _tell(run)

    def measured_seconds(self, experiment: Experiment) -> float | None:
        """Seconds per epoch that such an experiment took here, by the newest run of equal cost; None without one."""
        cost = _epoch_cost(experiment)
        for run in self.runs():
            if run.history.epochs and _epoch_cost(run.experiment) == cost:
                return run.history.epochs[-1].seconds
        return None

    def close(self) -> None:
        """Ends all threads after their current step; what was unfinished stays unfinished."""
        with self._changed:
            self._closed = True
            for run in self._on_turn:
                run.pause_after = 0
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()

    def _continue(self, run: Run, pause_after: float) -> None:
        with self._changed:
            if run.status.is_final:
                return
            run.pause_after = pause_after
            if run.status is Status.PAUSED and run not in self._on_turn:
                run.status = Status.QUEUED
                self._waiting.append(run)
                self._admit()

    def _rest(self, run: Run) -> None:
        run.status = Status.PAUSED
        run._marks = ()
        self._admit()

    def _admit(self) -> None:
        """Lets waiting runs take turns where there is room; a newcomer's first turn comes before all others'."""
        while self._waiting and len(self._turns) + len(self._on_turn) < self._training_at_once:
            run = self._waiting.popleft()
            run.status = Status.TRAINING
            self._turns.appendleft(run)
        self._changed.notify_all()

    def _start_workers(self) -> None:
        if not self._workers:
            for number in range(self._cores):
                worker = threading.Thread(target=self._work, name=f"training-{number}", daemon=True)
                self._workers.append(worker)
                worker.start()
            # A thread inside PyTorch while the interpreter goes down would abort the process.
            atexit.register(self.close)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._next_fits())
                if self._closed:
                    return
                run = self._turns.popleft()
                self._on_turn.append(run)
            rested, error = self._train(run)
            with self._changed:
                self._on_turn.remove(run)
                if error or run.result:
                    self._end(run, error)
                elif rested and run.pause_after <= run.step:
                    self._rest(run)
                else:
                    self._turns.append(run)
                self._admit()
            # Without the lock, since whoever is told may queue the next run.
            if run.status.is_final:
                _tell(run)

    def _next_fits(self) -> bool:
        if not self._turns:
            return False
        busy = sum(run.experiment.threads for run in self._on_turn)
        return not self._on_turn or busy + self._turns[0].experiment.threads <= self._cores

    def _train(self, run: Run) -> tuple[bool, str | None]:
        """Gives a run its turn: whether it came to rest, and what went wrong if anything did, in a sentence."""
        try:
            return run._take_turn(self._load(run.experiment.data.dataset)), None
        except (TrainingDiverged, OutOfMemory, InvalidExperiment, DataUnavailable) as problem:
            return False, str(problem)
        except Exception:
            log.exception("Run %s failed", run.id)
            return False, "Something unexpected went wrong during training. The server's log has the details."

    def _end(self, run: Run, error: str | None) -> None:
        completed = run.is_trained
        if run._trainer:
            run._trainer.close()
            run._trainer = None
        run.error = error
        if error:
            run.status = Status.FAILED
        else:
            run.status = Status.FINISHED if completed else Status.STOPPED


def _tell(run: Run) -> None:
    if run._at_end:
        run._at_end(run)


def _epoch_cost(experiment: Experiment) -> tuple[object, ...]:
    """What an epoch's time depends on, its measurement included."""
    chosen = experiment.hyperparameters
    return (
        experiment.architecture,
        experiment.batch_images,
        experiment.data.train_images,
        experiment.data.validation,
        experiment.data.normalize,
        chosen.accumulate,
        chosen.optimizer,
        chosen.augment,
        experiment.device,
        experiment.threads,
    )


queue = RunQueue()
"""The process's queue. It lives in this module, since clearing Streamlit's caches must not lose a run."""
