"""``python -m mlpcore data``: fetch the images."""

import argparse
import sys

from mlpcore.cli.options import add_option, fields, one_of
from mlpcore.cli.progress import fetch_progress
from mlpcore.experiment import DatasetName, Experiment


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the others."""
    data = commands.add_parser(
        "data",
        help="fetch the images, check them, and say where they lie",
        description="Fetches the images if need be, checks their digests, and says where they lie.",
        allow_abbrev=False,
    )
    add_option(data, "dataset", one_of(DatasetName), "the images to get", Experiment())
    data.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Fetches, says where the files lie, and returns the exit code."""
    name = Experiment().changed(**fields(given)).data.dataset

    from mlpcore import datasets

    try:
        with fetch_progress(name) as tell:
            folder = datasets.fetch(name, tell)
    except datasets.DataUnavailable as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"The four files of {name} lie in {folder}, and their digests are right.", flush=True)
    return 0
