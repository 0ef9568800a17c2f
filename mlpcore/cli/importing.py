"""``python -m mlpcore import``: make an exported model available in the app."""

import argparse
import json
import sys
from pathlib import Path

from mlpcore.cli.options import PROGRAM


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    importing = commands.add_parser(
        "import",
        help="import a model that was exported as safetensors",
        usage=f"{PROGRAM} import FILE [--json]",
        description="Checks the whole file before anything in it is used, and stores a copy next to the runs, so that "
        "the app can use the model.",
        allow_abbrev=False,
    )
    importing.add_argument("file", metavar="FILE", type=Path, help="a file written by `export --format safetensors`")
    importing.add_argument("--json", action="store_true", help="print one JSON object instead of a sentence")
    importing.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Imports the model and returns the exit code."""
    from mlpcore.imports import Imported
    from mlpcore.models import InvalidModel
    from mlpcore.store import runs_folder

    imported = Imported(runs_folder() / "models")
    try:
        model_id = imported.add(given.file)
        model = imported.get(model_id)
    except InvalidModel as invalid:
        print(invalid, file=sys.stderr)
        return 1
    if given.json:
        print(
            json.dumps(
                {
                    "model_id": model_id,
                    "title": model.title,
                    "experiment": model.experiment.model_dump(mode="json"),
                    "test": {"accuracy": model.test.accuracy, "interval": model.test.interval},
                },
                indent=2,
            )
        )
    else:
        print(f"Imported {model.title}; test accuracy {model.test.accuracy:.2%} according to the file.")
    return 0
