"""``python -m mlpcore runs``: list the runs and how good they are."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from mlpcore.cli.options import PROGRAM

if TYPE_CHECKING:
    from mlpcore.store import Store, StoredRun

ID_SHOWN = 8
"""Characters of an id in the table; more than enough to tell runs apart."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    runs = commands.add_parser(
        "runs",
        help="list the saved runs",
        usage=f"{PROGRAM} runs [--json]",
        description="Lists the runs of the app and of `train`, newest first.",
        epilog="They are in the folder runs next to the app, or in the folder named by MLPLAB_HOME in the environment.",
        allow_abbrev=False,
    )
    runs.add_argument("--json", action="store_true", help="print a list of JSON objects instead of a table")
    runs.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Prints the runs and returns the exit code."""
    from mlpcore.store import Store, StoreProblem

    try:
        runs = list(reversed(Store().runs()))
    except StoreProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps([_as_object(run) for run in runs], indent=2, allow_nan=False), flush=True)
    elif runs:
        print(*map(_line, runs), sep="\n", flush=True)
    else:
        print("No runs yet.", flush=True)
    return 0


def title(run: "StoredRun") -> str:
    """The title of a run."""
    return run.title or f"Run {run.number}: {run.experiment.architecture.title}"


def only_run(store: "Store", wanted: str) -> "StoredRun | None":
    """The run whose id begins with `wanted`; None, with the reason on standard error, if there is not exactly one.

    Raises:
        StoreProblem: the runs cannot be listed.
    """
    found = [run for run in store.runs() if run.id.startswith(wanted)] if wanted else []
    if len(found) == 1:
        return found[0]
    begins = f"an id that begins with {wanted!r}"
    if found:
        print(f"{len(found)} runs have {begins}: {', '.join(map(title, found))}. Give more of it.", file=sys.stderr)
    else:
        print(f"No run has {begins}: `{PROGRAM} runs` lists all runs.", file=sys.stderr)
    return None


def _as_object(run: "StoredRun") -> dict[str, object]:
    outcome = run.outcome
    return {
        "run_id": run.id,
        "title": title(run),
        "status": run.status,
        "created": run.created.isoformat(),
        "experiment": run.experiment.model_dump(mode="json"),
        "test": outcome
        and {"loss": outcome.test_loss, "accuracy": outcome.test_accuracy, "interval": outcome.test_interval},
    }


def _line(run: "StoredRun") -> str:
    steps = run.experiment.total_steps
    score = f"test {run.outcome.test_accuracy:.2%}" if run.outcome else f"step {run.step:,} of {steps:,}"
    created = run.created.astimezone()
    return f"{run.id[:ID_SHOWN]}  {created:%Y-%m-%d %H:%M}  {run.status:<11}  {score:<11}  {title(run)}"
