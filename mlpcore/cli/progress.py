"""How far something is, on standard error, and what Ctrl-C does meanwhile."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from tqdm import tqdm

from mlpcore.experiment import DatasetName

LOG_SECONDS = 10
"""How often progress is written where standard error is no terminal."""


@contextmanager
def stopped_by_signals(react: Callable[[int], str]) -> Iterator[list[int]]:
    """The first Ctrl-C (or SIGTERM) is left to `react`, the second one ends the program at once.

    Args:
        react: gets the signal's number, and returns what is said.

    Yields:
        An empty list, and in it the first signal, once it has come.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        words = react(number)
        for each in before:
            signal.signal(each, signal.default_int_handler)
        # Not `print`, since the signal may have come in the middle of writing to the same stream.
        os.write(2, f"\n{words}\n".encode())

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        for each in before:
            signal.signal(each, receive)
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def fetch_progress(name: DatasetName) -> Iterator[Callable[[float, str], None]]:
    """Shows how far the fetching of a dataset is, if it has to be fetched."""
    from mlpcore import datasets

    shape = "{desc}: {percentage:3.0f}%|{bar}|"
    said = ""
    with progress_bar(desc=name, total=1.0, bar_format=shape, disable=datasets.is_on_disk(name)) as bar:

        def tell(share: float, sentence: str) -> None:
            nonlocal said
            bar.set_description_str(sentence, refresh=sentence != said)
            bar.update(share - bar.n)
            said = sentence

        yield tell


def progress_bar(**settings: Any) -> "tqdm[NoReturn]":
    """A progress bar on standard error, which says little where that is a log."""
    interval = 0.1 if sys.stderr.isatty() else LOG_SECONDS
    return tqdm(mininterval=interval, maxinterval=interval, miniters=0, dynamic_ncols=True, **settings)
