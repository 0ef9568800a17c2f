import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import make

PROGRAM = """#!{python}
import sys
from pathlib import Path
if "list" in sys.argv:
    print({packages!r} if "--format=freeze" in sys.argv else {configuration!r})
    sys.exit()
with Path({calls!r}).open("a") as calls:
    calls.write({name!r} + " " + " ".join(sys.argv[1:]) + "\\n")
sys.exit({status})
"""


class Machine:
    """What `make.fetch` finds: a Python with pip, perhaps uv, and PyTorch's CPU index."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._calls = folder / "calls.txt"
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr(sys, "platform", "linux")
        self.reach_index(monkeypatch, reached=True)

    def reach_index(self, monkeypatch: pytest.MonkeyPatch, *, reached: bool) -> None:
        monkeypatch.setattr(make, "answers", lambda url: reached)

    def add(self, name: str, *, configuration: str = "", packages: str = "", status: int = 0) -> Path:
        path = self._folder / name
        what = {"name": name, "configuration": configuration, "packages": packages, "status": status}
        path.write_text(PROGRAM.format(python=sys.executable, calls=str(self._calls), **what))
        path.chmod(0o755)
        return path

    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """The port of a server that accepts connections and never says anything."""
    with socket.create_server(("localhost", 0)) as server:
        yield server.getsockname()[1]


def test_without_nvidia_card_the_cpu_index_is_added_to_pips_own(machine: Machine) -> None:
    python = machine.add("python", configuration="global.extra-index-url='https://www.piwheels.org/simple'")

    assert make.fetch(python, "requirements.txt") is None

    (call,) = machine.calls()
    assert call.startswith("python -m pip install") and f"--extra-index-url {make.CPU_INDEX}" in call


def test_index_that_does_not_answer_is_left_out_and_said(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.reach_index(monkeypatch, reached=False)

    make.fetch(machine.add("python"), "requirements.txt")

    assert "index" not in machine.calls()[0]
    assert make.LARGE in capsys.readouterr().out


def test_nvidia_card_gets_cuda(machine: Machine) -> None:
    machine.add("nvidia-smi")

    make.fetch(machine.add("python"), "requirements.txt")

    assert "index" not in machine.calls()[0]


@pytest.mark.parametrize(
    "configuration",
    [
        "global.index-url='https://mirror.example/simple'",
        ":env:.no-index='1'",
        ":env:.extra-index-url='https://download.pytorch.org/whl/cu130'",
    ],
)
def test_index_that_the_person_has_chosen_stands(machine: Machine, configuration: str) -> None:
    machine.add("uv")

    make.fetch(machine.add("python", configuration=configuration), "requirements.txt")

    (call,) = machine.calls()  # not uv's: it does not read pip's configuration
    assert call.startswith("python -m pip install") and "index" not in call


def test_pytorch_that_is_there_is_not_looked_for(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    pin = next(line for line in (make.ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch=="))

    make.fetch(machine.add("python", packages=f"{pin}+cpu"), "requirements.txt")

    assert "index" not in machine.calls()[0]
    assert "GB" not in capsys.readouterr().out


def test_uv_is_used_where_it_is_installed(machine: Machine) -> None:
    machine.add("uv")

    assert make.fetch(machine.add("python"), "requirements.txt") is None

    (call,) = machine.calls()
    assert call.startswith("uv pip install") and "--torch-backend cpu" in call


def test_pip_takes_over_when_uv_fails(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.add("uv", status=2)

    assert make.fetch(machine.add("python"), "requirements.txt") is None

    assert [call.split()[0] for call in machine.calls()] == ["uv", "python"]
    assert "pip" in capsys.readouterr().out


def test_failure_of_pip_is_told(machine: Machine) -> None:
    assert make.fetch(machine.add("python", status=1), "requirements.txt") is not None


def test_answers() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/there" else 403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("localhost", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://localhost:{server.server_port}"
        assert make.answers(f"{address}/there")
        assert not make.answers(f"{address}/forbidden")
        server.shutdown()
    assert not make.answers(f"{address}/there")  # refused


def test_index_that_hangs_is_not_waited_for(silent_port: int) -> None:
    before = time.monotonic()
    assert not make.answers(f"http://localhost:{silent_port}", seconds=0.5)
    assert time.monotonic() - before < 5


def test_port_in_use(silent_port: int) -> None:
    with pytest.raises(make.Problem, match=rf"{silent_port} is in use.*PORT={silent_port + 1}"):
        make.check_port(str(silent_port))


@pytest.mark.parametrize("port", ["x", "0", "65536"])
def test_no_port(port: str) -> None:
    with pytest.raises(make.Problem, match="not a port"):
        make.check_port(port)


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(…)'", "internet connection"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no PyTorch 2.13 for this machine"),
        ("WARNING: one\nERROR: something else", "^ERROR: something else"),
    ],
)
def test_errors_of_pip_are_explained(errors: str, words: str) -> None:
    with pytest.raises(make.Problem, match=words):
        raise make.Problem(make.explain(errors))
