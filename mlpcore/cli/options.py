"""The options of the commands: their names, their meaning, and how mistakes are reported."""

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
    """The choices of a `Literal` type as a placeholder."""
    return "|".join(get_args(choices))


OPTIONS: dict[str, list[tuple[str, str, str]]] = {
    "data": [
        ("dataset", one_of(DatasetName), "the images to learn from"),
        ("train_size", "N|all", "training images to use, or all that are left after validation"),
        ("validation", "N", "images split off the training set to measure generalization"),
        ("label_noise", "P", "share of the training labels to replace with random ones"),
        ("order", one_of(Order), "order of the training images within an epoch"),
        ("normalize", "", "shift and scale the pixels to mean 0 and standard deviation 1"),
        (
            "augment",
            one_of(Augment),
            "change each training image slightly and differently in each epoch; elastic also bends it, as pens do",
        ),
    ],
    "architecture": [
        ("hidden", "SIZES|none", "neurons of each hidden layer, such as 512,256, or none for a linear classifier"),
        ("activation", one_of(Activation), "activation function of the hidden layers"),
        ("dropout", "P", "share of each hidden layer's outputs to zero during training"),
        ("batch_norm", "", "normalize each hidden layer's weighted sums over the batch"),
    ],
    "learning": [
        (
            "optimizer",
            one_of(OptimizerName),
            "how gradients become updates; momentum and nesterov are SGD with momentum 0.9",
        ),
        ("learning_rate", "X", "learning rate, or its peak if a schedule changes it"),
        ("weight_decay", "X", "how strongly weights are pulled toward zero"),
        ("batch_size", "N|full", "images per step, or all of them at once"),
        ("accumulate", "N", "batches whose gradients are averaged for one update"),
        ("epochs", "N", "passes over the training images"),
        (
            "early_stopping",
            "N",
            "end when the validation loss has not reached a new minimum for N epochs, and restore the best weights; "
            "0 is off",
        ),
        ("schedule", one_of(Schedule), "how the learning rate changes during training"),
        ("seed", "N", "seed of all random choices; equal seeds give equal results"),
    ],
    "machine": [
        ("device", one_of(Device), "where to compute; auto tries CUDA, then Apple's MPS, then the CPU"),
        ("threads", "N", "CPU threads per operation; they affect the last bits of a result"),
    ],
}
"""The options for the fields of an experiment, by their group in the help: field, placeholder, meaning."""


class Parser(argparse.ArgumentParser):
    """Reports a mistake in one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Prints the message to standard error and exits with code 2."""
        self.exit(2, f"{message.removeprefix('argument ')}\n")


def add_experiment_options(
    parser: argparse.ArgumentParser, defaults: Experiment, without: Collection[str] = ()
) -> None:
    """Adds the options for the fields of an experiment in groups, except for the fields in `without`."""
    for title, options in OPTIONS.items():
        group = parser.add_argument_group(title)
        for field, placeholder, meaning in options:
            if field not in without:
                add_option(group, field, placeholder, meaning, defaults)


def add_option(
    group: argparse._ActionsContainer, field: str, placeholder: str, meaning: str, defaults: Experiment
) -> None:
    """Adds the option for one field of an experiment; the help shows its value in `defaults`."""
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
    """The option for a field."""
    return "--lr" if field == "learning_rate" else f"--{field.replace('_', '-')}"


def fields(given: argparse.Namespace) -> dict[str, object]:
    """The fields of an experiment that are given on the command line."""
    return {field: value_of(field, text) for field, text in vars(given).items() if field in Experiment().fields()}
