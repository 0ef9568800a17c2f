"""``python -m mlpcore train``: train a model and print how good it is.

The run is saved with those of the app, so that `resume` can continue it if it is killed.
"""

import argparse
import json
import math
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlpcore.cli.options import PROGRAM, add_experiment_options, fields
from mlpcore.cli.progress import fetch_progress, progress_bar, stopped_by_signals
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment, InvalidExperiment, experiment_from_json

if TYPE_CHECKING:
    from mlpcore.history import EpochRecord
    from mlpcore.store import Recorder
    from mlpcore.training import Result, Trainer

MAX_FILE_BYTES = 1_000_000
STOPPING = "Stopping and evaluating the model so far; press again to quit immediately."
INTERRUPTING = "Saving the run and quitting; a second signal quits immediately."


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    train = commands.add_parser(
        "train",
        help="train a model and print how good it is",
        usage=f"{PROGRAM} train [--preset NAME | --experiment FILE.json] [options] [--json]",
        description="Trains a model and evaluates it on the 10,000 test images. Ctrl-C stops early and evaluates the "
        f"model so far; SIGTERM interrupts, and `{PROGRAM} resume` continues.",
        epilog="Options override the preset or the file; the defaults shown apply without either.",
        allow_abbrev=False,
    )
    start = train.add_argument_group("starting point").add_mutually_exclusive_group()
    start.add_argument(
        "--preset", choices=TUTORIAL_PRESETS, help="a setup of the tutorial: all 60,000 images, none for validation"
    )
    start.add_argument("--experiment", metavar="FILE.json", type=Path, help="an experiment, as printed by --json")
    add_experiment_options(train, Experiment())
    train.add_argument_group("output").add_argument(
        "--json", action="store_true", help="print one JSON object instead of a summary"
    )
    train.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Trains, prints the result, and returns the exit code."""
    experiment = _experiment(given)

    from mlpcore import datasets
    from mlpcore.training import Trainer, check_machine

    check_machine(experiment)
    try:
        with fetch_progress(experiment.data.dataset) as tell:
            dataset = datasets.load(experiment.data.dataset, tell)
    except datasets.DataUnavailable as failure:
        print(failure, file=sys.stderr)
        return 1
    return train(Trainer(experiment, dataset), _recorder(experiment), given.json)


def _recorder(experiment: Experiment) -> "Recorder | None":
    """What saves the run; None if the disk does not allow it."""
    from mlpcore.store import Store, StoreProblem

    try:
        return Store().create(experiment)
    except StoreProblem as problem:
        print(f"This run will not be saved. {problem}", file=sys.stderr)
        return None


def train(trainer: "Trainer", recorder: "Recorder | None", as_json: bool) -> int:
    """Trains to the end, saves the run, prints the result, and returns the exit code."""
    from mlpcore.training import OutOfMemory, TrainingDiverged

    experiment = trainer.experiment
    try:
        result, signals = _follow(trainer, recorder, show_epochs=not as_json)
    except (TrainingDiverged, OutOfMemory) as failure:
        if recorder:
            recorder.end("failed", experiment, trainer.history, error=str(failure))
        print(failure, file=sys.stderr)
        return 1
    if result is None:
        assert recorder
        print(_interrupted(trainer, recorder), file=sys.stderr)
        return 128 + signal.SIGTERM
    if recorder:
        ending = "finished" if trainer.is_complete else "stopped"
        recorder.end(ending, experiment, trainer.history, result, trainer.model.eval())
        if recorder.unsaved:
            print(f"The end of this run could not be saved. {recorder.unsaved}", file=sys.stderr)
    early = bool(signals) and not trainer.is_complete
    if early:
        print(_how_far(trainer), file=sys.stderr)
    elif experiment.hyperparameters.early_stopping:
        print(
            f"Trained for {len(trainer.history.epochs)} of {experiment.hyperparameters.epochs} epochs; early stopping "
            f"restored the weights of epoch {result.weights_of_epoch}.",
            file=sys.stderr,
        )
    run_id = recorder.id if recorder else None
    print(_as_json(run_id, trainer, result) if as_json else summary(result), flush=True)
    return 128 + signals[0] if early else 0


def _experiment(given: argparse.Namespace) -> Experiment:
    """The experiment that a command line describes."""
    if given.preset:
        start = TUTORIAL_PRESETS[given.preset]
    else:
        start = _read_experiment(given.experiment) if given.experiment else Experiment()
    return start.changed(**fields(given))


def _read_experiment(path: Path) -> Experiment:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError(f"it has more than {MAX_FILE_BYTES:,} bytes, too many for an experiment.")
        # Editors and shells on Windows add a byte order mark.
        return experiment_from_json(content.decode("utf-8-sig"))
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})."
    except UnicodeDecodeError:
        problem = "it is not UTF-8 text, so not JSON."
    except ValueError as error:
        problem = str(error)
    raise InvalidExperiment({"experiment": f"{path}: {problem}"})


def _follow(
    trainer: "Trainer", recorder: "Recorder | None", show_epochs: bool
) -> "tuple[Result | None, Sequence[int]]":
    """Trains to the end with a progress bar; returns the result, and the signals that ended it early.

    Without a result the run was interrupted: a system that is shutting down may not leave time for the evaluation, and
    the run can be resumed.
    """
    from mlpcore.training import EpochEnd, Finished, Step

    experiment, history = trainer.experiment, trainer.history
    images, epochs = experiment.data.train_images, experiment.hyperparameters.epochs

    def react(number: int) -> str:
        if recorder and number == signal.SIGTERM:
            return INTERRUPTING
        trainer.stop()
        return STOPPING

    with (
        stopped_by_signals(react) as signals,
        progress_bar(desc=f"Epoch 1/{epochs}", total=images * epochs, unit=" images", unit_scale=True) as bar,
    ):
        for event in trainer:
            if recorder:
                recorder.on_event(event, trainer)
                if signal.SIGTERM in signals and trainer.may_save and not isinstance(event, Finished):
                    recorder.save(trainer)
                    recorder.release()
                    return None, signals
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
    return event.result, signals


def epoch_line(record: "EpochRecord", epochs: int) -> str:
    """One of `epochs` epochs as a line of text."""
    validation = "" if record.val_accuracy is None else f", validation {record.val_accuracy:.2%}"
    return (
        f"Epoch {record.epoch}/{epochs}: loss {record.loss:.4f}, training {record.train_accuracy:.2%}{validation}, "
        f"{record.seconds:.1f} s"
    )


def summary(result: "Result") -> str:
    """The result of a training in a sentence."""
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
        "The evaluation is of the model at that point."
    )


def _interrupted(trainer: "Trainer", recorder: "Recorder") -> str:
    if recorder.unsaved:
        return f"Interrupted, and the last steps could not be saved. {recorder.unsaved}"
    return f"Interrupted after step {trainer.steps:,}. Resume it with `{PROGRAM} resume {recorder.id}`."


def _as_json(run_id: str | None, trainer: "Trainer", result: "Result") -> str:
    from mlpcore.network import parameter_count

    shown = ("epoch", "loss", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds")
    return json.dumps(
        {
            "run_id": run_id,
            "experiment": trainer.experiment.model_dump(mode="json"),
            "parameters": parameter_count(trainer.experiment.architecture),
            "epochs": [{name: getattr(record, name) for name in shown} for record in trainer.history.epochs],
            "weights_of_epoch": result.weights_of_epoch,
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
