"""What was freed is the system's again."""

import sys

import numpy as np
import psutil

from mlpcore.memory import give_back


def test_freed_memory_is_given_back() -> None:
    def resident() -> int:
        return int(psutil.Process().memory_info().rss)

    # Too small to be returned one by one, and what is kept lies above what is freed.
    blocks = [np.ones(100_000, np.uint8) for _ in range(2000)]
    kept, full = blocks[1::2], resident()
    del blocks
    give_back()
    assert all(block.all() for block in kept)
    if sys.platform == "linux":
        assert full - resident() > 50_000_000
