"""Runs, and the queue that trains them in the background.

The queue belongs to the process, not to a browser session. Runs take turns of a fraction of a second on a few worker
threads, so that even with many runs every curve moves. A worker owns a run's model during a turn; all other threads
only read what the run exposes.

With a `Store` the listed runs survive a restart, and those that it interrupted can be resumed.
"""

import atexit
import logging
import math
import os
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from mlpcore import datasets
from mlpcore.datasets import Dataset, DataUnavailable
from mlpcore.experiment import DatasetName, Experiment, InvalidExperiment
from mlpcore.history import History
from mlpcore.memory import give_back
from mlpcore.network import MLP
from mlpcore.provenance import made_by
from mlpcore.store import NotToBeTrained, Outcome, Recorder, Store, StoredRun, StoreProblem, checked_description
from mlpcore.training import (
    EpochEnd,
    Event,
    Finished,
    OutOfMemory,
    Result,
    Step,
    Trainer,
    TrainingDiverged,
)

TURN_SECONDS = 0.25
"""How long a run trains before the next run gets its turn."""

TRAINING_AT_ONCE = 32
"""Runs that take turns, enough for a class; the others wait until one of them ends or is paused."""

WATCHES = 32
"""Runs whose snapshots are kept, of up to 30 MB each, so that the server's memory does not grow with every run."""

SPEED_TURNS = 12
"""Turns over which the speed of a run is measured."""

REFRESH_SECONDS = 1.0
"""How often to look at the store for changes by other processes."""

PAGE_BUSY_SECONDS = 0.5
"""How long a page waits while another process is writing to the store, before it says so and continues."""

RETRY_SECONDS = 5.0
"""How often to retry what could not be read or written."""

UNDO_TIME = timedelta(hours=1)
"""How long a deleted run can be put back, at least; also from another server of the same folder."""

log = logging.getLogger(__name__)


Part = TypeVar("Part")


class Watch(Protocol):
    """Watches a model while a run trains it."""

    def look(self, step: int, model: MLP) -> None:
        """Called before training as step 0 and after every step; must not change the model."""


