"""Trains the models that come with MLP Lab: ``python -m mlpcore.models [NAME ...]``, or ``make models``.

If it is interrupted, the same command resumes it after its last complete epoch.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlpcore import datasets
from mlpcore.cli import epoch_line, fetch_progress, progress_bar, summary
from mlpcore.datasets import Dataset
from mlpcore.experiment import InvalidExperiment
from mlpcore.models import BUNDLED, Score, TrainedModel, save
from mlpcore.models.recipes import RECIPES, Recipe, checkpoint_path
from mlpcore.store.files import read_state, write_state
from mlpcore.training import EpochEnd, Finished, InvalidState, OutOfMemory, Result, Step, Trainer, TrainingDiverged


def main(argv: Sequence[str] | None = None) -> int:
    """Trains the models named in `argv` (the process's arguments if None), or all of them if it names none.

    Returns:
        The exit code: 0, 1 if it failed, 2 for an unknown name, 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="python -m mlpcore.models", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"{', '.join(RECIPES)} (default: all of them)")
    names: list[str] = parser.parse_args(argv).names or list(RECIPES)
    for name in names:
        if name not in RECIPES:
            print(f"{name!r} is not one of the bundled models: choose from {', '.join(RECIPES)}.", file=sys.stderr)
            return 2
    try:
        with fetch_progress("mnist") as tell:
            dataset = datasets.load("mnist", tell)
        for name in names:
            _make(RECIPES[name], dataset, checkpoint_path(name), BUNDLED[name])
    except KeyboardInterrupt:
        print("\nInterrupted: the same command resumes after the last complete epoch.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"{error.filename or 'A file'} cannot be read or written ({error.strerror}).", file=sys.stderr)
        return 1
    except (datasets.DataUnavailable, InvalidExperiment, TrainingDiverged, OutOfMemory) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _make(recipe: Recipe, dataset: Dataset, checkpoint: Path, file: Path) -> None:
    print(f"{recipe.title}:", file=sys.stderr)
    trainer = _trainer(recipe, dataset, checkpoint)
    result = _follow(trainer, checkpoint)
    save(TrainedModel(recipe.title, recipe.experiment, trainer.model.eval(), Score.of(result.test)), file)
    checkpoint.unlink(missing_ok=True)
    print(f"{recipe.title}: {summary(result)} Written to {file}.", flush=True)


def _trainer(recipe: Recipe, dataset: Dataset, checkpoint: Path) -> Trainer:
    """A training that resumes from the checkpoint if there is one that fits."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists():
        try:
            trainer = Trainer(recipe.experiment, dataset, state=read_state(checkpoint))
        except InvalidState as invalid:
            print(f"{checkpoint} is not used, so training starts over. {invalid}", file=sys.stderr)
        else:
            print(f"Resuming after epoch {len(trainer.history.epochs)}.", file=sys.stderr)
            return trainer
    return Trainer(recipe.experiment, dataset)


def _follow(trainer: Trainer, checkpoint: Path) -> Result:
    """Trains to the end with a progress bar and a checkpoint after every epoch."""
    experiment = trainer.experiment
    epochs = experiment.hyperparameters.epochs
    with progress_bar(total=experiment.total_steps, initial=trainer.history.steps, unit=" steps") as bar:
        for event in trainer:
            match event:
                case Step(step):
                    bar.update(step - bar.n)
                case EpochEnd(record):
                    write_state(checkpoint, trainer.state())
                    bar.write(epoch_line(record, epochs), file=sys.stderr)
    assert isinstance(event, Finished)
    return event.result


if __name__ == "__main__":
    sys.exit(main())
