"""The detector: a small network that tells one digit from several and from anything else."""

import json
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mlpcore.datasets import to_input
from mlpcore.experiment import PIXELS

BUNDLED = Path(__file__).parent / "detector.safetensors"
"""Made by `python -m mlpcore.doubt`."""

HIDDEN = (128, 64)
"""With half as many neurons it finds markedly fewer letters and shapes; twice as many would make the file too large."""


class Kind(IntEnum):
    """What an image shows; the detector's outputs."""

    ONE = 0
    SEVERAL = 1
    OTHER = 2


@dataclass(frozen=True, eq=False)
class Detector:
    """The network, and the numbers that it is used with, all from the same images.

    Attributes:
        network: images, float32 [N, 28, 28] in 0 to 1 → logits, [N, 3], in the order of `Kind`.
        threshold: log-odds against one digit, beyond which an image counts as something else.
        smallest: fewest pixels that the width or height of a digit's ink spans, whichever is larger.
    """

    network: nn.Sequential
    threshold: float
    smallest: int

    def log_odds(self, images: Tensor) -> Tensor:
        """Natural logarithm of the odds against one digit for images, uint8 [N, 28, 28]: float32 [N]."""
        return _log_odds(self._logits(images))

    def kinds(self, images: Tensor) -> list[Kind]:
        """What images, uint8 [N, 28, 28], show: one digit unless there is much against it."""
        logits = self._logits(images)
        likelier = logits[:, Kind.SEVERAL :].argmax(dim=1) + Kind.SEVERAL
        kinds = torch.where(_log_odds(logits) > self.threshold, likelier, Kind.ONE)
        return [Kind(kind) for kind in kinds.tolist()]

    def _logits(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            logits: Tensor = self.network(to_input(images))
        return logits


def _log_odds(logits: Tensor) -> Tensor:
    return logits[:, Kind.SEVERAL :].logsumexp(dim=1) - logits[:, Kind.ONE]


def new_network() -> nn.Sequential:
    """A network of the detector's shape, with PyTorch's initial weights."""
    sizes = (PIXELS, *HIDDEN, len(Kind))
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def save(detector: Detector, path: Path) -> None:
    """Writes a detector, its weights as float16."""
    weights = {name: tensor.half() for name, tensor in detector.network.state_dict().items()}
    numbers = {"threshold": detector.threshold, "smallest": detector.smallest}
    save_file(weights, path, {"numbers": json.dumps(numbers)})  # one entry, since several come in any order


def load(path: Path) -> Detector:
    """Reads a detector that `save` wrote."""
    with safe_open(path, framework="pt") as file:
        numbers = json.loads(file.metadata()["numbers"])
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    network = new_network()
    network.load_state_dict(weights)
    return Detector(network.eval(), numbers["threshold"], numbers["smallest"])


@cache
def bundled() -> Detector:
    """The detector that comes with MLP Lab, read once."""
    return load(BUNDLED)
