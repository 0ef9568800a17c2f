"""Lesson links in a real Chromium: what is locked stays as it is whatever is clicked, and a link made is up to date."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.drawn import unfold
from tests.browser.test_draw_in_browser import answer_of, draw_digit


def click_strip(page: Page, share: float) -> None:
    """A click on the strip of the second hidden layer, at some share of its width."""
    strip = page.get_by_role("img", name=re.compile("^Hidden layer 2: the sums of 256 neurons"))
    expect(strip).to_be_visible()
    strip.scroll_into_view_if_needed()
    box = page.locator(".live-chart.clickable").nth(1).locator(".nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.up()


def test_a_locked_image_of_the_data_page_stays_also_after_a_reload(open_page: Opener) -> None:
    page = open_page("data?split=test&digit=7&image=17&lock=image&hide=stage&question=Which+pixel+is+darkest%3F")
    for _ in range(2):
        expect(page.get_by_text("Which pixel is darkest?")).to_be_visible()
        expect(page.get_by_role("heading", name="Image 17: 7")).to_be_visible()
        expect(page.get_by_role("textbox", name="Image number")).to_be_disabled()
        expect(page.get_by_role("button", name="Random image")).to_be_disabled()
        expect(page.get_by_role("button", name="26: a 7")).to_be_disabled()
        expect(page.get_by_role("radio", name="Training (60,000)")).to_be_disabled()
        expect(page.get_by_role("radio", name="After ToTensor")).to_have_count(0)
        expect(page.get_by_role("slider", name="Rows from")).to_be_enabled()
        page.reload()
    page.get_by_role("button", name="Leave the lesson").click()
    expect(page.get_by_role("textbox", name="Image number")).to_be_enabled()
    expect(page.get_by_role("radio", name="After ToTensor")).to_be_visible()


def test_a_locked_neuron_of_the_inside_page_stays_when_the_strip_is_clicked(open_page: Opener) -> None:
    page = open_page("inside?layer=1&neuron=40&lock=neuron")
    panel = page.locator(".st-key-inside_neuron_panel")
    expect(panel).to_contain_text("Neuron 40 of hidden layer 2")
    expect(page.get_by_role("radio", name="Hidden layer 1")).to_be_disabled()
    click_strip(page, 0.8)
    # What the click would do is done when a later one has been answered.
    page.get_by_role("button", name="Random image").click()
    expect(page).to_have_url(re.compile("image="))
    expect(panel).to_contain_text("Neuron 40 of hidden layer 2")
    page.get_by_role("button", name="Leave the lesson").click()
    expect(page.get_by_role("radio", name="Hidden layer 1")).to_be_enabled()
    click_strip(page, 0.5)
    expect(panel).to_contain_text(re.compile(r"Neuron 12[789] of hidden layer 2"))


def test_the_link_made_takes_what_is_shown(open_page: Opener) -> None:
    page = open_page("inside?hide=two_neurons")
    place = page.locator(".st-key-inside_lesson")
    unfold(place, "Make a lesson link")
    link = place.get_by_test_id("stCode")
    expect(link).to_contain_text(re.compile(r"/inside$"))
    locked = place.get_by_role("combobox", name="Locked")
    locked.press_sequentially("Switching")
    expect(page.get_by_role("option", name="Switching neurons off")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(link).to_contain_text("/inside?lock=off")
    click_strip(page, 0.5)
    expect(page.locator(".st-key-inside_neuron_panel")).to_contain_text(re.compile(r"Neuron 12[789] of hidden layer 2"))
    place.get_by_role("button", name="Update the link").click()
    expect(link).to_contain_text(re.compile(r"/inside\?layer=1&neuron=12[789]&lock=off"))
    there = open_page(link.inner_text().strip().rpartition("/")[2])
    expect(there.locator(".st-key-inside_neuron_panel")).to_contain_text(
        re.compile(r"Neuron 12[789] of hidden layer 2")
    )
    expect(there.locator(".st-key-inside_toggle button")).to_be_disabled()


def test_locked_models_of_the_draw_page_answer_and_a_hidden_tab_is_away(open_page: Opener) -> None:
    page = open_page("draw?models=drawing&lock=models,why&hide=photo,names&question=What+does+it+read%3F")
    expect(page.get_by_text("What does it read?")).to_be_visible()
    expect(page.get_by_role("tab", name="My digits")).to_be_visible()
    expect(page.get_by_role("tab", name="Photo")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Models that answer")).to_have_count(0)
    draw_digit(page, 3)
    expect(answer_of(page, "Model 1")).to_contain_text("3 ·")
    expect(page.get_by_text("Model 1 reads a 3")).to_be_visible()
    expect(page.get_by_role("combobox", name="Method")).to_be_disabled()
    expect(page.get_by_text("Best for drawing")).to_have_count(0)
    page.get_by_role("button", name="Leave the lesson").click()
    expect(page.get_by_role("tab", name="Photo")).to_be_visible()
    expect(page.get_by_text("Best for drawing (bundled) reads a 3")).to_be_visible()
    expect(page.get_by_role("combobox", name="Models that answer")).to_be_enabled()


def test_the_code_of_a_drawing_comes_with_the_files_that_it_reads(draw_page: Page) -> None:
    draw_digit(draw_page, 5)
    expect(answer_of(draw_page, "Best for drawing")).to_contain_text("5 ·")
    place = draw_page.locator(".st-key-drawn_code")
    place.get_by_text("Show the code").click()
    expect(place.get_by_text("one-hidden-layer-bundled.safetensors")).to_be_visible()
    with draw_page.expect_download() as downloading:
        place.get_by_role("button", name="One hidden layer").click()
    assert downloading.value.suggested_filename == "one-hidden-layer-bundled.safetensors"
