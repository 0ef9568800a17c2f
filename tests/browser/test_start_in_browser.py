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


def test_a_mission_is_done_from_its_question_to_its_result_and_back(open_page: Opener) -> None:
    page = open_page()
    page.get_by_text("Teach it").click()
    page.get_by_text("Only after the first pass").click()
    page.get_by_role("link", name="Go to Train").click()
    back = page.get_by_role("link", name="Back to mission 3: Teach it")
    expect(back).to_be_visible()
    # A link that is passed on sends nobody on a mission.
    expect(page).not_to_have_url(re.compile("mission="))
    page.get_by_role("button", name="One hidden layer").click()
    expect(page.get_by_role("textbox", name="Hidden layer 1")).to_have_value("256")
    page.get_by_role("button", name="Train", exact=True).click()
    # Whoever goes elsewhere meanwhile finds the way, too.
    page.get_by_role("link", name="Inside", exact=True).click()
    expect(page.get_by_role("button", name=re.compile(r"^Run 1 · \d\d\.\d %$"))).to_be_visible(timeout=120_000)
    back.click()
    expect(page.get_by_text("It came out otherwise: Within the first 100 steps")).to_be_visible()
    expect(page.get_by_text("In your run 1 the loss was 2.3")).to_be_visible()
    page.get_by_role("button", name="See the run").click()
    expect(page.get_by_role("heading", name="Run 1: One hidden layer (256)")).to_be_visible()
    back.click()
    expect(page.get_by_role("heading", name="MLP Lab")).to_be_visible()
    expect(back).to_have_count(0)


def test_the_prediction_of_a_mission_is_not_asked_for_again(open_page: Opener) -> None:
    page = open_page()
    page.get_by_text("Too much of a good thing").click()
    page.get_by_text("First better, then worse").click()
    page.get_by_role("link", name="Go to Compare").click()
    expect(page.get_by_role("button", name="Try it")).to_be_enabled()
    expect(page.get_by_role("radio", name="It rises, then falls by 3 points or more")).to_be_checked()
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_role("link", name=re.compile("Back to mission"))).to_have_count(0)
