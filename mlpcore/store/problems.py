"""Sentences for what can go wrong with the disk."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout
from safetensors import SafetensorError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_NOT_KEPT = "Until then, new runs stay in memory only and are lost when the program ends."


class StoreProblem(Exception):
    """Something is wrong on the disk; the message is the sentence to show."""


class NotToBeTrained(StoreProblem):
    """A stored run that cannot be resumed now: another process is training it, it has ended, or it is gone."""


@contextmanager
def store_problems(folder: Path) -> Iterator[None]:
    """Turns errors with files in `folder` into a `StoreProblem`."""
    try:
        yield
    except Timeout as error:
        raise StoreProblem(_busy(folder)) from error
    except OSError as error:
        raise StoreProblem(_sentence(folder, error)) from error
    except SafetensorError as error:
        # It has no error code, only the system's message.
        raise StoreProblem(_full(folder) if "space left" in str(error) else _failed(folder, str(error))) from error
    except sqlite3.Error as error:
        raise StoreProblem(_database_sentence(folder, error)) from error


def _sentence(folder: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return _full(folder)
    if error.errno in _FORBIDDEN:
        return _read_only(folder)
    if isinstance(error, FileNotFoundError):
        return f"{error.filename or folder} is missing: it was deleted or moved."
    return _failed(folder, error.strerror or str(error))


def _database_sentence(folder: Path, error: sqlite3.Error) -> str:
    # The lower eight bits are the kind of error, those above them tell it apart further.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return _full(folder)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return _read_only(folder)
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return (
                f"The list of runs in {folder} is damaged ({error}). Move runs.db elsewhere to start a new list; the "
                "folders next to it keep the models."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return _busy(folder)
    return _failed(folder, str(error))


def _busy(folder: Path) -> str:
    return (
        f"Another program is keeping the list of runs in {folder} busy. Until it is done, changes stay in memory only; "
        "then they are saved."
    )


def _full(folder: Path) -> str:
    return f"The disk of {folder} is full: free up some space. {_NOT_KEPT}"


def _read_only(folder: Path) -> str:
    return (
        f"{folder} cannot be written to: give this program permission, or set MLPLAB_HOME to another folder. "
        f"{_NOT_KEPT}"
    )


def _failed(folder: Path, words: str) -> str:
    return f"{folder} cannot be used ({words}). {_NOT_KEPT}"
