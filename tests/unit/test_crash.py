"""A process that is killed loses nothing; `benchmarks/crash.py` does this more often."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_kills_at_random_moments_change_no_bit_and_damage_nothing() -> None:
    # As a command of its own: its children are started from the main module, which other tests replace.
    command = [sys.executable, "-m", "benchmarks.crash", "--times", "3"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("3 kills")
