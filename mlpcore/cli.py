"""Training, reading pen strokes, and getting the data, without a browser: ``python -m mlpcore``.

The options only name values; `Experiment` alone judges them. PyTorch takes seconds to import, so what needs it is
imported where it is used, and `--help` or a mistake is answered at once.
"""

import argparse
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from tqdm import tqdm

from mlpcore.experiment import (
    LIMITS,
    TUTORIAL_PRESETS,
    Activation,
    Augment,
    DatasetName,
    Device,
    Experiment,
    InvalidExperiment,
    OptimizerName,
    Order,
    Schedule,
    experiment_from_json,
)

if TYPE_CHECKING:
    from mlpcore.history import EpochRecord
    from mlpcore.models import TrainedModel
    from mlpcore.pen import DrawnDigits, PenScore
    from mlpcore.training import Result, Trainer

PROGRAM = "python -m mlpcore"
MAX_FILE_BYTES = 1_000_000
LOG_SECONDS = 10
"""How often progress is written where standard error is no terminal."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; `argv` are the words after ``python -m mlpcore``, those of the process if None.

    Returns:
        The exit code: 0, 1 if it failed, 2 for input that is not possible, 130 if Ctrl-C stopped the training.

    Raises:
        KeyboardInterrupt: at any other Ctrl-C.
    """
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        if given.command == "train":
            return _train(given)
        if given.command == "pen":
            return _pen(given)
        if given.command == "data":
            return _data(given)
        print(parser.format_help(), end="", flush=True)
        return 0
    except InvalidExperiment as invalid:
        print(*(f"{_option(field)}: {problem}" for field, problem in invalid.problems.items()), file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Nobody reads any more. Python would try to write what is left at its end, and complain.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        return 1


def _one_of(choices: object) -> str:
    return "|".join(get_args(choices))


_OPTIONS: dict[str, list[tuple[str, str, str]]] = {
    "data": [
        ("dataset", _one_of(DatasetName), "the images to learn from"),
        ("train_size", "N|all", "training images to use, or all that validation leaves"),
        ("validation", "N", "images split from the training set to watch generalisation"),
        ("label_noise", "P", "share of the training labels that is replaced by random ones"),
        ("order", _one_of(Order), "how an epoch passes over the training images"),
        ("normalize", "", "shift and scale the pixels to mean 0 and standard deviation 1"),
        (
            "augment",
            _one_of(Augment),
            "change each training image a little, anew in each epoch; elastic also bends it, as pens do",
        ),
    ],
    "architecture": [
        ("hidden", "SIZES|none", "neurons of each hidden layer, such as 512,256, or none for a linear classifier"),
        ("activation", _one_of(Activation), "what every hidden layer applies to its weighted sums"),
        ("dropout", "P", "share of each hidden layer's outputs that is zeroed in training"),
        ("batch_norm", "", "normalise each hidden layer's weighted sums over the batch"),
    ],
    "learning": [
        ("optimizer", _one_of(OptimizerName), "what turns gradients into steps; momentum and nesterov are SGD at 0.9"),
        ("learning_rate", "X", "step size, or its peak where a schedule moves it"),
        ("weight_decay", "X", "pull of the weights towards zero"),
        ("batch_size", "N|full", "images per step, or all of them at once"),
        ("accumulate", "N", "batches whose gradients are averaged into one update"),
        ("epochs", "N", "passes over the training images"),
        ("schedule", _one_of(Schedule), "how the learning rate moves from update to update"),
        ("seed", "N", "start of every random choice; equal seeds give equal results"),
    ],
    "machine": [
        ("device", _one_of(Device), "where to compute; auto takes CUDA, then Apple's MPS, then the CPU"),
        ("threads", "N", "CPU threads inside one operation; they decide the last bits of a result"),
    ],
}
"""The options that change a field of an experiment, by their group in the help: field, placeholder, meaning."""


class _Parser(argparse.ArgumentParser):
    """Answers a mistake with one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message.removeprefix('argument ')}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description="Multi-layer perceptrons on MNIST, without a browser.")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    train = commands.add_parser(
        "train",
        help="train a model, and say how good it is",
        usage=f"{PROGRAM} train [--preset NAME | --experiment FILE.json] [options] [--json]",
        description="Trains a model and evaluates it on the 10,000 test images. Ctrl-C stops early and evaluates what "
        "was reached.",
        epilog="Options override the preset or the file; the defaults named here hold without either.",
        allow_abbrev=False,
    )
    start = train.add_argument_group("where to start from").add_mutually_exclusive_group()
    start.add_argument(
        "--preset", choices=TUTORIAL_PRESETS, help="a set-up of the tutorial: all 60,000 images, none for validation"
    )
    start.add_argument("--experiment", metavar="FILE.json", type=Path, help="an experiment, as --json prints it")
    for title, options in _OPTIONS.items():
        group = train.add_argument_group(title)
        for field, placeholder, meaning in options:
            _add_option(group, field, placeholder, meaning)
    train.add_argument_group("output").add_argument(
        "--json", action="store_true", help="print one JSON object instead of a summary"
    )

    pen = commands.add_parser(
        "pen",
        help="say how well models read digits written with a pen",
        usage=f"{PROGRAM} pen FILE [--model PATH-OR-NAME ...] [--json]",
        description="Draws every digit of a UNIPEN file as the Draw page does, and says how many of them each model "
        "recognises. The interval is over writers, since the digits of one hand are not independent.",
        allow_abbrev=False,
    )
    pen.add_argument("file", metavar="FILE", type=Path, help="a UNIPEN file of digits; it stands before --model")
    pen.add_argument(
        "--model",
        metavar="PATH-OR-NAME",
        nargs="+",
        action="extend",
        help="a model's .safetensors file, or one-hidden, two-hidden or drawing (default: all three)",
    )
    pen.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    data = commands.add_parser(
        "data",
        help="fetch the images, check them, and say where they lie",
        description="Fetches the images if need be, checks their digests, and says where they lie.",
        allow_abbrev=False,
    )
    _add_option(data, "dataset", _one_of(DatasetName), "the images to get")
    return parser


def _add_option(group: argparse._ActionsContainer, field: str, placeholder: str, meaning: str) -> None:
    default = Experiment().fields()[field]
    allowed = f"{LIMITS[field].allowed}; " if field in LIMITS and field != "hidden" else ""
    settings: dict[str, Any] = {
        "dest": field, "default": argparse.SUPPRESS, "help": f"{meaning} ({allowed}default: {_as_given(default)})",
    }  # fmt: skip
    if isinstance(default, bool):
        group.add_argument(_option(field), action=argparse.BooleanOptionalAction, **settings)
    else:
        group.add_argument(_option(field), metavar=placeholder, **settings)


def _option(field: str) -> str:
    """The option that gives a field."""
    return "--lr" if field == "learning_rate" else f"--{field.replace('_', '-')}"


def _as_given(value: object) -> str:
    """A field's value as one writes it at the command line."""
    match value:
        case None:
            return "all"
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _value(field: str, given: str | bool) -> object:
    """The value that an option's text stands for; text that stands for none stays, for `Experiment` to refuse."""
    match field, given:
        case "train_size", "all":
            return None
        case "hidden", "none":
            return ()
        case "hidden", str(sizes):
            return [_number(int, size) for size in sizes.split(",")]
        case _, str(text) if field in LIMITS:
            return _number(int if LIMITS[field].whole else float, text)
        case _:
            return given


def _number(kind: type[int] | type[float], text: str) -> int | float | str:
    try:
        return kind(text)
    except ValueError:
        return text


def _experiment(given: argparse.Namespace) -> Experiment:
    """The experiment that a command line describes."""
    if given.preset:
        start = TUTORIAL_PRESETS[given.preset]
    else:
        start = _read_experiment(given.experiment) if given.experiment else Experiment()
    return start.changed(**_fields(given))


def _fields(given: argparse.Namespace) -> dict[str, object]:
    """The fields of an experiment that a command line names."""
    return {field: _value(field, text) for field, text in vars(given).items() if field in Experiment().fields()}


def _read_experiment(path: Path) -> Experiment:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError(f"more than {MAX_FILE_BYTES:,} bytes are no experiment.")
        # Windows' editors and shells put a byte order mark in front.
        return experiment_from_json(content.decode("utf-8-sig"))
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})."
    except UnicodeDecodeError:
        problem = "it is no text in UTF-8, so no JSON."
    except ValueError as error:
        problem = str(error)
    raise InvalidExperiment({"experiment": f"{path}: {problem}"})


