"""The Start page in a browser: missions go along to their pages, what was found outlasts a reload, and phones."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.drawn import unfold

Opener = Callable[..., Page]


def banner(page: Page) -> Locator:
    return page.locator(".st-key-mission_banner")


def test_a_mission_is_done_on_its_page_and_outlasts_a_reload(open_page: Opener) -> None:
    page = open_page()
    unfold(page, "Pictures become numbers")
    page.get_by_text("About three or four kinds").click()
    page.get_by_role("link", name="Go to Data").click()
    expect(page.get_by_role("heading", name="Batch 1 of 938")).to_be_visible()
    # A link that is passed on sends nobody on a mission.
    expect(page).not_to_have_url(re.compile("mission="))
    field = banner(page).get_by_role("textbox", name="How many different digits")
    expect(field).to_be_in_viewport()
    page.reload()
    field.fill("10")
    field.press("Enter")
    expect(banner(page).get_by_text("The result: Almost always all ten")).to_be_visible()
    banner(page).get_by_role("button", name="Hide task").click()
    expect(banner(page).get_by_text("The result")).to_have_count(0)
    banner(page).get_by_role("link", name="Back to Start").click()
    expect(page.get_by_text("You counted 10, and that is right.")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Next: A network that knows nothing")).to_be_visible()
    expect(banner(page)).to_have_count(0)
    page.reload()
    unfold(page, "Pictures become numbers")
    expect(page.get_by_text("You counted 10, and that is right.")).to_be_visible()


def test_nothing_is_wider_than_a_phone(open_page: Opener) -> None:
    page = open_page(width=360, height=800)
    expect(page.get_by_role("button", name="Train both tutorial models")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Handwritten digits"))).to_be_visible()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_a_mission_is_done_from_its_question_to_its_result_and_back(open_page: Opener) -> None:
    page = open_page()
    unfold(page, "Teach it")
    page.get_by_text("Only after the first pass").click()
    page.get_by_role("link", name="Go to Train").click()
    expect(banner(page).get_by_text("Mission 3: Teach it")).to_be_visible()
    page.get_by_role("button", name="One hidden layer").click()
    expect(page.get_by_role("textbox", name="Hidden layer 1")).to_have_value("256")
    page.get_by_role("button", name="Train", exact=True).click()
    # It goes along to other pages, too.
    page.get_by_role("link", name="Inside", exact=True).click()
    expect(banner(page).get_by_text("The result: Within the first 100 steps")).to_be_visible(timeout=120_000)
    banner(page).get_by_role("link", name="Back to Start").click()
    expect(page.get_by_text("In your run 1, the loss was 2.3")).to_be_visible()
    page.get_by_role("button", name="Open the run").click()
    expect(page.get_by_role("heading", name="Run 1: One hidden layer (256)")).to_be_visible()
    banner(page).get_by_role("button", name="Leave").click()
    expect(banner(page)).to_have_count(0)


def test_the_prediction_of_a_mission_is_not_asked_for_again(open_page: Opener) -> None:
    page = open_page()
    unfold(page, "Too much of a good thing")
    page.get_by_text("First better, then worse").click()
    page.get_by_role("link", name="Go to Compare").click()
    expect(page.get_by_role("button", name="Try it")).to_be_enabled()
    expect(page.get_by_role("radio", name="It rises, then falls by 3 points or more")).to_be_checked()
