"""The list of runs: an SQLite database that several processes share."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from mlpcore.experiment import Experiment, InvalidExperiment, experiment_from_json
from mlpcore.history import History
from mlpcore.store.problems import StoreProblem, store_problems
from mlpcore.training import Result

EXPERIMENTS_KEPT = 10_000
"""How many parsed experiments stay in memory, about a kilobyte each."""

MIGRATIONS = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL,
        owner TEXT NOT NULL,
        experiment TEXT NOT NULL,
        status TEXT NOT NULL DEFAULT 'training' CHECK (status IN ('training', 'finished', 'stopped', 'failed')),
        step INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        ended TEXT,
        train_seconds REAL,
        train_accuracy REAL,
        test_loss REAL,
        test_accuracy REAL,
        test_low REAL,
        test_high REAL,
        val_accuracy REAL,
        title TEXT,
        note TEXT NOT NULL DEFAULT '',
        deleted TEXT
    );
    CREATE TABLE tags (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        tag TEXT NOT NULL,
        PRIMARY KEY (run, tag)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE runs ADD COLUMN owners_number INTEGER NOT NULL DEFAULT 0;
    UPDATE runs SET owners_number = (
        SELECT COUNT(*) FROM runs AS others WHERE others.owner = runs.owner AND others.number <= runs.number
    );
    CREATE TABLE owners (name TEXT PRIMARY KEY, runs INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO owners SELECT owner, COUNT(*) FROM runs GROUP BY owner;
    """,
    "ALTER TABLE runs ADD COLUMN made_by TEXT",
)
"""The step from each version of the database to the next; `PRAGMA user_version` counts those applied."""


@dataclass(frozen=True)
class Outcome:
    """How good a run's model is, in a few numbers.

    Attributes:
        train_seconds: time spent computing up to the end of training.
        train_accuracy: share of its training images that it recognizes, 0 to 1.
        test_loss: mean cross-entropy on the test images, in nats.
        test_accuracy: share of the test images that it recognizes, 0 to 1.
        test_interval: 95 % Wilson score interval of that share.
        val_accuracy: share of the validation images that these weights recognize, 0 to 1; None without validation
            images, or if training was stopped in the middle of an epoch.
    """

    train_seconds: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    test_interval: tuple[float, float]
    val_accuracy: float | None

    @classmethod
    def of(cls, result: Result, history: History) -> "Outcome":
        """The numbers of a result and of the epoch that its weights come from."""
        test, epoch = result.test, result.weights_of_epoch
        val_accuracy = history.epochs[epoch - 1].val_accuracy if epoch else None
        return cls(result.train_seconds, result.train.accuracy, test.loss, test.accuracy, test.interval, val_accuracy)


@dataclass(frozen=True)
class StoredRun:
    """A run as it is listed.

    Attributes:
        id: 32 hexadecimal digits.
        number: counts its owner's runs, from 1; never reused.
        status: ``training`` (in some process), ``interrupted``, ``finished``, ``stopped`` or ``failed``.
        step: the last step that is saved on the disk.
        error: why it failed, in a sentence.
        ended: when its status became final.
        outcome: how good its model is; None until it has one.
        title, note, tags: what a person named it and wrote about it.
        made_by: the versions that have trained it up to `step`; None if that is not known, or if more than one took
            part.
    """

    id: str
    number: int
    created: datetime
    owner: str
    experiment: Experiment
    status: str
    step: int
    error: str | None
    ended: datetime | None
    outcome: Outcome | None
    title: str | None
    note: str
    tags: tuple[str, ...]
    made_by: str | None


