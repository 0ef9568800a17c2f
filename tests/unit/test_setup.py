"""What `make` says when something is in the way, and when it sets up again. Nothing is installed here."""

import errno
import os
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

import make
from mlpcore.figures.style import RUN_COLORS


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A project with an environment in which pip, which is not called, has installed all; returns what is called."""
    calls: list[str] = []
    monkeypatch.setattr(make, "ROOT", tmp_path)
    for name, path in {"VENV": ".venv", "PYTHON": ".venv/python", "STATE": ".venv/installed.txt"}.items():
        monkeypatch.setattr(make, name, tmp_path / path)
    monkeypatch.setattr(make, "create", lambda: calls.append("create"))
    monkeypatch.setattr(make, "usable", lambda: True)
    monkeypatch.setattr(make, "attempt", lambda *command: calls.append("pip"))
    (tmp_path / "requirements.txt").write_text("tqdm")
    make.VENV.mkdir()
    make.PYTHON.touch()
    make.install("requirements.txt")
    assert calls.pop() == "pip"
    return calls


def test_a_second_call_does_nothing(environment: list[str]) -> None:
    make.install("requirements.txt")
    assert environment == []


def test_models_are_made_with_what_the_app_needs(environment: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*words: str) -> int:
        environment.append(" ".join(words))
        return 3

    monkeypatch.setattr(make, "run", run)
    assert make.main("models", "drawing", "one-hidden") == 3
    assert environment == ["-m mlpcore.models drawing one-hidden"]


def test_changed_requirements_are_installed_on_top(environment: list[str]) -> None:
    (make.ROOT / "requirements.txt").write_text("tqdm>=4")
    make.install("requirements.txt")
    assert environment == ["pip"]


def test_an_interrupted_installation_starts_over(environment: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*command: str) -> None:
        raise KeyboardInterrupt

    (make.ROOT / "requirements.txt").write_text("tqdm>=4")
    with monkeypatch.context() as patch:
        patch.setattr(make, "attempt", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make.install("requirements.txt")
    make.install("requirements.txt")
    assert environment == ["create", "pip"]


def test_a_refused_update_leaves_the_environment_as_it_was(
    environment: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make.STATE.read_text()
    (make.ROOT / "requirements.txt").write_text("tqdm>=4")
    monkeypatch.setattr(make, "attempt", lambda *command: "NewConnectionError")
    with pytest.raises(make.Problem, match="Is this machine online"):
        make.install("requirements.txt")
    assert make.STATE.read_text() == before


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        (f"OSError: [Errno {errno.ENOSPC}] Kein Platz", "disk is full"),
        ("ERROR: No matching distribution found for torch==2.13.0\n", "There is no torch==2.13.0 for this machine"),
        ("WARNING: old\nERROR: odd", "^ERROR: odd\n\nThe packages could not be installed"),
    ],
)
def test_pips_errors_become_a_sentence(errors: str, sentence: str) -> None:
    with pytest.raises(make.Problem, match=sentence):
        raise make.why(errors)


def test_a_taken_port_is_said_with_another_one() -> None:
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(make.Problem, match=rf"Port {port} is in use.*make app PORT=\d+$"):
            make.free_port(str(port))
    assert make.free_port(str(port)) == str(port)


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "80a", "²"])
def test_only_a_port_is_a_port(port: str) -> None:
    with pytest.raises(make.Problem, match="is no port"):
        make.free_port(port)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize(("version", "answer"), [("Python 3.9.6", "Python 3.9.6"), (None, "missing")])
def test_an_old_python_is_said(version: str | None, answer: str, tmp_path: Path) -> None:
    if version:
        old = tmp_path / "python3"
        old.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version} && exit\nexit 1\n')
        old.chmod(0o755)
    command = [shutil.which("make") or "", "-C", str(Path(make.__file__).parent), "app"]
    result = subprocess.run(command, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert result.stderr.startswith(f"MLP Lab needs Python 3.11, 3.12, 3.13 or 3.14; python3 here is {answer}.")


def test_streamlit_knows_every_option_we_set() -> None:
    def names(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
        for key, value in table.items():
            yield from names(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]

    settings = tomllib.loads((Path(make.__file__).parent / ".streamlit/config.toml").read_text())
    assert set(names(settings)) <= set(config.get_config_options())
    assert settings["theme"]["chartCategoricalColors"] == list(RUN_COLORS)
