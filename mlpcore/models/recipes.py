"""How the bundled models are made: the experiment of each, and trainings that go on where they were interrupted."""

import hashlib
import io
import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch

from mlpcore.datasets import data_folder
from mlpcore.experiment import TUTORIAL_PRESETS, Architecture, Data, Experiment, Hyperparameters
from mlpcore.training import InvalidState, State

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Recipe:
    """What a bundled model is called on screen, and the experiment that makes it."""

    title: str
    experiment: Experiment


# Chosen on the 5,000 validation images, and by digits drawn with a pen whether the distortion resembles what pens do;
# the test images had no say. On the CPU with one thread, so that it is the same to the last bit when made again.
_DRAWING = Experiment(
    architecture=Architecture(hidden=(1000, 500, 250), activation="gelu", batch_norm=True),
    hyperparameters=Hyperparameters(
        optimizer="adamw",
        learning_rate=0.004,
        weight_decay=0.01,
        batch_size=128,
        epochs=160,
        schedule="one-cycle",
        augment="elastic",
    ),
    data=Data(validation=5000),
    device="cpu",
)

RECIPES: dict[str, Recipe] = {
    "one-hidden": Recipe("One hidden layer (256)", TUTORIAL_PRESETS["one-hidden"]),
    "two-hidden": Recipe("Two hidden layers (512, 256)", TUTORIAL_PRESETS["two-hidden"]),
    "drawing": Recipe("Best for drawing", _DRAWING),
}
"""The bundled models by their name at the command line, quickest to train first."""


def checkpoint_path(name: str) -> Path:
    """Where the training of a bundled model keeps how far it is: beside the images, which git ignores as well."""
    return data_folder() / "checkpoints" / f"{name}.pt"


def write_checkpoint(path: Path, state: State) -> None:
    """Keeps a training's state, whole or not at all, in place of an earlier one.

    Raises:
        OSError: the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    # PyTorch does not notice when bytes have changed, so a digest stands in front.
    with half.open("wb") as file:
        file.write(hashlib.sha256(content).digest() + content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def read_checkpoint(path: Path) -> State:
    """The state that `write_checkpoint` wrote; nothing in the file is executed.

    Raises:
        InvalidState: the file is damaged, or something else.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    digest, content = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise InvalidState("It is damaged, or no checkpoint.")
    try:
        state: State = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise InvalidState("It is no checkpoint.") from error
    return state
