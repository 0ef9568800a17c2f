"""A process that is killed loses nothing; `benchmarks/crash.py` does this more often."""

from pathlib import Path

import pytest

from benchmarks.crash import crash


@pytest.mark.usefixtures("one_thread")
def test_kills_at_random_moments_change_no_bit_and_damage_nothing(tmp_path: Path) -> None:
    tally = crash(tmp_path, times=3)
    assert tally.kills == 3
    assert tally.runs >= 1
