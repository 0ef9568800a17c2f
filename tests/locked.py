"""A list of runs that another process keeps busy."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def busy(folder: Path) -> Iterator[None]:
    """Holds the lock with which a process writes to the list of runs in `folder`."""
    connection = sqlite3.connect(folder / "runs.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()
