"""The Inside page in a real Chromium: clicks on charts, the keyboard, narrow screens."""

import re

import pytest
from playwright.sync_api import Page, Position, expect

from tests.browser.conftest import Opener
from tests.browser.drawn import until_drawn

VIEWS = {
    "forward": "Cross-entropy",
    "step": "What each optimizer does with the same gradient",
    "modes": "no_grad: what autograd does not keep",
    "binary": "How many outputs does a network need?",
    "depth": "The digits as points",
    "two_neurons": "Two neurons, while they learn",
}


@pytest.fixture
def inside(open_page: Opener) -> Page:
    page = open_page("inside")
    expect(page.get_by_role("heading", name="Cross-entropy")).to_be_visible()
    return page


def test_a_click_on_a_layer_opens_the_neuron_under_the_pointer(inside: Page) -> None:
    expect(inside.get_by_role("img", name=re.compile("^Hidden layer 2: the sums of 256 neurons"))).to_be_visible()
    # A click without a position goes to the middle.
    inside.locator(".st-key-inside_strip_two-hidden_1 .nsewdrag").first.click()
    panel = inside.locator(".st-key-inside_neuron_panel")
    expect(panel).to_contain_text(re.compile(r"Neuron 12[789] of hidden layer 2: its sum"))
    expect(inside).to_have_url(re.compile(r"layer=1.*neuron=12[789]"))


def test_a_click_on_the_same_place_opens_the_neuron_again(inside: Page) -> None:
    expect(inside.get_by_role("img", name=re.compile("^Hidden layer 1: the sums of 512 neurons"))).to_be_visible()
    cells = inside.locator(".live-chart.clickable").first.locator(".nsewdrag").first
    middle: Position = {"x": 200, "y": 20}
    panel = inside.locator(".st-key-inside_neuron_panel")
    before = panel.inner_text()
    cells.click(position=middle)
    expect(panel).not_to_contain_text(before.partition(":")[0])
    on_the_strip = panel.inner_text().partition(":")[0]
    inside.locator(".st-key-inside_open button img").nth(3).click()
    expect(panel).not_to_contain_text(on_the_strip)
    cells.click(position=middle)
    expect(panel).to_contain_text(on_the_strip)


def test_a_neuron_is_opened_by_keyboard_and_switched_off(inside: Page) -> None:
    neuron = inside.locator(".st-key-inside_open button").nth(3)
    number = re.sub(r"\D", "", neuron.locator(".title").inner_text())
    neuron.focus()
    inside.keyboard.press("Enter")
    expect(inside.locator(".st-key-inside_neuron_panel")).to_contain_text(f"Neuron {number} of hidden layer 1")
    switch = inside.locator(".st-key-inside_toggle button")
    switch.focus()
    inside.keyboard.press("Enter")
    expect(switch).to_have_text(re.compile(f"neuron {number} back on"))
    expect(inside.get_by_text("1 of 768")).to_be_visible()


def test_t11_who_talks_to_whom_lights_up_call_by_call(open_page: Opener) -> None:
    page = open_page("inside?view=step")
    drawing = page.locator(".st-key-inside_who")
    for name, link in [
        ("zero_grad", "clears"),
        ("forward", "images"),
        ("loss", "logits"),
        ("backward", "fills"),
        ("step", "parameters"),
    ]:
        bold = drawing.locator("tspan", has_text=re.compile(f"^{re.escape(link)}$"))
        expect(bold.first).to_have_css("font-weight", re.compile("bold|700"))
        if name != "step":
            page.get_by_role("button", name="Next call").click()
    expect(page.get_by_text("Loss after, same batch")).to_be_visible()


def test_yes_or_no_is_trained_at_a_press(open_page: Opener) -> None:
    page = open_page("inside?view=binary&digit=5")
    page.get_by_role("button", name="Train both").click()
    expect(page.get_by_text("one output, sigmoid")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("The sigmoid curve"))).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_the_screen(open_page: Opener, view: str, width: int) -> None:
    page = open_page(f"inside?view={view}", width=width, height=900)
    expect(page.get_by_text(VIEWS[view]).first).to_be_visible()
    until_drawn(page)
    assert page.get_by_test_id("stMain").evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_what_is_looked_at_is_there_again_after_a_reload(inside: Page) -> None:
    inside.get_by_role("radio", name="Output").click()
    expect(inside).to_have_url(re.compile("layer=2"))
    inside.reload()
    expect(inside.locator(".st-key-inside_neuron_panel")).to_contain_text(re.compile(r"Class \d: its sum"))


def test_what_is_looked_at_survives_a_change_of_page(inside: Page) -> None:
    inside.get_by_role("radio", name="One training step").click()
    inside.get_by_role("button", name="Next call").click()
    expect(inside.get_by_text("64 images go through the model")).to_be_visible()
    inside.get_by_role("link", name="Data").click()
    expect(inside.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    inside.get_by_role("link", name="Inside").click()
    expect(inside.get_by_text("64 images go through the model")).to_be_visible()


def test_a_drawing_goes_through_the_network(open_page: Opener) -> None:
    page = open_page("draw")
    expect(page.locator("canvas.upper-canvas")).to_be_visible()
    box = page.locator("canvas.upper-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 150, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 230, steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile("All 3 models read|They disagree"))).to_be_visible()
    page.get_by_role("link", name="Inside").click()
    expect(page.get_by_role("heading", name="Cross-entropy")).to_be_visible()
    page.locator(".st-key-inside_source").get_by_role("combobox").click()
    page.get_by_role("option", name="My last drawing").click()
    expect(page.get_by_text("My last drawing shows")).to_be_visible()
