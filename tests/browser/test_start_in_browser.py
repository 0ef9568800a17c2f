"""The Start page in a browser: what was found outlasts a reload; nothing is cut off on a phone."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Opener = Callable[..., Page]


def test_predictions_and_findings_outlast_a_reload(open_page: Opener) -> None:
    page = open_page()
    expect(page.get_by_role("heading", name="MLP Lab")).to_be_visible()
    page.get_by_text("Pictures become numbers").click()
    page.get_by_text("About three or four kinds").click()
    field = page.get_by_role("textbox", name="How many different digits did your first batch hold?")
    field.fill("10")
    field.press("Enter")
    expect(page.get_by_text("You counted 10.")).to_be_visible()
    page.reload()
    page.get_by_text("Pictures become numbers").click()
    expect(page.get_by_text("You counted 10.")).to_be_visible()


def test_a_mission_leads_to_its_page_set_up(open_page: Opener) -> None:
    page = open_page()
    page.get_by_text("Was it luck?").click()
    page.get_by_text("Five seeds show no difference").click()
    page.get_by_role("link", name="Go to Compare").click()
    expect(page.get_by_role("textbox", name="Hidden layers").first).to_have_value("256")
    expect(page).to_have_url(re.compile("model=hidden"))


def test_nothing_is_wider_than_a_phone(open_page: Opener) -> None:
    page = open_page(width=360, height=800)
    expect(page.get_by_role("button", name="Train both tutorial models")).to_be_visible()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
