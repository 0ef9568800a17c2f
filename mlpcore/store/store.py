"""The folder of all runs."""

import os
import shutil
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from mlpcore import provenance
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.history import History
from mlpcore.models import InvalidModel, load
from mlpcore.network import MLP
from mlpcore.store.cache import ByteCache
from mlpcore.store.database import Database, StoredRun
from mlpcore.store.files import ARRAYS, history_of_state, read_history, read_result, read_state
from mlpcore.store.problems import NotToBeTrained, StoreProblem, store_problems
from mlpcore.store.recorder import CHECKPOINT, HISTORY, LOCK, MODEL, RESULT, Recorder
from mlpcore.training import InvalidState, Result, State, Trainer

BUSY_SECONDS = 10.0
"""How long to wait while another process writes to the list, where no person is waiting."""

CACHE_BYTES = 256_000_000
"""Histories, results and models that were used last stay in memory, up to this total size."""

RECORD_BYTES = 350
"""Roughly what a record of an epoch, or of one layer at one update, takes in memory."""

SECONDS_BETWEEN = 30.0
SHARE_OF_TIME = 0.05
PROBING_SECONDS = 0.5
"""How long to try for a run's lock, since a check whether it is held takes it for a moment."""

MAX_TITLE, MAX_NOTE, MAX_TAG, MAX_TAGS = 60, 10_000, 30, 20
"""Most characters of a run's title, note and tag, and most tags."""

_UNREADABLE = (OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError)

Part = TypeVar("Part")


def runs_folder() -> Path:
    """The folder of all runs: the environment variable MLPLAB_HOME, or `runs` next to the app."""
    if named := os.environ.get("MLPLAB_HOME"):
        return Path(named).expanduser().absolute()
    return Path(__file__).resolve().parents[2] / "runs"


@dataclass(frozen=True)
class Resumed:
    """What `Store.resume` gives.

    Attributes:
        trainer: continues from the checkpoint, or starts over.
        made_by: the versions that will have trained the run; None if that is not known, or if more than one took part.
        problem: why it starts over although it had been saved, in a sentence; None otherwise.
    """

    trainer: Trainer
    made_by: str | None
    problem: str | None


