"""``python -m mlpcore resume``: train an interrupted run to its end."""

import argparse
import sys

from mlpcore.cli.options import PROGRAM
from mlpcore.cli.progress import fetch_progress
from mlpcore.cli.runs import only_run, title
from mlpcore.cli.train import train


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    resume = commands.add_parser(
        "resume",
        help="resume an interrupted run",
        usage=f"{PROGRAM} resume RUN [--json]",
        description="Trains an interrupted run to its end. On the same machine the result is the same as without the "
        "interruption. Ctrl-C stops early and evaluates the model so far; SIGTERM interrupts again.",
        allow_abbrev=False,
    )
    resume.add_argument("wanted", metavar="RUN", help=f"its id as in `{PROGRAM} runs`, or the beginning of it")
    resume.add_argument("--json", action="store_true", help="print one JSON object instead of a summary")
    resume.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Resumes the run, prints the result, and returns the exit code."""
    from mlpcore import datasets
    from mlpcore.store import Store, StoreProblem
    from mlpcore.training import check_machine

    store = Store()
    try:
        interrupted = only_run(store, given.wanted)
        if interrupted is None:
            return 2
        recorder = store.take(interrupted.id, interrupted.number)
        check_machine(interrupted.experiment)
        name = interrupted.experiment.data.dataset
        with fetch_progress(name) as tell:
            dataset = datasets.load(name, tell)
    except (StoreProblem, datasets.DataUnavailable) as problem:
        print(problem, file=sys.stderr)
        return 1
    resumed = store.resume(interrupted.id, interrupted.experiment, interrupted.step, interrupted.made_by, dataset)
    recorder.made_by = resumed.made_by
    if resumed.problem:
        print(resumed.problem, file=sys.stderr)
    print(f"{title(interrupted)}: resuming after step {resumed.trainer.steps:,}.", file=sys.stderr)
    return train(resumed.trainer, recorder, given.json)
