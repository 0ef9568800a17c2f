"""``python -m mlpcore pen``: measure how well models read digits written with a pen."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mlpcore.cli.options import PROGRAM
from mlpcore.cli.progress import progress_bar

if TYPE_CHECKING:
    from mlpcore.models import TrainedModel
    from mlpcore.pen import DrawnDigits, PenScore


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    pen = commands.add_parser(
        "pen",
        help="measure how well models read digits written with a pen",
        usage=f"{PROGRAM} pen FILE [--model PATH-OR-NAME ...] [--json]",
        description="Draws every digit of a UNIPEN file as the Draw page does, and prints how many of them each model "
        "recognizes. The interval is over writers, since digits by the same writer are not independent.",
        allow_abbrev=False,
    )
    pen.add_argument("file", metavar="FILE", type=Path, help="a UNIPEN file of digits; must come before --model")
    pen.add_argument(
        "--model",
        metavar="PATH-OR-NAME",
        nargs="+",
        action="extend",
        help="a model's .safetensors file, or one-hidden, two-hidden or drawing (default: all three)",
    )
    pen.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    pen.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Draws the digits, prints how many each model recognizes, and returns the exit code."""
    from mlpcore import unipen

    try:
        digits = unipen.read(given.file)
    except unipen.InvalidInk as invalid:
        print(invalid, file=sys.stderr)
        return 2

    from mlpcore import pen
    from mlpcore.models import BUNDLED, InvalidModel

    try:
        models = {word: _model(word) for word in given.model or BUNDLED}
    except InvalidModel as invalid:
        print(f"--model: {invalid} Bundled models: {', '.join(BUNDLED)}.", file=sys.stderr)
        return 2
    with progress_bar(desc="Drawing", total=len(digits), unit=" digits") as bar:
        drawn = pen.drawn(digits, bar.update)
    if drawn.left_out:
        print(f"{drawn.left_out:,} of {len(digits):,} digits have no ink and are left out.", file=sys.stderr)
    if nameless := drawn.writers.count(unipen.UNKNOWN):
        print(f"{nameless:,} digits have no writer in a .COMMENT and are counted as one writer.", file=sys.stderr)
    scores = [pen.score(word, model, drawn) for word, model in models.items()]
    if given.json:
        print(json.dumps({"models": [asdict(score) for score in scores]}, indent=2, allow_nan=False), flush=True)
    else:
        print(_pen_table(drawn, scores), flush=True)
    return 0


def _model(word: str) -> "TrainedModel":
    """The model that an argument stands for."""
    from mlpcore.models import BUNDLED, InvalidModel, load

    model = load(BUNDLED[word] if word in BUNDLED else Path(word))
    if model.experiment.data.dataset != "mnist":
        raise InvalidModel(f"{word} was trained on {model.experiment.data.dataset}, so it cannot read digits.")
    return model


def _pen_table(drawn: "DrawnDigits", scores: "list[PenScore]") -> str:
    writers = len(scores[0].per_writer)
    width = max(len("model"), *(len(score.model) for score in scores))
    digits = list(scores[0].per_digit)
    lines = [
        f"{len(drawn.labels):,} digits by {writers:,} writer{'s' if writers > 1 else ''}; recognized, in %:",
        f"{'model':<{width}}    all     95% interval" + "".join(f"{digit:>7}" for digit in digits),
    ]
    for score in scores:
        interval = (
            "none" if score.interval is None else "{:.2f} to {:.2f}".format(*(100 * end for end in score.interval))
        )
        shares = "".join(f"{100 * share:7.2f}" for share in score.per_digit.values())
        lines.append(f"{score.model:<{width}} {100 * score.accuracy:6.2f}   {interval:>14}{shares}")
    if writers == 1:
        lines.append("There is no interval: digits by one writer say nothing about other writers.")
    return "\n".join(lines)
