"""The script of a comparison is run as its owner would run it, and gives the app's accuracies and conclusions."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlpcore.comparison.plan import Plan
from mlpcore.comparison.results import Comparison, TrainedRun, compare
from mlpcore.datasets import data_folder
from mlpcore.experiment import Experiment
from mlpcore.export import comparison_script
from mlpcore.training import Result, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")

# torchvision may not import here as it would on the machine of whoever takes the code away.
RUN = """
import json, sys
from pathlib import Path
import mlpcore.torchvision_shim

path = Path(sys.argv[1])
names = {"__name__": "__main__"}
exec(compile(path.read_text(), path.name, "exec"), names)
found = {"accuracies": names["accuracies"], "intervals": names.get("intervals")}
for name in ("differences", "difference_intervals"):
    found[name] = [list(values) for values in names.get(name, {}).values()]
path.write_text(json.dumps(found | {"p_values": names.get("p_values")}))
"""


def run(code: str, folder: Path) -> tuple[dict[str, Any], str]:
    """What the code leaves behind and what it prints, run in a process of its own."""
    path = folder / "comparison.py"
    path.write_text(code, "utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, str(path)],
        env=os.environ | {"MLPLAB_DATA": str(data_folder()), "PYTHONPATH": str(Path.cwd())},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text("utf-8")), done.stdout


@pytest.fixture
def compared(train: Callable[..., tuple[Trainer, Result]]) -> Callable[[Plan], Comparison]:
    """Trains and compares what a plan says."""

    def compared(plan: Plan) -> Comparison:
        runs = []
        for experiment in plan.runs:
            trainer, result = train(experiment)
            runs.append(TrainedRun.of(experiment, result, trainer.history))
        return compare(plan, runs)

    return compared


def test_the_script_gives_the_accuracies_intervals_and_p_values_of_the_comparison(
    small: Callable[..., Experiment], compared: Callable[[Plan], Comparison], tmp_path: Path
) -> None:
    plan = Plan(
        (
            small(hidden=(), validation=0),
            small(validation=0, dropout=0.3, epochs=3),
            small(validation=100, early_stopping=1, augment="affine", optimizer="sgd", learning_rate=0.5, seed=9),
        ),
        (4, 1, 2),
    )
    comparison = compared(plan)
    found, printed = run(comparison_script(plan), tmp_path)
    assert found["accuracies"] == {
        summary.name: [run.test.accuracy for run in summary.runs] for summary in comparison.summaries
    }
    for summary in comparison.summaries:
        assert found["intervals"][summary.name] == pytest.approx(summary.interval)
        assert summary.mean is not None
        assert f"{summary.name}: {summary.mean:.2%} (" in printed
    tests = [pair.architectures for pair in comparison.pairs]
    assert [sum(values) / 3 for values in found["differences"]] == pytest.approx(
        [test.difference for test in tests if test]
    )
    for interval, test in zip(found["difference_intervals"], tests, strict=True):
        assert test
        assert interval == pytest.approx(test.interval)
    assert found["p_values"] == pytest.approx([pair.architectures_p for pair in comparison.pairs])
    assert printed.count("\nSignificant at") == sum(pair.architectures_differ for pair in comparison.pairs)


def test_one_seed_gives_accuracies_and_no_conclusion(
    small: Callable[..., Experiment], compared: Callable[[Plan], Comparison], tmp_path: Path
) -> None:
    plan = Plan((small(hidden=(16,), epochs=1), small(hidden=(8, 8), epochs=1)), (7,))
    found, printed = run(comparison_script(plan), tmp_path)
    assert [values for [values] in found["accuracies"].values()] == [
        summary.mean for summary in compared(plan).summaries
    ]
    assert found["intervals"] is None
    assert found["p_values"] is None
    assert "minus" not in printed


def test_what_all_models_share_stands_there_once(small: Callable[..., Experiment]) -> None:
    code = comparison_script(Plan((small(hidden=(16,)), small(hidden=(8, 8)), small(hidden=(8,))), (0, 1)))
    assert code.count("optimizer.step()") == code.count("def evaluate(") == code.count("random_split(train_data") == 1
    assert code.count("nn.Sequential(") == 3


def test_a_change_of_the_plan_changes_the_script(small: Callable[..., Experiment]) -> None:
    pair = small(hidden=(16,)), small(hidden=(8, 8))
    base = comparison_script(Plan(pair, (0, 1)))
    ast.parse(base)
    for other in (
        Plan(pair[::-1], (0, 1)),
        Plan(pair, (0, 2)),
        Plan((pair[0], pair[1].changed(learning_rate=0.1)), (0, 1)),
        Plan((*pair, small(dataset="mnist", hidden=(4,))), (0, 1)),
    ):
        assert comparison_script(other) != base
    # Which seed an experiment has of its own makes no difference: the plan says which ones are trained.
    assert comparison_script(Plan((pair[0].changed(seed=5), pair[1]), (0, 1))) == base
