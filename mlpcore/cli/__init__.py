"""Everything without a browser: ``python -m mlpcore``.

The options only pass values on; `Experiment` validates them. PyTorch takes seconds to import, so modules that need it
are imported where they are used, and `--help` or a mistake is answered immediately.
"""

import os
import sys
from collections.abc import Sequence

from mlpcore.cli import compare, data, export, importing, pen, resume, runs, train
from mlpcore.cli.options import PROGRAM, Parser, option
from mlpcore.cli.progress import fetch_progress, progress_bar
from mlpcore.cli.train import epoch_line, summary
from mlpcore.experiment import InvalidExperiment

__all__ = ["epoch_line", "fetch_progress", "main", "progress_bar", "summary"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; `argv` are the arguments after ``python -m mlpcore``, those of the process if None.

    Returns:
        The exit code: 0, 1 if it failed, 2 for invalid input, and 128 plus the signal's number if a signal ended it
        early: 130 for Ctrl-C, 143 for SIGTERM.

    Raises:
        KeyboardInterrupt: on any other Ctrl-C.
    """
    parser = Parser(prog=PROGRAM, description="Multi-layer perceptrons on MNIST, without a browser.")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    for command in (train, runs, resume, export, importing, compare, pen, data):
        command.add(commands)
    given = parser.parse_args(argv)
    try:
        if given.command:
            code: int = given.run(given)
            return code
        print(parser.format_help(), end="", flush=True)
        return 0
    except InvalidExperiment as invalid:
        print(*(f"{option(field)}: {problem}" for field, problem in invalid.problems.items()), file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader is gone. At exit Python would try to write what is left, and complain.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        return 1
