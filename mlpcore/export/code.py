"""An experiment as PyTorch code that needs only torch and torchvision and gives the same numbers as this library.

It draws the same random numbers for the same purposes and uses the same operations: on the CPU of the same machine, all
losses are equal bit for bit. On a GPU they are equal up to rounding, since the pixels are divided before they are moved
there.
"""

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from torch import nn

from mlpcore import augmentation
from mlpcore.datasets import normalization
from mlpcore.datasets.files import COLLECTIONS
from mlpcore.evaluation import CHUNK
from mlpcore.experiment import TRAIN_IMAGES, Experiment
from mlpcore.export.excerpts import Library, laid_out
from mlpcore.network import ACTIVATIONS, Dropout, parameter_count
from mlpcore.sampling import SPLIT_SEED, Stream, seeded
from mlpcore.training import choose_device, make_optimizer

Part = Literal["data", "model", "loss", "optimizer", "loop", "evaluation"]

PARTS: tuple[Part, ...] = get_args(Part)
"""The parts of the code of an experiment, in the order in which they run."""

# Read once, since finding a class means parsing its file, which two threads must not do at the same time.
_SOURCES = inspect.getsource(Dropout), inspect.getsource(augmentation)


def script(experiment: Experiment) -> str:
    """A Python script that trains `experiment` and prints the loss of every epoch and the test accuracy.

    It reads the images from the folder in the environment variable MLPLAB_DATA, or else from ``data``, and downloads
    them if they are missing. Its list `losses` has the training loss of every step.

    The device ``auto`` is replaced by the one that is used on this machine.
    """
    imports, parts = sections(experiment)
    return below_each_other([f'"""{summary(experiment)}\n"""', imports, *parts.values()])


def snippet(experiment: Experiment, what: Part) -> str:
    """One part of the script, with the imports and helpers it needs; it is to be run after the parts before it."""
    library, code = rendered(experiment)
    section = with_definitions(code[what], library, given=set())
    return below_each_other([library.imports_for(section), section])


def sections(experiment: Experiment) -> tuple[str, dict[Part, str]]:
    """The import lines of the script, and its parts, each with the helpers that no earlier part has needed."""
    library, code = rendered(experiment)
    given: set[str] = set()
    parts = {part: with_definitions(code[part], library, given) for part in PARTS}
    return library.imports_for("\n".join(parts.values())), parts


def summary(experiment: Experiment) -> str:
    """What the code trains, what it requires, and which numbers to expect; a few lines."""
    architecture = experiment.architecture
    return template("summary.md.jinja").render(
        title=architecture.title,
        parameters=parameter_count(architecture),
        collection=COLLECTIONS[experiment.data.dataset].title,
        versions={package: version(package).split("+")[0] for package in ("torch", "torchvision")},
    )


@cache
def template(name: str) -> Template:
    """A template in this folder."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.jinja"),
    )
    return environment.get_template(name)


def block(source: Template, name: str, values: Mapping[str, Any]) -> str:
    """One block of a template, rendered, without the empty lines around it."""
    return "".join(source.blocks[name](source.new_context(dict(values)))).strip()


def rendered(experiment: Experiment) -> tuple[Library, dict[Part, str]]:
    """All imports and helpers that the experiment's code may need, and its parts without them."""
    source, values = template("experiment.py.jinja"), values_for(experiment)
    library = Library.of(block(source, "helpers", values), *_SOURCES)
    return library, {part: block(source, part, values) for part in PARTS}


def with_definitions(code: str, library: Library, given: set[str]) -> str:
    """`code` below the definitions it needs that are not in `given`, to which they are added."""
    definitions = [definition for definition in library.definitions_for(code) if definition.name not in given]
    given |= {definition.name for definition in definitions}
    if not definitions:
        return code
    return laid_out(definitions) + ("\n\n\n" if definitions[-1].is_block else "\n\n") + code


def below_each_other(pieces: Iterable[str]) -> str:
    """The pieces with an empty line between them, and two before a function or class, as in PEP 8."""
    text = ""
    for piece in pieces:
        text += ("\n\n" if piece.startswith(("def ", "class ", "@")) else "\n") * bool(text) + piece + "\n"
    return text


def values_for(experiment: Experiment) -> dict[str, Any]:
    """The variables of the templates."""
    architecture, chosen, data = experiment.architecture, experiment.hyperparameters, experiment.data
    device = choose_device("auto").type if experiment.device == "auto" else experiment.device
    accelerated, augmented = device != "cpu", chosen.augment != "none"
    sets = {
        "train_set": data.train_images,
        "_": TRAIN_IMAGES - data.train_images - data.validation,
        "val_set": data.validation,
    }
    lengths = {name: length for name, length in sets.items() if length} if data.train_images < TRAIN_IMAGES else {}
    transforms = ["transforms.ConvertImageDtype(torch.float32)" if augmented else "transforms.ToTensor()"]
    if data.normalize:
        mean, std = normalization(data.dataset)
        transforms.append(f"transforms.Normalize(({mean},), ({std},))")
    inputs = "to_input(images)" if augmented else "images"
    return {
        "experiment": experiment,
        "architecture": architecture,
        "hyperparameters": chosen,
        "data": data,
        "streams": Stream,
        "device": device,
        "accelerated": accelerated,
        "augmented": augmented,
        "native_dropout": bool(architecture.dropout) and not accelerated,
        "own_dropout": bool(architecture.dropout) and accelerated,
        "collection": COLLECTIONS[data.dataset].torchvision_class.__name__,
        "transforms": transforms,
        "lengths": lengths,
        "split_seed": seeded(SPLIT_SEED).initial_seed(),
        "train": "train_set" if lengths or data.order == "by-class" else "train_data",
        "replaced": round(data.label_noise * data.train_images),
        "chunk": CHUNK,
        "layers": _layers(experiment, "Dropout({}, masks)" if accelerated else "nn.Dropout({})"),
        "optimizer": _optimizer(experiment, torch.device(device)),
        "accumulates": chosen.accumulate > 1,
        "uneven": experiment.steps_per_epoch % chosen.accumulate > 0,
        "logits": f"model({inputs}.to(device)).cpu()" if accelerated else f"model({inputs})",
    }


def _layers(experiment: Experiment, dropout: str) -> list[str]:
    """The calls that make the layers of `mlpcore.network.MLP`; `dropout` is the one for dropout."""
    architecture = experiment.architecture
    layers = ["nn.Flatten()"]
    for inputs, size in zip(architecture.sizes, architecture.hidden, strict=False):
        layers.append(f"nn.Linear({inputs}, {size})")
        if architecture.batch_norm:
            layers.append(f"nn.BatchNorm1d({size})")
        layers.append(f"nn.{ACTIVATIONS[architecture.activation].__name__}()")
        if architecture.dropout:
            layers.append(dropout.format(architecture.dropout))
    inputs, outputs = architecture.sizes[-2:]
    return [*layers, f"nn.Linear({inputs}, {outputs})"]


def _optimizer(experiment: Experiment, device: torch.device) -> str:
    """The call that makes the experiment's optimizer, with the learning rate and whatever is not PyTorch's default."""
    optimizer = make_optimizer(experiment, nn.LayerNorm(1), device)
    usual = {name: parameter.default for name, parameter in inspect.signature(type(optimizer)).parameters.items()}
    chosen = {
        name: value
        for name, value in optimizer.defaults.items()
        if name == "lr" or (name in usual and value != usual[name])
    }
    arguments = ["model.parameters()", *(f"{name}={value!r}" for name, value in chosen.items())]
    return f"{type(optimizer).__name__}({', '.join(arguments)})"
