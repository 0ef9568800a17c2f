"""Progress bars on standard error, and what Ctrl-C does meanwhile."""

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
"""How often progress is written if standard error is not a terminal."""


@contextmanager
def stopped_by_signals(react: Callable[[int], str]) -> Iterator[list[int]]:
    """The first Ctrl-C (or SIGTERM) is handled by `react`; the second one ends the program immediately.

    Args:
        react: called with the signal's number; returns the message to print.

    Yields:
        A list, empty until the first signal, which is added to it.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        words = react(number)
        for each in before:
            signal.signal(each, signal.default_int_handler)
        # Not `print`, since the signal may have arrived in the middle of writing to the same stream.
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
    """Shows the progress of downloading a dataset, if it has to be downloaded."""
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
    """A progress bar on standard error; updates rarely if that is a log."""
    interval = 0.1 if sys.stderr.isatty() else LOG_SECONDS
    return tqdm(mininterval=interval, maxinterval=interval, miniters=0, dynamic_ncols=True, **settings)
