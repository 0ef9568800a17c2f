"""Where the host has set up a sign-in, runs belong to the person, in whatever browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.serving import free_port, server
from tests.browser.drawn import unfold
from tests.browser.evidence import Evidence
from tests.browser.openid_provider import CLIENT, provider

SECRETS = """
[auth]
redirect_uri = "{address}/oauth2callback"
cookie_secret = "a secret of this test"
client_id = "{client}"
client_secret = "another"
server_metadata_url = "{metadata}"
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server with a sign-in, at which first Ann signs in, then Bob, then Ann again."""
    file, log, port = tmp_path / "secrets.toml", tmp_path / "log.txt", free_port()
    with provider(["Ann", "Bob", "Ann"]) as metadata:
        file.write_text(SECRETS.format(address=f"http://localhost:{port}", client=CLIENT, metadata=metadata))
        with server(home=tmp_path / "home", log=log, port=port, flags=[f"--secrets.files={file}"]) as address:
            yield address
    said = log.read_text("utf-8")
    assert not re.search("Traceback|Error|WARNING|Warning|Exception", said), said


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(f"Signed in as {name}.")).to_be_visible(timeout=60_000)
    expect(page.locator('[data-test-script-state="notRunning"]')).to_be_attached()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)


def train(page: Page, address: str) -> None:
    page.goto(f"{address}/train?experiment=hidden:8%20epochs:1%20train_size:1000%20validation:0")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(runs(page)).to_have_count(1, timeout=60_000)


def runs(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar").get_by_role("button", name=re.compile(r"^Run 1 · \d+\.\d %$"))


def test_runs_belong_to_the_person_and_not_to_the_browser(address: str, browser: Browser, evidence: Evidence) -> None:
    page, elsewhere, phone = (evidence.new_page(browser) for _ in range(3))
    train(page, address)
    page.goto(f"{address}/data?digit=7")
    expect(runs(page)).to_have_count(1)
    # What was started before stays with the browser. One comes back to the page that one has left.
    sign_in(page, "Ann")
    expect(page).to_have_url(re.compile("/data.*digit=7"))
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    expect(runs(page)).to_have_count(0)
    page.get_by_role("link", name="Start", exact=True).click()
    unfold(page, "Teach it")
    page.get_by_text("Only after the first pass").click()
    expect(page.get_by_role("link", name="Go to Train")).to_be_visible()
    train(page, address)

    elsewhere.goto(address)
    sign_in(elsewhere, "Bob")
    expect(elsewhere.get_by_role("heading", name="MLP Lab")).to_be_visible()
    expect(runs(elsewhere)).to_have_count(0)

    phone.goto(address)
    sign_in(phone, "Ann")
    expect(runs(phone)).to_have_count(1)
    sign_out(phone)
    expect(runs(phone)).to_have_count(0)
    sign_out(page)
    expect(runs(page)).to_have_count(1)
    page.get_by_role("link", name="Start", exact=True).click()
    unfold(page, "Teach it")
    expect(page.get_by_text("Only after the first pass")).to_be_visible()
    expect(page.get_by_role("link", name="Go to Train")).to_have_count(0)
