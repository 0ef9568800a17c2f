"""``python -m mlpcore export``: write a run's model, code or history to a file."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlpcore.cli.options import PROGRAM
from mlpcore.cli.runs import only_run

if TYPE_CHECKING:
    from mlpcore.models import TrainedModel
    from mlpcore.store import Store, StoredRun

FORMATS = {
    "script": "a Python script that trains the same model with torch and torchvision",
    "notebook": "the same as a notebook",
    "onnx": "the model for other programs, checked against PyTorch",
    "safetensors": "the model together with its experiment; import reads it",
    "csv": "the figures of every epoch",
}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    export = commands.add_parser(
        "export",
        help="write a run's model, code or history to a file",
        usage=f"{PROGRAM} export RUN --format FORMAT -o FILE [--json]",
        description="Formats: " + "; ".join(f"{name}: {what}" for name, what in FORMATS.items()) + ".",
        allow_abbrev=False,
    )
    export.add_argument("wanted", metavar="RUN", help=f"its id as in `{PROGRAM} runs`, or the beginning of it")
    export.add_argument("--format", required=True, choices=FORMATS, help="what to write")
    export.add_argument(
        "-o", "--output", required=True, type=Path, metavar="FILE", help="file to write; an existing one is replaced"
    )
    export.add_argument("--json", action="store_true", help="print one JSON object that says what was written")
    export.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Writes the file and returns the exit code."""
    from mlpcore.datasets import DataUnavailable
    from mlpcore.export import NotExportable
    from mlpcore.models import InvalidModel
    from mlpcore.store import Store, StoreProblem
    from mlpcore.store.files import write_whole

    store = Store()
    try:
        found = only_run(store, given.wanted)
        if found is None:
            return 2
        content = _content(given.format, store, found)
        # A special file, such as /dev/stdout, cannot be replaced.
        special = given.output.exists() and not given.output.is_file()
        given.output.write_bytes(content) if special else write_whole(given.output, content)
    except (StoreProblem, NotExportable, InvalidModel, DataUnavailable) as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{given.output} cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    if given.json:
        print(
            json.dumps({"run_id": found.id, "format": given.format, "file": str(given.output), "bytes": len(content)})
        )
    else:
        print(f"{given.output}: {len(content):,} bytes.")
    return 0


def _content(form: str, store: "Store", run: "StoredRun") -> bytes:
    from mlpcore import export
    from mlpcore.models import as_bytes

    match form:
        case "script":
            return export.script(run.experiment).encode()
        case "notebook":
            return export.notebook(run.experiment).encode()
        case "csv":
            return export.history_csv(store.history(run.id, run.experiment, run.step)).encode()
        case "onnx":
            return export.onnx_bytes(_model(store, run))
        case _:
            return as_bytes(_model(store, run))


def _model(store: "Store", run: "StoredRun") -> "TrainedModel":
    from mlpcore.cli.runs import title
    from mlpcore.models import Score, TrainedModel
    from mlpcore.store import StoreProblem

    if run.outcome is None:
        raise StoreProblem(f"{title(run)} is {run.status} and has no model yet.")
    return TrainedModel(title(run), run.experiment, store.model(run.id), Score.of(store.result(run.id).test))
