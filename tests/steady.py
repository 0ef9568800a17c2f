"""Runs the tests of pages and browser many times, as they might meet a bad day: `make steady ROUNDS=10`.

In each round all cores are kept busy by other processes at first; then the server's answers arrive 0.3 seconds late. A
failure is never by chance: what each failed test left is in a folder of the round's own below `test-results`.
"""

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVIDENCE = ROOT / "test-results"
LATE = {"MLPLAB_TEST_LATE": "0.3"}


def main() -> int:
    """Prints a line for each half of a round; 0 if all were green."""
    parser = argparse.ArgumentParser(prog="python -m tests.steady", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("tests", nargs="*", default=["tests/pages", "tests/browser"])
    given = parser.parse_args()
    green = 0
    for number in range(1, given.rounds + 1):
        with busy_cores():
            green += passes(f"round {number} busy", given.tests)
        green += passes(f"round {number} late", given.tests, LATE)
    print(f"{green} of {2 * given.rounds} were green.", flush=True)
    return int(green < 2 * given.rounds)


def passes(name: str, tests: list[str], environment: dict[str, str] | None = None) -> bool:
    """Runs the tests once, their output included, and says how it went."""
    environment = {**(environment or {}), "MLPLAB_TEST_EVIDENCE": str(EVIDENCE / name.replace(" ", "-"))}
    done = subprocess.run([sys.executable, "-m", "pytest", *tests], cwd=ROOT, env=os.environ | environment)
    print(f"{name}: {'failed' if done.returncode else 'green'}", flush=True)
    return done.returncode == 0


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Another process for each core that has something to do all the time."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    sys.exit(main())