class Status(StrEnum):
    """The state of a run; the last four are final."""

    QUEUED = "queued"
    TRAINING = "training"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended or was interrupted."""
        return self in (Status.FINISHED, Status.STOPPED, Status.FAILED, Status.INTERRUPTED)


class Run:
    """One execution of an experiment. Pages may read it at any time; only the queue changes it.

    Attributes:
        id: unique, for URLs and files.
        number: counts its owner's listed runs, from 1, including those before a restart.
        owner: who started it.
        created, ended: when it was submitted, and when it ended.
        step: the last step trained, from 1; 0 before the first.
        outcome: how good its model is, in a few numbers, once it is finished or stopped; cheaper than `result`.
        error: why it failed, in a sentence.
        unsaved: why the run or a part of it is not saved to the disk, in a sentence; None if it is, or should not be.
        elsewhere: whether another process is training it; here it can only be looked at, as it was last saved.
        made_by: the versions that have trained it, as `made_by` names them; None if that is not known, or if more
            than one took part.
        name, note, tags: what a person named it and wrote about it; `title` is the name, if there is one.
        pause_after: the step after which it pauses; infinite if it does not.
        stopping: whether it was told to stop; it is then evaluated, and ends.
        listed: whether it is in the list of runs; those of a comparison are not.
        watch: watches the model for the owner, and is shown to nobody else; None without one, or once the owner has
            started another.
    """

    def __init__(
        self,
        number: int,
        experiment: Experiment,
        owner: str,
        watch: Watch | None = None,
        listed: bool = True,
        at_end: Callable[["Run"], None] | None = None,
        run_id: str | None = None,
    ) -> None:
        self.id = run_id or uuid.uuid4().hex
        self.number = number
        self.experiment = experiment
        self.owner = owner
        self.watch = watch
        self.listed = listed
        self.created = datetime.now(UTC)
        self.ended: datetime | None = None
        self.status = Status.QUEUED
        self.step = 0
        self.outcome: Outcome | None = None
        self.error: str | None = None
        self.unsaved: str | None = None
        self.elsewhere = False
        self.made_by: str | None = made_by()
        self.name: str | None = None
        self.note = ""
        self.tags: tuple[str, ...] = ()
        self.pause_after: float = math.inf
        self.stopping = False
        self._history = History(experiment)
        self._result: Result | None = None
        self._model: MLP | None = None
        self._marks: tuple[tuple[float, int], ...] = ()
        self._trainer: Trainer | None = None
        self._at_end = at_end
        self._recorder: Recorder | None = None
        self._store: Store | None = None
        self._to_be_listed = False

    @classmethod
    def stored(cls, row: StoredRun, store: Store) -> "Run":
        """A run in `store`; its history, result and model are read when they are asked for."""
        run = cls(row.number, row.experiment, row.owner, run_id=row.id)
        run.created, run._store = row.created, store
        run._show(row)
        return run

    def _show(self, row: StoredRun) -> None:
        """Updates the run from its row in the list, which another process may have changed."""
        self.status, self.elsewhere = Status(row.status), row.status == Status.TRAINING
        self.step, self.error, self.ended, self.outcome = row.step, row.error, row.ended, row.outcome
        self.name, self.note, self.tags, self.made_by = row.title, row.note, row.tags, row.made_by

    @property
    def title(self) -> str:
        """The run's title on screen."""
        return self.name or f"Run {self.number}: {self.experiment.architecture.title}"

    @property
    def history(self) -> History:
        """Its losses and figures so far; grows while it trains. Read from the disk if it is there."""
        return self._from_disk(lambda store: store.history(self.id, self.experiment, self.step)) or self._history

    @property
    def result(self) -> Result | None:
        """Its evaluation, once it is finished or stopped. Read from the disk if it is there."""
        return self._result or (self._from_disk(lambda store: store.result(self.id)) if self.outcome else None)

    @result.setter
    def result(self, result: Result | None) -> None:
        self._result = result

    @property
    def model(self) -> MLP | None:
        """The trained network, once it is finished or stopped. Read from the disk if it is there."""
        return self._model or (self._from_disk(lambda store: store.model(self.id)) if self.outcome else None)

    @model.setter
    def model(self, model: MLP | None) -> None:
        self._model = model

    def _from_disk(self, read: Callable[[Store], Part]) -> Part | None:
        store = self._store
        if store is None:
            return None
        try:
            return read(store)
        except StoreProblem as problem:
            self.unsaved = str(problem)
            return None

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0 to 1; 1 if early stopping has ended training."""
        return 1.0 if self.is_trained or self.status is Status.FINISHED else self.step / self.experiment.total_steps

    @property
    def is_trained(self) -> bool:
        """Whether no step is left, only the evaluation."""
        trainer = self._trainer
        return self.step == self.experiment.total_steps or (trainer is not None and trainer.is_complete)

    @property
    def steps_per_second(self) -> float | None:
        """Speed over the last turns, including other runs' turns; None before the second turn."""
        marks = self._marks
        if len(marks) < 2 or marks[-1][0] <= marks[0][0]:
            return None
        return (marks[-1][1] - marks[0][1]) / (marks[-1][0] - marks[0][0])

    def _take_turn(self, dataset: Dataset) -> bool:
        """Trains until its turn is over, a pause, or the end; True if it pauses."""
        deadline = time.perf_counter() + TURN_SECONDS
        watch = self.watch
        trainer = self._trainer or self._begin(dataset)
        if self.stopping:
            trainer.stop()
        if not self._marks:
            self._marks = ((time.perf_counter(), self.step),)
        for event in trainer:
            if isinstance(event, Step):
                self.step = event.step
                if watch:
                    watch.look(event.step, trainer.model)
            elif isinstance(event, Finished):
                self._result, self._model = event.result, trainer.model.eval()
            if self._recorder:
                self._recorder.on_event(event, trainer)
                self.unsaved = self._recorder.unsaved
            if self.step >= self.pause_after and self._may_rest(event, trainer):
                trainer.read_losses()
                self._save()
                return True
            if time.perf_counter() >= deadline:
                break
        self._marks = (*self._marks[1 - SPEED_TURNS :], (time.perf_counter(), self.step))
        return False

    def _begin(self, dataset: Dataset) -> Trainer:
        """Starts training; an interrupted run continues from its last checkpoint."""
        if self._store is None:
            trainer = Trainer(self.experiment, dataset)
        else:
            resumed = self._store.resume(self.id, self.experiment, self.step, self.made_by, dataset)
            trainer, self.made_by = resumed.trainer, resumed.made_by
            if resumed.problem:
                log.warning("Run %s: %s", self.id, resumed.problem)
            if self._recorder:
                self._recorder.unsaved, self._recorder.made_by = resumed.problem, resumed.made_by
        self._trainer, self._history, self._store = trainer, trainer.history, None
        self.step = trainer.steps
        if self.watch and not self.step:
            self.watch.look(0, trainer.model)
        return trainer

    def _save(self) -> None:
        """Writes a checkpoint."""
        if self._recorder and self._trainer:
            self._recorder.save(self._trainer)
            self.unsaved = self._recorder.unsaved

    def _release(self) -> None:
        """Gives up resuming an interrupted run; it stays on the disk as it was."""
        self.stopping = False
        if self._recorder:
            self._recorder.release()
            self._recorder = None

    def _conclude(self, error: str | None, store: Store | None) -> Status:
        """Frees what only training needed, and saves the outcome; returns the final status."""
        if self._store:
            # Resuming failed before the first step, so nothing has changed.
            self._release()
            self.error = error
            return Status.INTERRUPTED
        status = Status.FAILED if error else Status.FINISHED if self.is_trained else Status.STOPPED
        if self._trainer:
            self._trainer.close()
            # The step in which the loss became infinite is in the history as well.
            self.step = self._history.steps
        if self._result:
            self.outcome = Outcome.of(self._result, self._history)
        self.error, self.ended = error, datetime.now(UTC)
        self._trainer = None
        if store and self._file(store, status):
            self._leave_to(store)
        return status

    def _list(self, store: Store) -> None:
        """Adds it to the list, if that was not possible when it was submitted."""
        if self._to_be_listed:
            try:
                self._recorder = store.create(self.experiment, self.owner, self.id)
                self._to_be_listed, self.number = False, self._recorder.number
                store.describe(self.id, self.name or "", self.tags, self.note)
                self.unsaved = None
            except StoreProblem as problem:
                self.unsaved = str(problem)

    def _file(self, store: Store, status: Status) -> bool:
        """Saves a run that has ended; can be tried again if it fails. True if everything is written."""
        self._list(store)
        if recorder := self._recorder:
            recorder.end(status, self.experiment, self._history, self._result, self._model, self.error)
            self.unsaved = recorder.unsaved
        return recorder is not None and not recorder.unsaved

    def _leave_to(self, store: Store) -> None:
        """Frees what was saved; from now on it is read from the disk."""
        self._store, self._recorder = store, None
        self._history, self._result, self._model = History(self.experiment), None, None

    @property
    def _is_unfiled(self) -> bool:
        ended = self.status.is_final and self.status is not Status.INTERRUPTED
        return ended and (self._recorder is not None or self._to_be_listed)

    def _may_rest(self, event: Event, trainer: Trainer) -> bool:
        """A pause comes after a step; the last step of an epoch is measured first, and the last of a run evaluated."""
        last_of_epoch = self.step % self.experiment.steps_per_epoch == 0
        return isinstance(event, EpochEnd if last_of_epoch else Step) and not trainer.is_complete


