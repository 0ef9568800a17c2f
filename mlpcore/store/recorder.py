"""Saves one run to the disk while it trains."""

import shutil
import time
from pathlib import Path

from filelock import FileLock

from mlpcore.experiment import Experiment
from mlpcore.history import History
from mlpcore.models import Score, TrainedModel
from mlpcore.models.files import save
from mlpcore.network import MLP
from mlpcore.store.database import Database, Outcome
from mlpcore.store.files import sync_folder, write_history, write_result, write_state
from mlpcore.store.problems import StoreProblem, store_problems
from mlpcore.training import EpochEnd, Event, Result, Step, Trainer

CHECKPOINT, HISTORY, RESULT, MODEL, LOCK = (
    "checkpoint.pt", "history.safetensors", "result.safetensors", "model.safetensors", "lock"
)  # fmt: skip
"""The files in the folder of a run."""


class Recorder:
    """Holds one run, so that no other process can train it, and saves it to the disk.

    Nothing here ever stops a training: `unsaved` says what could not be written, and it is tried again later.

    Args:
        database: where the run is listed.
        lock: of the run, already held; the system frees it when the process dies for whatever reason.
        seconds_between: the longest time between two checkpoints within an epoch.
        share_of_time: the largest share of the training time that checkpoints may take, 0 to 1; they become rarer
            instead.

    Attributes:
        id, number: of the run.
        made_by: the versions that have trained it, written with each checkpoint and at the end; None if more than one
            took part.
        unsaved: why the disk does not have the run as it is, in a sentence; None if it does.
    """

    def __init__(
        self,
        run_id: str,
        number: int,
        folder: Path,
        database: Database,
        lock: FileLock,
        made_by: str | None,
        seconds_between: float,
        share_of_time: float,
    ) -> None:
        self.id = run_id
        self.number = number
        self.made_by = made_by
        self.unsaved: str | None = None
        self._folder = folder
        self._database = database
        self._lock = lock
        self._seconds_between = seconds_between
        self._share_of_time = share_of_time
        self._saved_at = time.monotonic()
        self._took = 0.0

    def on_event(self, event: Event, trainer: Trainer) -> None:
        """Writes a checkpoint if one is due; call it after every event of the training.

        Raises:
            TrainingDiverged: a loss that was not read yet is infinite or not a number.
        """
        if isinstance(event, Step | EpochEnd) and trainer.may_save and self._is_due(isinstance(event, EpochEnd)):
            self.save(trainer)

    def _is_due(self, epoch_has_ended: bool) -> bool:
        waited = time.monotonic() - self._saved_at
        return waited * self._share_of_time >= self._took and (epoch_has_ended or waited >= self._seconds_between)

    def save(self, trainer: Trainer) -> None:
        """Writes a checkpoint now, unless the training is in the middle of accumulating gradients.

        Raises:
            TrainingDiverged: as `on_event`.
        """
        if not trainer.may_save:
            return
        started = time.monotonic()
        try:
            with store_problems(self._folder):
                write_state(self._folder / CHECKPOINT, trainer.state())
            self._database.note_step(self.id, trainer.steps, self.made_by)
            self.unsaved = None
        except StoreProblem as problem:
            self.unsaved = str(problem)
        except (MemoryError, RuntimeError) as error:
            # PyTorch raises this when it runs out of memory.
            self.unsaved = f"There was not enough memory for a checkpoint ({error})."
        self._saved_at = time.monotonic()
        self._took = self._saved_at - started

    def end(
        self,
        status: str,
        experiment: Experiment,
        history: History,
        result: Result | None = None,
        model: MLP | None = None,
        error: str | None = None,
    ) -> None:
        """Saves a run that is ``finished``, ``stopped`` or ``failed``, and releases it.

        If that fails it can be tried again; until then the run is held.
        """
        folder = self._folder
        try:
            with store_problems(folder):
                write_history(folder / HISTORY, history)
                if result and model:
                    write_result(folder / RESULT, result)
                    title = f"Run {self.number}: {experiment.architecture.title}"
                    save(TrainedModel(title, experiment, model, Score.of(result.test)), folder / MODEL)
                    sync_folder(folder)
            outcome = Outcome.of(result, history) if result else None
            self._database.note_end(self.id, status, history.steps, error, outcome, self.made_by)
            # Only now: if the list did not show the end, the run would be resumed from here.
            with store_problems(folder):
                (folder / CHECKPOINT).unlink(missing_ok=True)
        except StoreProblem as problem:
            self.unsaved = str(problem)
        else:
            self.unsaved = None
            self.release()

    def discard(self) -> None:
        """Removes a run that has not begun, from the list and from the disk, and releases it.

        Raises:
            StoreProblem: the list cannot be written now; nothing has changed, and this can be tried again.
        """
        self._database.remove(self.id)
        self.release()
        # What is left of a folder that is not listed does no harm.
        shutil.rmtree(self._folder, ignore_errors=True)

    def release(self) -> None:
        """Releases the run; unless it has ended, it is interrupted."""
        self._lock.release()
