"""``python -m mlpcore data``: download the images."""

import argparse
import sys

from mlpcore.cli.options import add_option, fields, one_of
from mlpcore.cli.progress import fetch_progress
from mlpcore.experiment import DatasetName, Experiment


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    data = commands.add_parser(
        "data",
        help="download the images, check them, and print where they are",
        description="Downloads the images if necessary, checks their digests, and prints where they are.",
        allow_abbrev=False,
    )
    add_option(data, "dataset", one_of(DatasetName), "the images to download", Experiment())
    data.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Downloads the files, prints where they are, and returns the exit code."""
    name = Experiment().changed(**fields(given)).data.dataset

    from mlpcore import datasets

    try:
        with fetch_progress(name) as tell:
            folder = datasets.fetch(name, tell)
    except datasets.DataUnavailable as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"The four files of {name} are in {folder}, and their digests are right.", flush=True)
    return 0
