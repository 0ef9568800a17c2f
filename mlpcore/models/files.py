"""Models as safetensors files, with the experiment and the test score inside; nothing in them is ever executed."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from mlpcore.experiment import InvalidExperiment, experiment_from_json
from mlpcore.models.trained import Score, TrainedModel
from mlpcore.network import model_bytes, restored

FORMAT = "mlp-lab-model-1"
MAX_TITLE = 100
MAX_EXTRA_BYTES = 1_000_000
"""Most bytes of a file besides the parameters: its header, and batch norm's running averages."""

_EXTREMES = torch.stack([torch.full((28, 28), ink, dtype=torch.uint8) for ink in (0, 255)])
"""A blank image and one full of ink."""

_FOLDER = Path(__file__).parent / "bundled"

BUNDLED: dict[str, Path] = {name: _FOLDER / f"{name}.safetensors" for name in ("one-hidden", "two-hidden", "drawing")}
"""The bundled models by their name on the command line."""


class InvalidModel(ValueError):
    """A file without a usable model; the message is the sentence to show."""


def save(model: TrainedModel, path: Path) -> None:
    """Writes a model, completely or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        half = Path(folder) / path.name
        with half.open("wb") as file:
            file.write(as_bytes(model))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)


def as_bytes(model: TrainedModel) -> bytes:
    """The content of the file that `save` writes."""
    return to_bytes(_tensors(model), _metadata(model))


def _tensors(model: TrainedModel) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}


def _metadata(model: TrainedModel) -> dict[str, str]:
    return {
        "format": FORMAT,
        "title": model.title,
        "experiment": model.experiment.model_dump_json(),
        "test": model.test.model_dump_json(),
    }


def load(path: Path, name: str | None = None) -> TrainedModel:
    """Reads a model that `save` wrote; the file may come from anyone, so all of it is checked before it is used.

    Args:
        path: of the file.
        name: what to call the file in messages, if its path would mean nothing to a person.

    Raises:
        InvalidModel: the file cannot be read, or is not such a model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return _read(file, path)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror or error})."
    except SafetensorError:
        problem = "it is not a safetensors file, or only a part of one."
    except InvalidExperiment as error:
        problem = f"the experiment inside is not possible. {error}"
    except ValueError as error:
        problem = str(error)
    raise InvalidModel(f"{name or path}: {problem} Choose a model file made by MLP Lab.")


def title_in(path: Path) -> str:
    """The title of the model in a file that `save` wrote, without reading the model.

    Raises:
        InvalidModel: the file cannot be read, or is not such a model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return _title(file.metadata() or {})
    except (OSError, SafetensorError, ValueError) as error:
        raise InvalidModel(f"{path} holds no model: {error}") from None


def bundled() -> list[TrainedModel]:
    """The bundled models, the one for drawing first."""
    return [load(BUNDLED[name]) for name in ("drawing", "two-hidden", "one-hidden")]


def _title(metadata: Mapping[str, str]) -> str:
    title = metadata.get("title", "").strip()
    if not 0 < len(title) <= MAX_TITLE or not title.isprintable():
        raise ValueError(f"its title must have 1 to {MAX_TITLE} printable characters.")
    return title


def _read(file: Any, path: Path) -> TrainedModel:  # safetensors gives its handle no type
    metadata: Mapping[str, str] = file.metadata() or {}
    if metadata.get("format") != FORMAT:
        raise ValueError("it does not say how its model was made.")
    experiment = experiment_from_json(metadata.get("experiment", ""))
    title = _title(metadata)
    try:
        test = Score.model_validate_json(metadata.get("test", ""))
    except ValidationError:
        raise ValueError("its test score is missing or damaged.") from None
    # So that a small file cannot claim gigabytes, and a large one is not read in vain.
    extra = path.stat().st_size - model_bytes(experiment.architecture)
    if not 0 <= extra <= MAX_EXTRA_BYTES:
        raise ValueError("its size does not fit the architecture it names.")
    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    try:
        network = restored(experiment.architecture, tensors)
    except RuntimeError:
        raise ValueError("its tensors are not those of the architecture it names.") from None
    if any(tensor.dtype != tensors[name].dtype for name, tensor in network.state_dict().items()):
        raise ValueError("its weights are not stored in float32.")
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise ValueError("some of its weights are infinite or not numbers.")
    if any((tensor < 0).any() for name, tensor in tensors.items() if name.endswith("running_var")):
        raise ValueError("one of batch norm's variances is below 0.")
    model = TrainedModel(title, experiment, network, test)
    if not model.logits(_EXTREMES).isfinite().all():
        raise ValueError("its weights are so large that its outputs are not finite.")
    return model