def _data(given: argparse.Namespace) -> int:
    name = Experiment().changed(**_fields(given)).data.dataset

    from mlpcore import datasets

    try:
        with fetch_progress(name) as tell:
            folder = datasets.fetch(name, tell)
    except datasets.DataUnavailable as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"The four files of {name} lie in {folder}, and their digests are right.", flush=True)
    return 0


def _train(given: argparse.Namespace) -> int:
    experiment = _experiment(given)

    from mlpcore import datasets
    from mlpcore.training import OutOfMemory, Trainer, TrainingDiverged, check_machine

    check_machine(experiment)
    try:
        with fetch_progress(experiment.data.dataset) as tell:
            dataset = datasets.load(experiment.data.dataset, tell)
        trainer = Trainer(experiment, dataset)
        result, stopped = _follow(trainer, show_epochs=not given.json)
    except (datasets.DataUnavailable, TrainingDiverged, OutOfMemory) as failure:
        print(failure, file=sys.stderr)
        return 1
    if stopped:
        print(_how_far(trainer), file=sys.stderr)
    print(_as_json(trainer, result) if given.json else summary(result), flush=True)
    return 130 if stopped else 0


def _pen(given: argparse.Namespace) -> int:
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
        print(f"--model: {invalid} Models that come with MLP Lab: {', '.join(BUNDLED)}.", file=sys.stderr)
        return 2
    with progress_bar(desc="Drawing", total=len(digits), unit=" digits") as bar:
        drawn = pen.drawn(digits, bar.update)
    if drawn.left_out:
        print(f"{drawn.left_out:,} of {len(digits):,} digits have no ink and are left out.", file=sys.stderr)
    if nameless := drawn.writers.count(unipen.UNKNOWN):
        print(f"{nameless:,} digits name no writer in a .COMMENT, and are taken for one hand.", file=sys.stderr)
    scores = [pen.score(word, model, drawn) for word, model in models.items()]
    if given.json:
        print(json.dumps({"models": [asdict(score) for score in scores]}, indent=2, allow_nan=False), flush=True)
    else:
        print(_pen_table(drawn, scores), flush=True)
    return 0