class RunQueue:
    """Trains submitted runs in turns on background threads.

    Args:
        load: gives a dataset by its name.
        cores: CPU cores to use; runs train at the same time as long as their threads fit.
        training_at_once: runs that take turns; the rest wait.
        store: saves the listed runs; without one they are lost when the process ends. Closed together with the queue.

    Attributes:
        unsaved: why runs cannot be saved or listed, in a sentence; None if all is well.
    """

    def __init__(
        self,
        load: Callable[[DatasetName], Dataset] = datasets.load,
        cores: int | None = None,
        training_at_once: int = TRAINING_AT_ONCE,
        store: Store | None = None,
    ) -> None:
        self.unsaved: str | None = None
        self._store = store
        self._seen: int | None = None
        self._refresh_at = 0.0
        self._deleted: dict[str, tuple[Run, float]] = {}
        self._load = load
        self._cores = cores or os.cpu_count() or 1
        self._training_at_once = training_at_once
        self._changed = threading.Condition()
        self._runs: dict[str, Run] = {}
        self._waiting: deque[Run] = deque()
        self._turns: deque[Run] = deque()
        self._on_turn: list[Run] = []
        self._workers: list[threading.Thread] = []
        self._submitted: dict[str, int] = defaultdict(int)
        self._closed = False
        # Changes to write to the list of runs, in order.
        self._unwritten: deque[Callable[[Store], None]] = deque()
        # Cancelled runs that are still in the stored list.
        self._cancelled: deque[Recorder] = deque()
        # Counts changes made here, to notice that rows read from the store are out of date.
        self._changes = 0
        self._refreshing = threading.Lock()
        self._writing = threading.Lock()
        self._will_retry = False
        self._list_at = 0.0

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
        """Queues a run of `experiment`; with `paused` it is paused before its first step.

        Without `listed` it is not in `runs`, and uses up no number. `at_end` is called with the run, on any thread,
        once its status is final.

        A `watch` replaces the owner's last one; the newest 32 of all owners are kept.
        """
        recorder, problem = self._recorder_for(experiment, owner) if listed else (None, None)
        with self._changed:
            self._forget_deleted()
            if watch:
                deleted = (run for run, _ in self._deleted.values())
                watched = [run for run in (*deleted, *self._runs.values()) if run.watch]
                for run in watched:
                    if run.owner == owner or run in watched[: 1 - WATCHES]:
                        run.watch = None
            if listed:
                self._submitted[owner] = max(self._submitted[owner] + 1, recorder.number if recorder else 0)
            number, run_id = (recorder.number, recorder.id) if recorder else (self._submitted[owner], None)
            run = Run(number, experiment, owner, watch, listed, at_end, run_id)
            run._recorder, run.unsaved, run._to_be_listed = recorder, problem, problem is not None
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
        """All listed runs, newest first, including those of other processes that share the store."""
        self._refresh()
        with self._changed:
            return sorted(self._runs.values(), key=lambda run: run.created, reverse=True)

    def get(self, run_id: str) -> Run | None:
        """The listed run with this id; None if there is none."""
        self._refresh()
        return self._runs.get(run_id)

    def place(self, run: Run) -> int | None:
        """The place of a waiting run in the queue, from 1; None if it is not waiting."""
        with self._changed:
            return self._waiting.index(run) + 1 if run in self._waiting else None

    def describe(self, run: Run, name: str, tags: Sequence[str] = (), note: str = "") -> None:
        """Sets a run's name (empty for the default title), tags and note.

        Raises:
            ValueError: one of them is too long or not printable; the message is the sentence to show.
        """
        name, tags, note = checked_description(name, tags, note)
        with self._changed:
            run.name, run.tags, run.note = name or None, tuple(tags), note
            self._to_write(lambda store: store.describe(run.id, name, tags, note))
        self._write()

    def delete(self, runs: Sequence[Run]) -> None:
        """Removes runs from the list if they have ended or are interrupted; `put_back` undoes it."""
        with self._changed:
            deleted = [run.id for run in runs if run.status.is_final and run.id in self._runs]
            now = time.monotonic()
            self._deleted.update({run_id: (self._runs.pop(run_id), now) for run_id in deleted})
            self._forget_deleted()
            self._to_write(lambda store: store.delete(deleted))
        self._write()

    def put_back(self, run_ids: Sequence[str]) -> None:
        """Restores deleted runs to the list."""
        with self._changed:
            back = [run_id for run_id in run_ids if run_id in self._deleted]
            self._runs.update({run_id: self._deleted.pop(run_id)[0] for run_id in back})
            self._read_again()
            self._to_write(lambda store: store.put_back(run_ids))
        self._write()

    def pause(self, run: Run) -> None:
        """Pauses a run after the current step, until `resume` or `advance`."""
        with self._changed:
            if run.status is not Status.TRAINING or run.stopping or run.elsewhere:
                return
            run.pause_after = 0
            if run in self._turns:
                self._turns.remove(run)
                self._rest(run)

    def resume(self, run: Run) -> None:
        """Continues a paused run, or an interrupted one from its last checkpoint."""
        if run.status is Status.INTERRUPTED:
            self._acquire(run)
        self._continue(run, math.inf)

    def advance(self, run: Run, steps: int) -> None:
        """Trains a paused run for `steps` more steps, then pauses it again."""
        self._continue(run, run.step + steps)

    def advance_epoch(self, run: Run) -> None:
        """Trains a paused run to the end of its epoch, then pauses it again."""
        per_epoch = run.experiment.steps_per_epoch
        self._continue(run, (run.step // per_epoch + 1) * per_epoch)

    def stop(self, run: Run) -> None:
        """Ends training after the current step; the model is then evaluated.

        A run that has not started is cancelled: it is removed from the list. One that was about to be resumed is
        interrupted again.
        """
        with self._changed:
            if run.status.is_final or run.elsewhere:
                return
            run.stopping = True
            trainer = run._trainer
            if trainer is not None:
                trainer.stop()
            elif run not in self._on_turn:
                for line in (self._waiting, self._turns):
                    if run in line:
                        line.remove(run)
                self._changes += 1
                if run._store:
                    run._release()
                    run.status = Status.INTERRUPTED
                else:
                    run.status = Status.STOPPED
                    self._runs.pop(run.id, None)
                    if run._recorder:
                        self._cancelled.append(run._recorder)
                        run._recorder = None
                self._admit()
            self._continue(run, math.inf)
        if run.status.is_final:
            self._write()
            _tell(run)

    def measured_seconds(self, experiment: Experiment) -> float | None:
        """Seconds per epoch of the newest run that costs as much as this experiment; None without one."""
        cost = _epoch_cost(experiment)
        for run in self.runs():
            if _epoch_cost(run.experiment) == cost and (epochs := run.history.epochs):
                return epochs[-1].seconds
        return None

    def close(self) -> None:
        """Ends all threads after their current step; unfinished runs are saved and become interrupted."""
        with self._changed:
            self._closed = True
            for run in self._on_turn:
                run.pause_after = 0
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()
        self._write()
        for run in [*self._runs.values(), *(run for run, _ in self._deleted.values())]:
            if run._recorder:
                run._save()
                run._recorder.release()
                run._recorder = None
        for recorder in self._cancelled:
            recorder.release()
        if self._store:
            self._store.close()

    def _recorder_for(self, experiment: Experiment, owner: str) -> tuple[Recorder | None, str | None]:
        """What saves a new run to the disk, or why that is not possible."""
        if self._store is None:
            return None, None
        try:
            return self._store.create(experiment, owner), None
        except StoreProblem as problem:
            # It gets the number after those of the runs that can be read.
            self._refresh()
            return None, str(problem)

    def _refresh(self) -> None:
        """Updates the list from the store, which other processes may have changed."""
        if self._store:
            # One thread reads, and other readers wait for it. Workers and controls do not.
            with self._refreshing:
                while self._is_refresh_due() and not self._refresh_from(self._store):
                    pass

    def _is_refresh_due(self) -> bool:
        with self._changed:
            # Reading would undo changes that are not written yet.
            pending = self._unwritten or self._cancelled
            return not (self._closed or pending or time.monotonic() < self._refresh_at)

    def _refresh_from(self, store: Store) -> bool:
        """Reads the stored list without holding the queue's lock; False if it may already be out of date."""
        with self._changed:
            changes, elsewhere = self._changes, any(run.elsewhere for run in self._runs.values())
        wait, rows = REFRESH_SECONDS, None
        try:
            if self._seen is None:
                with suppress(StoreProblem):  # this can wait until the next start; a page cannot
                    store.purge(older_than=UNDO_TIME)
            version = store.version()
            # A process that trains a run may die without a word.
            if version != self._seen or elsewhere:
                rows = store.runs()
            problem = None
        except StoreProblem as reason:
            # Each attempt may wait for another process, and all pages with it.
            problem, wait = str(reason), RETRY_SECONDS
        with self._changed:
            if problem is None:
                if changes != self._changes:
                    return False
                if rows is not None:
                    self._update_from(rows, store)
                self._seen = version
            self.unsaved = problem
            self._refresh_at = time.monotonic() + wait
        return True

    def _update_from(self, rows: Sequence[StoredRun], store: Store) -> None:
        listed = {row.id: row for row in rows}
        # Runs that are trained here, or are in memory only, are more up to date here.
        shown = [run for run in self._runs.values() if run._store and (run.status.is_final or run.elsewhere)]
        for run in shown:
            if run.id not in listed:
                del self._runs[run.id]
            else:
                run._show(listed[run.id])
        for row in rows:
            if row.id not in self._runs:
                self._runs[row.id] = Run.stored(row, store)
            self._submitted[row.owner] = max(self._submitted[row.owner], row.number)

    def _read_again(self) -> None:
        """Makes the next refresh read the whole list, even if no other process has changed it."""
        self._refresh_at, self._seen = 0.0, -1
        self._changes += 1

    def _to_write(self, change: Callable[[Store], None]) -> None:
        self._unwritten.append(change)
        self._changes += 1

    def _forget_deleted(self) -> None:
        """Frees deleted runs that can no longer be put back."""
        oldest = time.monotonic() - UNDO_TIME.total_seconds()
        self._deleted = {run_id: (run, since) for run_id, (run, since) in self._deleted.items() if since >= oldest}

    def _write(self) -> None:
        """Writes all pending changes and runs that ended but could not be saved; retries later what fails."""
        store = self._store
        if store is None:
            self._unwritten.clear()
            return
        with self._writing:
            try:
                while self._unwritten:
                    self._unwritten[0](store)
                    self._unwritten.popleft()
                    self.unsaved = None
                while self._cancelled:
                    self._cancelled[0].discard()
                    self._cancelled.popleft()
                    self.unsaved = None
            except StoreProblem as problem:
                self.unsaved = str(problem)
            else:
                for run in self._unfiled():
                    if run._file(store, run.status):
                        with self._changed:
                            run._leave_to(store)
                            self._changes += 1
        if self._unwritten or self._cancelled or self._unfiled():
            self._retry_later()

    def _unfiled(self) -> list[Run]:
        with self._changed:
            return [run for run in self._runs.values() if run._is_unfiled]

    def _retry_later(self) -> None:
        with self._changed:
            if self._closed or self._will_retry:
                return
            self._will_retry = True
        timer = threading.Timer(RETRY_SECONDS, self._retry)
        timer.daemon = True
        timer.start()

    def _retry(self) -> None:
        self._will_retry = False
        if not self._closed:
            self._write()

    def _acquire(self, run: Run) -> None:
        """Turns an interrupted run into a paused one, unless another process was faster."""
        recorder, problem = None, None
        try:
            recorder = self._store.take(run.id, run.number) if self._store else None
        except NotToBeTrained:
            with self._changed:
                self._read_again()
            return
        except StoreProblem as reason:
            problem = str(reason)
        with self._changed:
            if run.status is Status.INTERRUPTED:
                run._recorder, run.unsaved, run.error, run.status = recorder, problem, None, Status.PAUSED
                self._start_workers()
            elif recorder:
                recorder.release()

    def _continue(self, run: Run, pause_after: float) -> None:
        with self._changed:
            if run.status.is_final or run.elsewhere:
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
        """Moves waiting runs into free places; a new run gets its first turn before all others."""
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
            # A thread inside PyTorch while the interpreter shuts down would abort the process.
            atexit.register(self.close)

    def _work(self) -> None:
        while self._give_turn():
            pass

    def _give_turn(self) -> bool:
        """Waits for the next run and gives it a turn; False once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._next_fits())
            if self._closed:
                return False
            run = self._turns.popleft()
            self._on_turn.append(run)
        paused, error = self._train(run)
        # Saved before it counts as ended, and without the lock.
        ending = self._concluded(run, error) if error or run._result else None
        with self._changed:
            self._on_turn.remove(run)
            if ending:
                run.status = ending
                self._changes += 1
            elif paused and run.pause_after <= run.step:
                self._rest(run)
            else:
                self._turns.append(run)
            self._admit()
        if run._is_unfiled:
            self._retry_later()
        # Without the lock, since the callback may submit the next run.
        if run.status.is_final:
            _tell(run)
            if not self._turns and not self._on_turn:
                give_back()
        return True

    def _concluded(self, run: Run, error: str | None) -> Status:
        try:
            return run._conclude(error, self._store)
        except Exception:
            # If the worker died here, the run would stay in training forever.
            log.exception("Run %s could not be concluded", run.id)
            run.error = "Something unexpected went wrong at the end of this run. See the server's log for details."
            return Status.FAILED

    def _next_fits(self) -> bool:
        if not self._turns:
            return False
        busy = sum(run.experiment.threads for run in self._on_turn)
        return not self._on_turn or busy + self._turns[0].experiment.threads <= self._cores

    def _train(self, run: Run) -> tuple[bool, str | None]:
        """Gives a run its turn: (whether it pauses, what went wrong in a sentence or None)."""
        if run._to_be_listed and self._store and time.monotonic() >= self._list_at:
            run._list(self._store)
            self._list_at = time.monotonic() + RETRY_SECONDS if run._to_be_listed else 0.0
        try:
            return run._take_turn(self._load(run.experiment.data.dataset)), None
        except (TrainingDiverged, OutOfMemory, InvalidExperiment, DataUnavailable) as problem:
            return False, str(problem)
        except Exception:
            log.exception("Run %s failed", run.id)
            return False, "Something unexpected went wrong during training. See the server's log for details."


def _tell(run: Run) -> None:
    # Only once, from whichever thread comes first.
    at_end, run._at_end = run._at_end, None
    if at_end:
        try:
            at_end(run)
        except Exception:
            # An error in the callback must not end a worker.
            log.exception("What follows run %s failed", run.id)


def _epoch_cost(experiment: Experiment) -> tuple[object, ...]:
    """What the time of an epoch depends on, including its measurement."""
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


queue = RunQueue(store=Store(busy_seconds=PAGE_BUSY_SECONDS))
"""The process's queue. It is in this module because clearing Streamlit's caches must not lose a run."""
