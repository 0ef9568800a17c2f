"""The Data page in a browser: numbers that change in place, links, the keyboard, a phone's width, both themes."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.drawn import until_drawn

Opener = Callable[..., Page]


def chart(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key} .live-chart")


def numbers(page: Page) -> Locator:
    """The pixel values that are written into the enlarged part of the image."""
    return chart(page, "data_numbers").locator("g.scatterlayer text")


def test_numbers_and_histogram_change_in_place_with_the_stage(open_page: Opener) -> None:
    page = open_page("data?image=7")
    expect(numbers(page)).to_have_count(64)
    expect(numbers(page).get_by_text("253", exact=True).first).to_be_visible()
    ticks = chart(page, "data_histogram").locator(".xtick")
    expect(ticks.get_by_text("200")).to_be_visible()
    marked = "node => { node.dataset.marked = 'yes'; }"
    for key in ["data_image_large", "data_numbers", "data_histogram"]:
        chart(page, key).evaluate(marked)
    page.get_by_role("radio", name="After Normalize").click()
    expect(numbers(page).get_by_text("−0.42", exact=True).first).to_be_visible()
    expect(numbers(page).get_by_text("253", exact=True)).to_have_count(0)
    expect(ticks.get_by_text("200")).to_have_count(0)
    page.wait_for_url(re.compile("stage=normalized"))
    for key in ["data_image_large", "data_numbers", "data_histogram"]:
        expect(chart(page, key)).to_have_attribute("data-marked", "yes")


def test_a_picture_of_the_gallery_opens_and_the_link_shows_it_again(open_page: Opener) -> None:
    page = open_page("data?split=test&digit=7")
    page.get_by_role("button", name="17: a 7").locator("img").click()
    expect(page.get_by_role("heading", name="Image 17: 7")).to_be_visible()
    page.wait_for_url(re.compile("image=17"))
    again = open_page(page.url.split("/")[-1])
    expect(again.get_by_role("heading", name="Image 17: 7")).to_be_visible()
    expect(again.get_by_role("radio", name="Test (10,000)")).to_be_checked()
    again.reload()
    expect(again.get_by_role("heading", name="Image 17: 7")).to_be_visible()


def test_what_a_click_on_a_picture_shows_is_in_view(open_page: Opener) -> None:
    page = open_page("data", height=800)
    picture = page.get_by_role("button", name="23: a 1").locator("img")
    expect(picture).to_be_in_viewport(ratio=1)
    picture.click()
    expect(page.get_by_role("heading", name="Image 23: 1")).to_be_in_viewport(ratio=1)
    expect(chart(page, "data_image_large")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="23: a 1")).to_have_attribute("aria-pressed", "true")


def test_the_pictures_are_reached_by_keyboard_and_keep_the_focus(open_page: Opener) -> None:
    page = open_page("data")
    page.get_by_role("button", name="4: a 9").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Image 5: 2")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="Image 6: 1")).to_be_visible()


def test_batches_of_the_loader_and_the_way_to_the_claim_about_order(open_page: Opener) -> None:
    page = open_page("data?view=loader")
    expect(page.get_by_text("Steps per epoch: 938.")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Image .*, an? \\d"))).to_have_count(64 + 4 * 16)
    page.get_by_role("button", name="Last", exact=True).click()
    expect(page.get_by_role("heading", name="Batch 938 of 938")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Image .*, an? \\d"))).to_have_count(32 + 4 * 16)
    page.get_by_text("drop_last", exact=True).first.click()
    expect(page.get_by_text("Steps per epoch: 937.")).to_be_visible()
    page.get_by_role("link", name="Try three orders of the images").click()
    expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    page.wait_for_url(re.compile("/compare.*claim=order"))


def test_it_is_used_by_keyboard(open_page: Opener) -> None:
    page = open_page("data")
    field = page.get_by_role("textbox", name="Image number")
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    expect(page.get_by_role("heading", name="Image 7: 3")).to_be_visible()
    page.get_by_role("slider", name="Rows from").focus()
    page.keyboard.press("ArrowLeft")
    expect(chart(page, "data_numbers").locator(".ytick").get_by_text("9", exact=True)).to_be_visible()
    raw = page.get_by_role("radio", name="Raw, 0 to 255")
    raw.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("After ToTensor:")).to_be_visible()


@pytest.mark.parametrize(("path", "last"), [
    ("data", "After Normalize"), ("data?view=set", "All together"), ("data?view=loader", "DataLoader"),
])  # fmt: skip
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off_at_a_phones_width(open_page: Opener, path: str, last: str, theme: str) -> None:
    page = open_page(path, width=360, height=800, color_scheme=theme)
    expect(page.get_by_role("radio", name=last)).to_be_visible()
    expect(page.get_by_text("Show the code").last).to_be_visible()
    until_drawn(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("node => node.scrollWidth - node.clientWidth") <= 0


def test_a_typical_image_opens_among_the_images(open_page: Opener) -> None:
    page = open_page("data?view=set")
    most_typical = page.locator(".st-key-data_most button").first
    number = most_typical.locator(".title").inner_text()
    most_typical.click()
    expect(page.get_by_role("heading", name=re.compile(f"^Image {int(number):,}: "))).to_be_visible()
    expect(page.get_by_role("radio", name="Images")).to_be_checked()


def test_the_code_unfolds_ready_to_be_copied(open_page: Opener) -> None:
    page = open_page("data?view=loader&batch_size=100&shuffle=off")
    page.get_by_text("Show the code").first.click()
    expect(page.get_by_text("DataLoader(data, batch_size=100, shuffle=False, drop_last=False")).to_be_visible()
