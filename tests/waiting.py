"""Waiting for something that another thread or process does."""

import time
from collections.abc import Callable

LIMIT_SECONDS = 120


def until(condition: Callable[[], object], what: str) -> None:
    """Waits for what must come; the limit only ends a test that has failed already."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.005)
