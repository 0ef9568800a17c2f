"""The options of the commands: what they are called, what they stand for, and how a mistake is answered."""

import argparse
from collections.abc import Collection
from typing import Any, NoReturn, get_args

from mlpcore.experiment import (
    LIMITS,
    Activation,
    Augment,
    DatasetName,
    Device,
    Experiment,
    OptimizerName,
    Order,
    Schedule,
)
from mlpcore.links import as_given, value_of

PROGRAM = "python -m mlpcore"


def one_of(choices: object) -> str:
    """The choices of a `Literal` type, as a placeholder."""
    return "|".join(get_args(choices))


OPTIONS: dict[str, list[tuple[str, str, str]]] = {
    "data": [
        ("dataset", one_of(DatasetName), "the images to learn from"),
        ("train_size", "N|all", "training images to use, or all that validation leaves"),
        ("validation", "N", "images split from the training set to watch generalisation"),
        ("label_noise", "P", "share of the training labels that is replaced by random ones"),
        ("order", one_of(Order), "how an epoch passes over the training images"),
        ("normalize", "", "shift and scale the pixels to mean 0 and standard deviation 1"),
        (
            "augment",
            one_of(Augment),
            "change each training image a little, anew in each epoch; elastic also bends it, as pens do",
        ),
    ],
    "architecture": [
        ("hidden", "SIZES|none", "neurons of each hidden layer, such as 512,256, or none for a linear classifier"),
        ("activation", one_of(Activation), "what every hidden layer applies to its weighted sums"),
        ("dropout", "P", "share of each hidden layer's outputs that is zeroed in training"),
        ("batch_norm", "", "normalise each hidden layer's weighted sums over the batch"),
    ],
    "learning": [
        ("optimizer", one_of(OptimizerName), "what turns gradients into steps; momentum and nesterov are SGD at 0.9"),
        ("learning_rate", "X", "step size, or its peak where a schedule moves it"),
        ("weight_decay", "X", "pull of the weights towards zero"),
        ("batch_size", "N|full", "images per step, or all of them at once"),
        ("accumulate", "N", "batches whose gradients are averaged into one update"),
        ("epochs", "N", "passes over the training images"),
        (
            "early_stopping",
            "N",
            "end once the validation loss has found no new lowest value for N epochs, and take the weights that had "
            "it; 0 never",
        ),
        ("schedule", one_of(Schedule), "how the learning rate moves from update to update"),
        ("seed", "N", "start of every random choice; equal seeds give equal results"),
    ],
    "machine": [
        ("device", one_of(Device), "where to compute; auto takes CUDA, then Apple's MPS, then the CPU"),
        ("threads", "N", "CPU threads inside one operation; they decide the last bits of a result"),
    ],
}
"""The options that change a field of an experiment, by their group in the help: field, placeholder, meaning."""


class Parser(argparse.ArgumentParser):
    """Answers a mistake with one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Says it on standard error, and ends with exit code 2."""
        self.exit(2, f"{message.removeprefix('argument ')}\n")


def add_experiment_options(
    parser: argparse.ArgumentParser, defaults: Experiment, without: Collection[str] = ()
) -> None:
    """Adds the options for the fields of an experiment, in groups, but those for the fields `without`."""
    for title, options in OPTIONS.items():
        group = parser.add_argument_group(title)
        for field, placeholder, meaning in options:
            if field not in without:
                add_option(group, field, placeholder, meaning, defaults)


def add_option(
    group: argparse._ActionsContainer, field: str, placeholder: str, meaning: str, defaults: Experiment
) -> None:
    """Adds the option for one field of an experiment; its help names the value that it has in `defaults`."""
    default = defaults.fields()[field]
    allowed = f"{LIMITS[field].allowed}; " if field in LIMITS and field != "hidden" else ""
    settings: dict[str, Any] = {
        "dest": field, "default": argparse.SUPPRESS, "help": f"{meaning} ({allowed}default: {as_given(default)})",
    }  # fmt: skip
    if isinstance(default, bool):
        group.add_argument(option(field), action=argparse.BooleanOptionalAction, **settings)
    else:
        group.add_argument(option(field), metavar=placeholder, **settings)


def option(field: str) -> str:
    """The option that gives a field."""
    return "--lr" if field == "learning_rate" else f"--{field.replace('_', '-')}"


def fields(given: argparse.Namespace) -> dict[str, object]:
    """The fields of an experiment that a command line names."""
    return {field: value_of(field, text) for field, text in vars(given).items() if field in Experiment().fields()}
