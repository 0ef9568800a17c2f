"""The real server and a real Chromium; the server's log and the browser's console must stay clean."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from mlpcore import datasets

ROOT = Path(__file__).resolve().parent.parent.parent
expect.set_options(timeout=30_000)

# Streamlit's page asks its maker's host for a manifest, which no closed network answers.
_FOREIGN = re.compile(r"net::ERR_(NAME_NOT_RESOLVED|INTERNET_DISCONNECTED|CONNECTION_\w+|TUNNEL\w+)")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app's address; at the end its log is read for warnings and tracebacks."""
    datasets.fetch("mnist")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log_path = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    with log_path.open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=os.environ)
    address = f"http://localhost:{port}"
    _wait_until_healthy(address, process, log_path)
    yield address
    process.terminate()
    process.wait(timeout=30)
    log_text = log_path.read_text("utf-8")
    assert not re.search(r"Traceback|Error|WARNING|Warning|Exception|terminate called", log_text), log_text


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text("utf-8")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("MLPLAB_CHROMIUM") or None,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(server: str, browser: Browser) -> Iterator[Page]:
    """A fresh session on the app; an error in the browser's console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not _FOREIGN.search(message.text):
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    yield page
    context.close()
    assert not errors
