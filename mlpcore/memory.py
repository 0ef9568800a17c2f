"""Returning freed memory to the system."""

import ctypes
import sys


def give_back() -> None:
    """Returns freed memory to the system.

    After several threads have evaluated models, glibc keeps hundreds of megabytes for later that may never be needed.
    Does nothing on other systems.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
