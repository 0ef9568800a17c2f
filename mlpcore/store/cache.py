"""Memory for what was read from the disk, limited in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Value = TypeVar("Value")


class ByteCache:
    """Keeps the values used last; any number of threads may ask at the same time.

    Args:
        limit: most bytes of all values together. A single larger value is kept too, but alone, so that asking
            for it several times in a row does not read it each time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], Value], size: Callable[[Value], int]) -> Value:
        """The value for `key`, from `read` if it is not kept; what `read` raises is raised, and nothing is kept.

        Args:
            key: always belongs to values of the same type.
            read: gives the value; called without a lock, so two threads may both read it.
            size: gives the bytes that a value takes.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                kept: Value = self._values[key][0]
                return kept
        value = read()
        self._put(key, value, size(value))
        return value

    def _put(self, key: Hashable, value: object, size: int) -> None:
        with self._lock:
            self._bytes += size - self._values.pop(key, (None, 0))[1]
            self._values[key] = value, size
            while self._bytes > self._limit and len(self._values) > 1:
                _, (_, freed) = self._values.popitem(last=False)
                self._bytes -= freed
