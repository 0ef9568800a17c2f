"""Memory that is needed no more."""

import ctypes
import sys


def give_back() -> None:
    """Returns what was freed to the system.

    Where several threads have evaluated models, glibc keeps hundreds of megabytes for later that nobody may ask for
    again. On other systems nothing is done.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
