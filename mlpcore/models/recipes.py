"""How the bundled models are made: their experiments, and where interrupted trainings are saved."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mlpcore.datasets import data_folder
from mlpcore.experiment import TUTORIAL_PRESETS, Architecture, Data, Experiment, Hyperparameters

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Recipe:
    """A bundled model's title on screen, and the experiment that makes it."""

    title: str
    experiment: Experiment


# Chosen by the 5,000 validation images, and the distortion by digits drawn with a pen; the test images played no part.
# On the CPU with one thread, so that training it again gives the same bits.
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
"""The bundled models by their name on the command line, quickest to train first."""


def checkpoint_path(name: str) -> Path:
    """The checkpoint of a bundled model's training: next to the images, which git ignores too."""
    return data_folder() / "checkpoints" / f"{name}.pt"