def _model(word: str) -> "TrainedModel":
    """The model that a word at the command line stands for."""
    from mlpcore.models import BUNDLED, load

    return load(BUNDLED[word] if word in BUNDLED else Path(word))


def _pen_table(drawn: "DrawnDigits", scores: "list[PenScore]") -> str:
    writers = len(scores[0].per_writer)
    width = max(len("model"), *(len(score.model) for score in scores))
    digits = list(scores[0].per_digit)
    lines = [
        f"{len(drawn.labels):,} digits by {writers:,} writer{'s' if writers > 1 else ''}; recognised, in %:",
        f"{'model':<{width}}    all     95% interval" + "".join(f"{digit:>7}" for digit in digits),
    ]
    for score in scores:
        interval = (
            "none" if score.interval is None else "{:.2f} to {:.2f}".format(*(100 * end for end in score.interval))
        )
        shares = "".join(f"{100 * share:7.2f}" for share in score.per_digit.values())
        lines.append(f"{score.model:<{width}} {100 * score.accuracy:6.2f}   {interval:>14}{shares}")
    if writers == 1:
        lines.append("There is no interval: the digits of one hand say nothing about other hands.")
    return "\n".join(lines)


def _follow(trainer: "Trainer", show_epochs: bool) -> "tuple[Result, bool]":
    """Trains to the end behind a progress bar; returns what came out, and whether a signal stopped it early."""
    from mlpcore.training import EpochEnd, Finished, Step

    experiment, history = trainer.experiment, trainer.history
    images, epochs = experiment.data.train_images, experiment.hyperparameters.epochs
    with (
        _stopped_by_signals(trainer) as signals,
        progress_bar(desc=f"Epoch 1/{epochs}", total=images * epochs, unit=" images", unit_scale=True) as bar,
    ):
        for event in trainer:
            match event:
                case Step(step, epoch):
                    in_epoch = min((step - (epoch - 1) * experiment.steps_per_epoch) * experiment.batch_images, images)
                    bar.set_description(f"Epoch {epoch}/{epochs}", refresh=False)
                    if history.steps:
                        bar.set_postfix_str(f"loss {history.losses[-1]:.4f}", refresh=False)
                    bar.update((epoch - 1) * images + in_epoch - bar.n)
                case EpochEnd(record) if show_epochs:
                    if sys.stderr.isatty():
                        bar.clear()
                    print(epoch_line(record, epochs), flush=True)
                case Finished():
                    bar.set_description("Stopped" if signals else "Done", refresh=False)
    assert isinstance(event, Finished)
    return event.result, bool(signals)


