"""The real server and a real Chromium; the server's log and the browser's console must stay clean.

Of a test that fails, pytest-playwright keeps screenshots and a trace in the folder `test-results`. What the console and
the server's log said meanwhile is put beside them, and the last lines are printed with the failure.
"""

import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from benchmarks.serving import ROOT as ROOT
from benchmarks.serving import server as serving
from mlpcore import datasets
from tests.browser.late_server import late

expect.set_options(timeout=30_000)

LATE_SECONDS = float(os.environ.get("MLPLAB_TEST_LATE", "0"))
"""How late all that the server says is to reach the browser, to see what a slow network does to the pages."""

LAST_LINES = 20

# Streamlit's page asks its maker's host for a manifest, which no closed network answers, and on a link to a page it
# first looks for the server below that page.
_PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")
# Streamlit forgets the pictures of a page's former run at once, also those that the browser is still fetching. The
# browser says so with the picture's address, and Streamlit's script does in its words.
_PICTURE_LEFT_BEHIND = re.compile(r"/media/\w+\.\w+$")
_FOREIGN = re.compile(r"net::ERR_(NAME_NOT_RESOLVED|INTERNET_DISCONNECTED|CONNECTION_\w+|TUNNEL\w+)")
_COMPLAINT = re.compile(r"Traceback|Error|WARNING|Warning|Exception|terminate called")


@dataclass(frozen=True)
class Server:
    """A server of the app, and the file with all that it has said."""

    address: str
    log: Path

    def said(self) -> str:
        return self.log.read_text("utf-8")


@dataclass
class Evidence:
    """What a browser and the server say during a test."""

    server: Server
    said_before: int
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def note_message(self, message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        self.console.append(f"{message.type}: {message.text} {url}")
        left_behind = _PICTURE_LEFT_BEHIND.search(url) or _PICTURE_LEFT_BEHIND.search(message.text)
        harmless = _PROBE.search(url) or left_behind or _FOREIGN.search(message.text)
        if message.type == "error" and not harmless:
            self.errors.append(f"{message.text} {url}")

    def note_error(self, error: Exception) -> None:
        self.console.append(f"page error: {error}")
        self.errors.append(str(error))

    def server_said(self) -> str:
        """What the server has said since the test began."""
        return self.server.said()[self.said_before :]


_EVIDENCE = pytest.StashKey[Evidence]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    evidence = item.stash.get(_EVIDENCE, None)
    if report.failed and evidence and isinstance(item, pytest.Function):
        folder = Path(str(item.funcargs["output_path"]))
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in [("console", "\n".join(evidence.console)), ("server", evidence.server_said())]:
            (folder / f"{name}.txt").write_text(text, "utf-8")
            last = "\n".join(text.splitlines()[-LAST_LINES:]) or "nothing"
            report.sections.append((f"last lines of the {name}, all in {folder}", last))
    return report


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app's server for all tests."""
    datasets.fetch("mnist")
    with running_app(tmp_path_factory.mktemp("server") / "log.txt") as server:
        yield server


@contextmanager
def running_app(log: Path) -> Iterator[Server]:
    """A server that nobody has visited yet; at the end its log is read for warnings and tracebacks."""
    with serving(log=log) as address, late(address, LATE_SECONDS) as late_address:
        server = Server(late_address, log)
        yield server
    assert not _COMPLAINT.search(server.said()), server.said()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {
        "executable_path": os.environ.get("MLPLAB_CHROMIUM") or None,
        "args": ["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
    }


Opener = Callable[..., Page]
NewContext = Callable[..., BrowserContext]


@pytest.fixture
def open_page(
    server: Server, new_context: NewContext, output_path: str, request: pytest.FixtureRequest
) -> Iterator[Opener]:
    """Opens a page of the app in a fresh session; an error in a console or in the server's log fails the test."""
    evidence = request.node.stash[_EVIDENCE] = Evidence(server, len(server.said()))

    def open_page(path: str = "", width: int = 1280, height: int = 1000, **options: Any) -> Page:
        page = new_context(viewport={"width": width, "height": height}, **options).new_page()
        page.on("console", evidence.note_message)
        page.on("pageerror", evidence.note_error)
        page.goto(f"{server.address}/{path}")
        return page

    yield open_page
    assert not evidence.errors
    assert not _COMPLAINT.search(evidence.server_said())


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
