"""The files of one run. Each is written completely or not at all, even if the power fails."""

import hashlib
import io
import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save

from mlpcore.evaluation import Evaluation
from mlpcore.experiment import Experiment
from mlpcore.history import History
from mlpcore.training import InvalidState, Result, State

_DIGEST_BYTES = 32
ARRAYS = ("confusion", "predictions", "confidences", "correct")
"""The parts of an evaluation that are tensors in the file; the rest is text."""


def write_whole(path: Path, *parts: bytes | memoryview) -> None:
    """Writes a file; it keeps its old content until all parts are safely on the disk.

    Raises:
        OSError: it cannot be written; its old content is still there.
    """
    half = path.with_name(f"{path.name}.half")
    try:
        with half.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flushes a folder's list of files to the disk; does nothing on Windows, which neither offers nor needs it.

    Raises:
        OSError: the folder is gone, or the disk fails.
    """
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_state(path: Path, state: State) -> None:
    """Writes a training's state, replacing an earlier one.

    Raises:
        OSError: the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    # PyTorch does not notice when bytes have changed, so a digest stands in front.
    write_whole(path, hashlib.sha256(content).digest(), content)


def read_state(path: Path) -> State:
    """Reads the state that `write_state` wrote, onto the CPU; nothing in the file is executed.

    Raises:
        InvalidState: the file is damaged, or not a checkpoint.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    digest, content = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise InvalidState("It is damaged, or not a checkpoint.")
    try:
        state: State = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise InvalidState("It is not a checkpoint.") from error
    return state


def history_of_state(experiment: Experiment, state: State) -> History:
    """The history so far of an interrupted training.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it is not a state of this experiment's training.
    """
    history = History(experiment)
    history.fill(state["losses"].numpy(), state["rates"].numpy(), state["epochs"], state["health"])
    return history


def write_history(path: Path, history: History) -> None:
    """Writes the history of a run.

    Raises:
        OSError: the file cannot be written.
    """
    _write(path, {"losses": history.losses, "rates": history.rates}, history.records())


def read_history(path: Path, experiment: Experiment) -> History:
    """Reads the history that `write_history` wrote.

    Raises:
        OSError, SafetensorError, LookupError, TypeError, ValueError: the file is missing or damaged.
    """
    arrays, records = _read(path)
    history = History(experiment)
    history.fill(arrays["losses"], arrays["rates"], records["epochs"], records["health"])
    return history


def write_result(path: Path, result: Result) -> None:
    """Writes the result of a run, without the model.

    Raises:
        OSError: the file cannot be written.
    """
    arrays, rest = {}, asdict(result)
    for part in ("train", "test"):
        arrays.update({f"{part}.{name}": rest[part].pop(name) for name in ARRAYS})
    _write(path, arrays, rest)


def read_result(path: Path) -> Result:
    """Reads what `write_result` wrote.

    Raises:
        OSError, SafetensorError, LookupError, TypeError, ValueError: the file is missing or damaged.
    """
    arrays, rest = _read(path)
    for part in ("train", "test"):
        fields: dict[str, Any] = {**rest[part], **{name: arrays[f"{part}.{name}"] for name in ARRAYS}}
        rest[part] = Evaluation(**{**fields, "interval": tuple(fields["interval"])})
    return Result(**rest)


def _write(path: Path, arrays: Mapping[str, npt.NDArray[Any]], rest: object) -> None:
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_whole(path, save(contiguous, {"rest": json.dumps(rest)}))


def _read(path: Path) -> tuple[dict[str, npt.NDArray[Any]], Any]:
    with safe_open(path, framework="np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, json.loads((file.metadata() or {})["rest"])