class Store:
    """Runs on disk. The folder is created and the database opened when they are first needed.

    Several processes may share a folder: each run is trained by only one of them, and all see it in the list.

    Args:
        folder: of the runs; `runs_folder()` if None.
        seconds_between: the longest time between two checkpoints within an epoch.
        share_of_time: the largest share of the training time that checkpoints may take, 0 to 1; they become rarer
            instead.
        busy_seconds: how long to wait while another process is writing to the list.

    Raises:
        StoreProblem: from every method, if the disk or a file does not allow it.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        seconds_between: float = SECONDS_BETWEEN,
        share_of_time: float = SHARE_OF_TIME,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._folder = folder
        self._seconds_between = seconds_between
        self._share_of_time = share_of_time
        self._busy_seconds = busy_seconds
        self._opening = threading.Lock()
        self._database: Database | None = None
        self._cache = ByteCache(CACHE_BYTES)

    @property
    def folder(self) -> Path:
        """Where the runs are."""
        return self._folder or runs_folder()

    def close(self) -> None:
        """Closes the database; it is opened again when it is needed again."""
        with self._opening:
            if self._database:
                self._database.close()
                self._database = None

    def version(self) -> int:
        """A number that changes whenever another process has changed something in the list."""
        return self._list().version()

    def runs(self) -> list[StoredRun]:
        """All runs that are not deleted, in the order they were created."""
        return [
            replace(run, status="interrupted") if run.status == "training" and not self._is_held(run.id) else run
            for run in self._list().runs()
        ]

    def create(self, experiment: Experiment, owner: str = "", run_id: str | None = None) -> Recorder:
        """Adds a new run to the list and holds it; its id is random unless given."""
        run_id, database = run_id or uuid.uuid4().hex, self._list()
        folder = self._folder_of(run_id)
        with store_problems(self.folder):
            folder.mkdir()
        # Held before it is listed, since a run that is listed but not held counts as interrupted.
        lock = self._hold(run_id)
        try:
            number = database.add(run_id, experiment, owner, provenance.made_by())
        except StoreProblem:
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self._recorder(run_id, number, lock, provenance.made_by())

    def take(self, run_id: str, number: int) -> Recorder:
        """Holds an interrupted run, to resume it.

        Raises:
            NotToBeTrained: another process is training it, or it has ended or was deleted.
        """
        lock = self._hold(run_id)
        try:
            status = self._list().status(run_id)
            if status != "training":
                raise NotToBeTrained(f"This run is {status}: there is nothing to resume." if status else _GONE)
            self._tidy(self._folder_of(run_id))
        except StoreProblem:
            lock.release()
            raise
        # Its maker is known once it is clear whether its checkpoint can be used.
        return self._recorder(run_id, number, lock, None)

    def state(self, run_id: str) -> State | None:
        """The last checkpoint of an interrupted run; None if it was never saved."""
        path = self._folder_of(run_id) / CHECKPOINT
        try:
            return read_state(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreProblem(f"{path} cannot be read ({error.strerror}).") from error
        except InvalidState as invalid:
            raise StoreProblem(f"{path} is damaged.") from invalid

    def resume(self, run_id: str, experiment: Experiment, step: int, made_by: str | None, dataset: Dataset) -> Resumed:
        """Resumes a run from its last checkpoint, or starts over if that cannot be used.

        Args:
            run_id: of an interrupted run, which the caller holds.
            experiment: the run's.
            step: up to which it is listed as saved; 0 if it never was.
            made_by: what has trained it up to that step, None if that is not known.
            dataset: the experiment's.

        Raises:
            InvalidExperiment: this machine cannot train it.
        """
        now, problem = provenance.made_by(), None
        try:
            state = self.state(run_id)
            if step and state is None:
                raise InvalidState("The checkpoint is missing.")
            trainer = Trainer(experiment, dataset, state=state)
        except (StoreProblem, InvalidState) as reason:
            # Training the same steps again gives the same result.
            problem = f"The checkpoint cannot be used, so this run started over from its first step. {reason}"
            state, trainer = None, Trainer(experiment, dataset)
        return Resumed(trainer, now if state is None or made_by == now else None, problem)

    def history(self, run_id: str, experiment: Experiment, step: int) -> History:
        """The history of a run up to the step that is saved; shared, so do not change it."""
        return self._cache.get(
            ("history", run_id, step), lambda: self._read_history(run_id, experiment, step), _history_bytes
        )

    def result(self, run_id: str) -> Result:
        """The result of a run that is finished or stopped; shared, so do not change it."""
        return self._cache.get(("result", run_id), lambda: self._read_result(run_id), _result_bytes)

    def model(self, run_id: str) -> MLP:
        """Its model, on the CPU and in evaluation mode; shared, so do not change it."""
        return self._cache.get(("model", run_id), lambda: self._read_model(run_id), _network_bytes)

    def describe(self, run_id: str, title: str, tags: Sequence[str], note: str) -> None:
        """Stores a run's title (empty for the default one), tags and note.

        Raises:
            ValueError: one of them is too long or not printable; the message is the sentence to show.
        """
        title, tags, note = checked_description(title, tags, note)
        self._list().describe(run_id, title or None, tags, note)

    def delete(self, run_ids: Sequence[str]) -> None:
        """Removes runs from the list; until `purge` they can be put back."""
        self._list().mark_deleted(run_ids, True)

    def put_back(self, run_ids: Sequence[str]) -> None:
        """Undoes `delete`."""
        self._list().mark_deleted(run_ids, False)

    def purge(self, older_than: timedelta = timedelta()) -> None:
        """Permanently removes runs deleted longer ago than that, except those that some process is training."""
        database = self._list()
        for run_id in database.deleted_before(datetime.now(UTC) - older_than):
            if not self._is_held(run_id):
                with store_problems(self.folder):
                    # Renamed first, so that a half-removed folder is never taken for a run.
                    folder, gone = self._folder_of(run_id), self.folder / f"{run_id}.deleted"
                    if folder.exists():
                        folder.replace(gone)
                database.remove(run_id)
        for gone in self.folder.glob("*.deleted"):
            shutil.rmtree(gone, ignore_errors=True)

    def _list(self) -> Database:
        with self._opening:
            if self._database is None:
                self._database = Database(self.folder, self._busy_seconds)
            return self._database

    def _folder_of(self, run_id: str) -> Path:
        return self.folder / run_id

    def _recorder(self, run_id: str, number: int, lock: FileLock, made_by: str | None) -> Recorder:
        return Recorder(
            run_id,
            number,
            self._folder_of(run_id),
            self._list(),
            lock,
            made_by,
            self._seconds_between,
            self._share_of_time,
        )

    def _hold(self, run_id: str) -> FileLock:
        # The operating system's lock on an open file, which ends with the process. Any thread may release it.
        lock = FileLock(self._folder_of(run_id) / LOCK, thread_local=False)
        if not self._folder_of(run_id).exists():
            raise NotToBeTrained(_GONE)
        with store_problems(self.folder):
            try:
                lock.acquire(timeout=PROBING_SECONDS)
            except Timeout:
                raise NotToBeTrained("Another program is training this run.") from None
        return lock

    def _is_held(self, run_id: str) -> bool:
        lock = FileLock(self._folder_of(run_id) / LOCK, thread_local=False)
        if not Path(lock.lock_file).exists():
            return False
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    def _tidy(self, folder: Path) -> None:
        """Removes what a process left behind that died while writing."""
        with store_problems(folder):
            for half in (*folder.glob("*.half"), *folder.glob("tmp*")):
                if half.is_dir():
                    shutil.rmtree(half)
                else:
                    half.unlink(missing_ok=True)

    def _read_history(self, run_id: str, experiment: Experiment, step: int) -> History:
        folder = self._folder_of(run_id)
        if not (folder / HISTORY).exists() and (folder / CHECKPOINT).exists():
            return self._read(folder / CHECKPOINT, lambda path: history_of_state(experiment, read_state(path)))
        if step:
            return self._read(folder / HISTORY, lambda path: read_history(path, experiment))
        return History(experiment)

    def _read_result(self, run_id: str) -> Result:
        return self._read(self._folder_of(run_id) / RESULT, read_result)

    def _read_model(self, run_id: str) -> MLP:
        return self._read(self._folder_of(run_id) / MODEL, lambda path: load(path).network)

    def _read(self, path: Path, read: Callable[[Path], Part]) -> Part:
        try:
            return read(path)
        except FileNotFoundError as error:
            raise StoreProblem(f"{path} is missing: it was deleted or moved.") from error
        except InvalidModel as invalid:
            if not path.exists():
                raise StoreProblem(f"{path} is missing: it was deleted or moved.") from invalid
            raise StoreProblem(str(invalid)) from invalid
        except _UNREADABLE as error:
            raise StoreProblem(f"{path} is damaged and cannot be read.") from error


def checked_description(title: str, tags: Sequence[str], note: str) -> tuple[str, list[str], str]:
    """A title, tags and a note without surrounding spaces and with each tag once.

    Raises:
        ValueError: one of them is too long or not printable; the message is the sentence to show.
    """
    title, note = title.strip(), note.strip()
    tags = list(dict.fromkeys(filter(None, map(str.strip, tags))))
    if len(title) > MAX_TITLE or not title.isprintable():
        raise ValueError(f"A title can have at most {MAX_TITLE} printable characters.")
    if len(note) > MAX_NOTE:
        raise ValueError(f"A note can have at most {MAX_NOTE:,} characters; this one has {len(note):,}.")
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG or not tag.isprintable() for tag in tags):
        raise ValueError(f"A run can have at most {MAX_TAGS} tags of at most {MAX_TAG} printable characters each.")
    return title, tags, note


def _history_bytes(history: History) -> int:
    records = len(history.epochs) + sum(len(record.layers) for record in history.health)
    return history.losses.nbytes + history.rates.nbytes + RECORD_BYTES * records


def _result_bytes(result: Result) -> int:
    return sum(getattr(part, name).nbytes for part in (result.train, result.test) for name in ARRAYS)


def _network_bytes(network: MLP) -> int:
    return sum(tensor.nbytes for tensor in network.state_dict().values())


_GONE = "This run is no longer there: it was deleted or moved."
