"""``python -m mlpcore import``: a model that somebody has exported, for the app's pages."""

import argparse
import json
import sys
from pathlib import Path

from mlpcore.cli.options import PROGRAM


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the others."""
    importing = commands.add_parser(
        "import",
        help="bring in a model that was exported as safetensors",
        usage=f"{PROGRAM} import FILE [--json]",
        description="Checks the whole file before anything of it is used, and keeps a copy beside the runs, so that "
        "the app offers the model.",
        allow_abbrev=False,
    )
    importing.add_argument("file", metavar="FILE", type=Path, help="as `export --format safetensors` writes it")
    importing.add_argument("--json", action="store_true", help="print one JSON object instead of a sentence")
    importing.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Brings the model in, and returns the exit code."""
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
        print(f"{model.title} is brought in: {model.test.accuracy:.2%} test accuracy by its own account.")
    return 0
