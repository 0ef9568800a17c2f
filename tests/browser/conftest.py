"""The real server and a real Chromium; the server's log and the browser's console must stay clean."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.serving import ROOT as ROOT
from benchmarks.serving import chromium
from benchmarks.serving import server as serving
from mlpcore import datasets
from tests.browser.evidence import COMPLAINT, Evidence
from tests.browser.late_server import late

expect.set_options(timeout=30_000)

LATE_SECONDS = float(os.environ.get("MLPLAB_TEST_LATE", "0"))
"""How late all that the server says is to reach the browser, to see what a slow network does to the pages."""

Opener = Callable[..., Page]

_EVIDENCE = pytest.StashKey[Evidence]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # While its pages are still open: they are closed after the test and before the report on that.
    if report.failed and report.when != "teardown" and (evidence := item.stash.get(_EVIDENCE, None)):
        report.sections += evidence.save()
    return report


@dataclass(frozen=True)
class Server:
    """A server of the app, and the file with all that it has said."""

    address: str
    log: Path


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
        yield Server(late_address, log)
    said = log.read_text("utf-8")
    assert not COMPLAINT.search(said), said


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Iterator[Evidence]:
    """Opens pages and notes what happens; a complaint of the browser or of a server's log fails the test."""
    evidence = request.node.stash[_EVIDENCE] = Evidence(request.node.nodeid)
    yield evidence
    complaints = evidence.complaints()
    if complaints:
        evidence.save()
    evidence.close()
    assert not complaints


@pytest.fixture
def open_page(server: Server, browser: Browser, evidence: Evidence) -> Opener:
    """Opens a page of the app in a fresh session."""
    evidence.follow(server.log)

    def open_page(path: str = "", width: int = 1280, height: int = 1000, **options: Any) -> Page:
        page = evidence.new_page(browser, viewport={"width": width, "height": height}, **options)
        page.goto(f"{server.address}/{path}")
        return page

    return open_page


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