@contextmanager
def _stopped_by_signals(trainer: "Trainer") -> Iterator[list[int]]:
    """The first Ctrl-C (or SIGTERM) stops the training after its step, the second one ends the program at once.

    Yields:
        The signal that stopped it, if one did.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        trainer.stop()
        for each in before:
            signal.signal(each, signal.default_int_handler)
        # Not `print`, since the signal may have come in the middle of writing to the same stream.
        os.write(2, b"\nStopping, and evaluating what was reached; a second time ends at once.\n")

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        for each in before:
            signal.signal(each, stop)
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def fetch_progress(name: DatasetName) -> Iterator[Callable[[float, str], None]]:
    """Shows how far the fetching of a dataset is, if it has to be fetched."""
    from mlpcore import datasets

    shape = "{desc}: {percentage:3.0f}%|{bar}|"
    said = ""
    with progress_bar(desc=name, total=1.0, bar_format=shape, disable=datasets.is_on_disk(name)) as bar:

        def tell(share: float, sentence: str) -> None:
            nonlocal said
            bar.set_description_str(sentence, refresh=sentence != said)
            bar.update(share - bar.n)
            said = sentence

        yield tell


def progress_bar(**settings: Any) -> "tqdm[NoReturn]":
    """A progress bar on standard error, which says little where that is a log."""
    interval = 0.1 if sys.stderr.isatty() else LOG_SECONDS
    return tqdm(mininterval=interval, maxinterval=interval, miniters=0, dynamic_ncols=True, **settings)


def epoch_line(record: "EpochRecord", epochs: int) -> str:
    """An epoch's figures in a line."""
    """One of `epochs` epochs in a line."""
    validation = "" if record.val_accuracy is None else f", validation {record.val_accuracy:.2%}"
    return (
        f"Epoch {record.epoch}/{epochs}: loss {record.loss:.4f}, training {record.train_accuracy:.2%}{validation}, "
        f"{record.seconds:.1f} s"
    )


def summary(result: "Result") -> str:
    """What came out of a run, in a sentence."""
    """What came out of a training, in a sentence."""
    low, high = result.test.interval
    return (
        f"Test accuracy {result.test.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), "
        f"training accuracy {result.train.accuracy:.2%}, gap {100 * result.gap:.2f} points; "
        f"trained on {result.device} in {result.train_seconds:.1f} s."
    )


def _how_far(trainer: "Trainer") -> str:
    experiment, steps = trainer.experiment, trainer.history.steps
    epoch = math.ceil(steps / experiment.steps_per_epoch)
    return (
        f"Stopped after step {steps:,} of {experiment.total_steps:,} (epoch {epoch}). "
        "The evaluation is of the model as it was then."
    )


def _as_json(trainer: "Trainer", result: "Result") -> str:
    from mlpcore.network import parameter_count

    shown = ("epoch", "loss", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds")
    return json.dumps(
        {
            "experiment": trainer.experiment.model_dump(mode="json"),
            "parameters": parameter_count(trainer.experiment.architecture),
            "epochs": [{name: getattr(record, name) for name in shown} for record in trainer.history.epochs],
            "train_seconds": result.train_seconds,
            "train_accuracy": result.train.accuracy,
            "test": {
                "loss": result.test.loss,
                "accuracy": result.test.accuracy,
                "interval": result.test.interval,
            },
        },
        indent=2,
        allow_nan=False,
    )