class Database:
    """One connection, shared by the threads of the process.

    Args:
        folder: where the list is.
        busy_seconds: how long to wait while another process is writing.

    Raises:
        StoreProblem: from every method, if the disk or the file does not allow it.
    """

    def __init__(self, folder: Path, busy_seconds: float) -> None:
        self._folder = folder
        self._path = folder / "runs.db"
        self._lock = threading.RLock()
        with store_problems(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # One process at a time, since switching to a write-ahead log does not wait for others.
            with FileLock(folder / "opening.lock", timeout=busy_seconds):
                self._connection = sqlite3.connect(
                    self._path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
                )
                try:
                    self._prepare()
                except BaseException:
                    self._connection.close()
                    raise

    def _prepare(self) -> None:
        run = self._connection.execute
        (version,) = run("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreProblem(
                f"The list of runs in {self._folder} was made by a newer version of MLP Lab. Use that version, or set "
                "MLPLAB_HOME to another folder. Until then, new runs stay in memory only and are lost when the program "
                "ends."
            )
        run("PRAGMA journal_mode = WAL")
        # A commit survives a power failure right after it.
        run("PRAGMA synchronous = FULL")
        run("PRAGMA foreign_keys = ON")
        for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
            self._connection.executescript(f"BEGIN; {migration}; PRAGMA user_version = {number}; COMMIT")

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._connection.close()

    def version(self) -> int:
        """A number that changes whenever another process has changed something."""
        with self._lock, store_problems(self._folder):
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def add(self, run_id: str, experiment: Experiment, owner: str, made_by: str) -> int:
        """Adds a new run to the list; returns its number among its owner's runs."""
        with self._writing() as run:
            (number,) = run(
                "INSERT INTO owners (name, runs) VALUES (?, 1) "
                "ON CONFLICT DO UPDATE SET runs = runs + 1 RETURNING runs",
                (owner,),
            ).fetchone()
            run(
                "INSERT INTO runs (id, created, owner, owners_number, experiment, made_by) VALUES (?, ?, ?, ?, ?, ?)",
                (run_id, _now(), owner, number, experiment.model_dump_json(), made_by),
            )
        return int(number)

    def runs(self) -> list[StoredRun]:
        """All runs that are not deleted, in the order they were created; unfinished ones are ``training``.

        A run whose experiment this version cannot read is left out.
        """
        with self._lock, store_problems(self._folder):
            rows = self._connection.execute(f"{_SELECT} WHERE deleted IS NULL ORDER BY number").fetchall()
            tags: dict[str, list[str]] = {}
            for run, tag in self._connection.execute("SELECT run, tag FROM tags ORDER BY tag"):
                tags.setdefault(run, []).append(tag)
        runs = (_stored(row, tags.get(row[0], [])) for row in rows)
        return [run for run in runs if run]

    def status(self, run_id: str) -> str | None:
        """The stored status of a run, ``training`` until it has ended; None if it is deleted or never existed."""
        with self._lock, store_problems(self._folder):
            row = self._connection.execute(
                "SELECT status FROM runs WHERE id = ? AND deleted IS NULL", (run_id,)
            ).fetchone()
        return row and str(row[0])

    def note_step(self, run_id: str, step: int, made_by: str | None) -> None:
        """Notes up to which step a run is saved, and the versions that have trained it so far."""
        with self._writing() as run:
            run("UPDATE runs SET step = ?, made_by = ? WHERE id = ?", (step, made_by, run_id))

    def note_end(
        self,
        run_id: str,
        status: str,
        step: int,
        error: str | None,
        outcome: Outcome | None,
        made_by: str | None,
    ) -> None:
        """Notes how a run has ended."""
        figures: Sequence[float | None] = 7 * (None,)
        if outcome:
            *scores, _, val_accuracy = astuple(outcome)
            figures = (*scores, *outcome.test_interval, val_accuracy)
        with self._writing() as run:
            run(
                "UPDATE runs SET status = ?, step = ?, error = ?, ended = ?, made_by = ?, train_seconds = ?, "
                "train_accuracy = ?, test_loss = ?, test_accuracy = ?, test_low = ?, test_high = ?, val_accuracy = ? "
                "WHERE id = ?",
                (status, step, error, _now(), made_by, *figures, run_id),
            )

    def describe(self, run_id: str, title: str | None, tags: Iterable[str], note: str) -> None:
        """Stores what a person named a run and wrote about it; does nothing if the run is gone."""
        with self._writing() as run:
            there = run("UPDATE runs SET title = ?, note = ? WHERE id = ?", (title, note, run_id)).rowcount
            run("DELETE FROM tags WHERE run = ?", (run_id,))
            for tag in tags if there else ():
                run("INSERT OR IGNORE INTO tags (run, tag) VALUES (?, ?)", (run_id, tag))

    def mark_deleted(self, run_ids: Sequence[str], deleted: bool) -> None:
        """Removes runs from the list, or restores them."""
        with self._writing() as run:
            for run_id in run_ids:
                run("UPDATE runs SET deleted = ? WHERE id = ?", (_now() if deleted else None, run_id))

    def deleted_before(self, moment: datetime) -> list[str]:
        """The ids of the runs that were removed from the list before `moment`."""
        with self._lock, store_problems(self._folder):
            rows = self._connection.execute("SELECT id FROM runs WHERE deleted < ?", (moment.isoformat(),)).fetchall()
        return [run_id for (run_id,) in rows]

    def remove(self, run_id: str) -> None:
        """Removes a run permanently."""
        with self._writing() as run:
            run("DELETE FROM runs WHERE id = ?", (run_id,))

    @contextmanager
    def _writing(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        with self._lock, store_problems(self._folder):
            # SQLite itself would keep writing to a file that has been deleted.
            self._path.stat()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                # After some errors SQLite has already ended the transaction.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


_SELECT = (
    "SELECT id, owners_number, created, owner, experiment, status, step, error, ended, title, note, made_by, "
    "train_seconds, train_accuracy, test_loss, test_accuracy, test_low, test_high, val_accuracy FROM runs"
)


@lru_cache(EXPERIMENTS_KEPT)
def _experiment(text: str) -> Experiment:
    # All rows are read again whenever another process has changed one of them.
    return experiment_from_json(text)


def _stored(row: tuple[Any, ...], tags: Sequence[str]) -> StoredRun | None:
    run_id, number, created, owner, text, status, step, error, ended, title, note, made_by, *figures = row
    try:
        experiment = _experiment(text)
        created, ended = datetime.fromisoformat(created), datetime.fromisoformat(ended) if ended else None
    except (InvalidExperiment, ValueError):
        return None
    seconds, train_accuracy, loss, accuracy, low, high, val_accuracy = figures
    return StoredRun(
        id=run_id,
        number=number,
        created=created,
        owner=owner,
        experiment=experiment,
        status=status,
        step=step,
        error=error,
        ended=ended,
        outcome=None if low is None else Outcome(seconds, train_accuracy, loss, accuracy, (low, high), val_accuracy),
        title=title,
        note=note,
        tags=tuple(tags),
        made_by=made_by,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
