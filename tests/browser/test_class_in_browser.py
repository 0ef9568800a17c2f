"""A small class on one server; `python -m benchmarks.class_load` holds a large one, and takes its time and memory."""

import json
import subprocess
import sys

from tests.browser.conftest import ROOT


def test_sessions_side_by_side_do_not_get_in_each_others_way() -> None:
    command = [sys.executable, "-m", "benchmarks.class_load", "--json"]
    size = ["--sessions", "4", "--training", "2", "--browsers", "2", "--minutes", "0.25", "--earlier", "0"]
    # In a process of its own, since this one's event loop belongs to the other tests' browser.
    done = subprocess.run([*command, *size], cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["errors"] == []
    # All of it has really happened.
    assert report["attempts"] and report["drawings"] and report["fewest_moves"] >= 5
