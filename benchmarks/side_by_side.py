"""Is a comparison done sooner with runs of one thread side by side, or one run after the other with all cores?

A round trains the same runs twice, in turn: as `Batch` does, one thread each and as many at once as there are cores,
and one after the other with as many threads as there are cores. Timed is from the start to the last evaluation. What
decides a result is unlike in both (the number of threads changes the last bits), so only times are compared.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/side_by_side.py`

from mlpcore import datasets
from mlpcore.comparison.batch import Batch
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed (default 3)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout; everything else on stderr")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    datasets.load("mnist")
    cores = os.cpu_count() or 1
    ratios = {}
    for name, preset in TUTORIAL_PRESETS.items():
        runs = [preset.changed(epochs=1, seed=seed) for seed in range(2 * cores)]
        rounds = [_time_both(runs, cores) for _ in range(arguments.rounds)]
        ratios[name] = statistics.median(alone / beside for alone, beside in rounds)
        for number, (alone, beside) in enumerate(rounds, start=1):
            print(
                f"{name}, round {number}: {len(runs)} runs of an epoch, all {cores} cores {alone:.1f} s, "
                f"side by side {beside:.1f} s, {alone / beside:.2f} times as fast",
                file=sys.stderr,
            )
    if arguments.json:
        print(json.dumps({"cores": cores, "times_as_fast_side_by_side": ratios}))
    else:
        for name, ratio in ratios.items():
            print(f"{name}: side by side {ratio:.2f} times as fast (median of {arguments.rounds}, {cores} cores)")


def _time_both(runs: list[Experiment], cores: int) -> tuple[float, float]:
    """Seconds for all runs: one after the other with all cores, and side by side with one thread each."""
    alone = Batch([run.changed(threads=cores) for run in runs], at_once=1)
    alone.wait()
    beside = Batch(runs)
    beside.wait()
    return alone.seconds, beside.seconds


if __name__ == "__main__":
    main()
