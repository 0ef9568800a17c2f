"""The Compare page in a browser: live curves, a reload in mid-training, cancelling, a phone's width, the keyboard."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.drawn import unfold

QUICK = "compare?model=hidden:none&model=hidden:16&all=epochs:2+train_size:2000+validation:500&seeds=3"
LONG = "compare?model=hidden:none&model=hidden:64&all=epochs:300&seeds=2&important=0.25"

Opener = Callable[..., Page]


def press_compare(page: Page) -> None:
    button = page.get_by_role("button", name="Compare", exact=True)
    expect(button).to_be_enabled()
    button.click()
    page.wait_for_url(re.compile("job="))


def test_a_link_brings_the_set_up_and_a_comparison_says_what_follows(open_page: Opener) -> None:
    page = open_page(QUICK)
    expect(page.get_by_role("textbox", name="Hidden layers").first).to_have_value("none")
    expect(page.get_by_role("textbox", name="Seeds")).to_have_value("3")
    press_compare(page)
    expect(page.get_by_role("heading", name="Conclusion")).to_be_visible()
    expect(page.get_by_text("These architectures:")).to_be_visible()
    expect(page.get_by_role("heading", name="Where they differ")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("first model said")).first).to_be_visible()


def test_curves_move_and_a_reload_in_mid_training_shows_the_same_comparison(open_page: Opener) -> None:
    page = open_page(LONG)
    press_compare(page)
    chart = page.locator("[class*='st-key-curves_val_loss'] .live-chart")
    expect(chart).to_be_visible()
    points = "node => Math.max(0, ...(node._fullData || []).map(trace => trace.x ? trace.x.length : 0))"
    before = chart.evaluate(points)
    page.wait_for_function(f"([node, before]) => ({points})(node) > before", arg=[chart.element_handle(), before])
    page.reload()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(chart).to_be_visible()
    unfold(page, "Change the set-up")
    expect(page.get_by_role("textbox", name="Important difference (points)")).to_have_value("0.25")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile("^Cancelled: 0 of 4 runs"))).to_be_visible()
    expect(page.get_by_text("No run is finished")).to_be_visible()


def test_a_comparison_goes_on_while_another_page_is_read_and_the_list_leads_back(open_page: Opener) -> None:
    page = open_page(LONG)
    press_compare(page)
    page.get_by_role("link", name="Draw").click()
    expect(page.get_by_role("heading", name="Draw a digit")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Comparison")).first.click()
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    cancel.click()
    expect(page.get_by_text(re.compile("^Cancelled"))).to_be_visible()


def test_a_comparison_is_set_up_and_started_by_keyboard(open_page: Opener) -> None:
    page = open_page(QUICK)
    seeds = page.get_by_role("textbox", name="Seeds")
    expect(seeds).to_have_value("3")
    seeds.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    expect(page.get_by_text(re.compile("^2 runs, about|were trained earlier"))).to_be_visible()
    button = page.get_by_role("button", name="Compare", exact=True)
    expect(button).to_be_enabled()
    for _ in range(8):
        page.keyboard.press("Tab")
        if button.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("since each was trained with one seed only")).to_be_visible()


@pytest.mark.parametrize("path", [QUICK, "compare?claim=capacity"])
def test_nothing_is_cut_off_at_a_phones_width(open_page: Opener, path: str) -> None:
    page = open_page(path, width=360, height=800)
    expect(page.get_by_role("button", name=re.compile("^(Compare|Try it)$"))).to_be_visible()
    if "claim" not in path:
        press_compare(page)
        expect(page.get_by_role("heading", name="Where they differ")).to_be_visible()
        # The last that is drawn.
        expect(page.locator("[class*='st-key-classes_'] .js-plotly-plot .bars").first).to_be_visible()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_on_a_phone_the_answer_is_in_sight_after_a_comparison_and_by_a_link_to_it(open_page: Opener) -> None:
    page = open_page(QUICK, width=390, height=844)
    press_compare(page)
    answer = page.get_by_text(re.compile("^In short:"))
    expect(answer).to_be_in_viewport()
    page.goto(page.url)
    expect(answer).to_be_in_viewport()


def test_an_earlier_comparison_is_found_in_the_list_and_its_address_is_the_pages(open_page: Opener) -> None:
    page = open_page(QUICK)
    press_compare(page)
    expect(page.get_by_role("heading", name="Conclusion")).to_be_visible()
    first = page.url
    unfold(page, "Change the set-up")
    size = page.get_by_role("textbox", name="Hidden layers").nth(1)
    size.fill("24")
    expect(page.get_by_text("One hidden layer (24): 19,090 parameters")).to_be_visible()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("One hidden layer (24): 3 seeds each.")).to_be_visible()
    page.get_by_text(re.compile("^Your comparisons: 2")).click()
    listed = page.locator("[class*='st-key-listed_']", has_text="One hidden layer (16)")
    expect(listed.get_by_text(re.compile("done · In short:"))).to_be_visible()
    listed.get_by_role("button", name="Show").click()
    expect(page.get_by_text("One hidden layer (16): 3 seeds each.")).to_be_visible()
    (job,) = parse_qs(urlsplit(first).query)["job"]
    expect(page).to_have_url(re.compile(f"job={job}"))
    expect(page.get_by_role("heading", name="Comparison", exact=True)).to_be_in_viewport()
    unfold(page, "Change the set-up")
    expect(size).to_have_value("16")
