"""The real server and a real Chromium; the server's log and the browser's console must stay clean."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from mlpcore import datasets

ROOT = Path(__file__).resolve().parent.parent.parent
expect.set_options(timeout=30_000)

# Streamlit's page asks its maker's host for a manifest, which no closed network answers, and on a link to a page it
# first looks for the server below that page.
_PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")
# Streamlit forgets the pictures of a page's former run at once, also those that the browser is still fetching. The
# browser says so with the picture's address, and Streamlit's script does in its words.
_PICTURE_LEFT_BEHIND = re.compile(r"/media/\w+\.\w+$")
_FOREIGN = re.compile(r"net::ERR_(NAME_NOT_RESOLVED|INTERNET_DISCONNECTED|CONNECTION_\w+|TUNNEL\w+)")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app's address; at the end its log is read for warnings and tracebacks."""
    datasets.fetch("mnist")
    with running_app(tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@contextmanager
def running_app(log_path: Path) -> Iterator[str]:
    """A server that nobody has visited yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    with log_path.open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=os.environ)
    address = f"http://localhost:{port}"
    try:
        _wait_until_healthy(address, process, log_path)
        yield address
    finally:
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


Opener = Callable[..., Page]


@pytest.fixture
def open_page(server: str, browser: Browser) -> Iterator[Opener]:
    """Opens a page of the app in a fresh session; an error in any of their consoles fails the test."""
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    def note(message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        left_behind = _PICTURE_LEFT_BEHIND.search(url) or _PICTURE_LEFT_BEHIND.search(message.text)
        harmless = _PROBE.search(url) or left_behind or _FOREIGN.search(message.text)
        if message.type == "error" and not harmless:
            errors.append(f"{message.text} {url}")

    def open_page(path: str = "", width: int = 1280, height: int = 1000, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{server}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def page(open_page: Opener) -> Page:
    """A fresh session on the Train page."""
    page = open_page("train")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    return page


@pytest.fixture
def draw_page(open_page: Opener) -> Page:
    """A fresh session on the Draw page."""
    page = open_page("draw")
    expect(page.locator("canvas.upper-canvas")).to_be_visible()
    return page
