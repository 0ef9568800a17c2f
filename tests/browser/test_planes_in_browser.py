"""Digits as points in a browser: clicks on them, the reader's view, the keyboard, a phone's width."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.drawn import until_drawn

Opener = Callable[..., Page]
PROJECTOR, PLANE = ".st-key-projector_chart .live-chart", "[class*='st-key-two_neurons_plane_'] .live-chart"

# Where on the screen a point lies, and which x it has in the figure.
PLACE = """(node, [digit, number]) => {
    const trace = node._fullData.find(trace => trace.text && trace.text[0] === digit && trace.type === "scattergl");
    const { xaxis, yaxis } = node._fullLayout, box = node.getBoundingClientRect();
    return {
        x: box.left + xaxis._offset + xaxis.d2p(trace.x[number]),
        y: box.top + yaxis._offset + yaxis.d2p(trace.y[number]),
        image: trace.customdata[number],
    };
}"""


def drawn(page: Page, chart: str) -> Locator:
    node = page.locator(chart)
    # For a moment the chart of a former run may stand beside that of the next.
    expect(node).to_have_count(1)
    expect(node).to_be_visible()
    page.wait_for_function("chart => document.querySelector(chart)._fullData?.length > 9", arg=chart)
    return node


def place(node: Locator, digit: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = node.evaluate(PLACE, [digit, number])
    return found


def first_x(node: Locator) -> float:
    found: float = node.evaluate("node => node._fullData.find(trace => trace.type === 'scattergl').x[0]")
    return found


def x_range(node: Locator) -> list[float]:
    found: list[float] = node.evaluate("node => node._fullLayout.xaxis.range.map(Number)")
    return found


def until_moved(page: Page, chart: str, before: float) -> None:
    page.wait_for_function(
        """([chart, before]) =>
            document.querySelector(chart)._fullData.find(trace => trace.type === "scattergl").x[0] !== before""",
        arg=[chart, before],
    )


def press_until_focused(page: Page, target: Locator) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if target.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError("the keyboard does not reach it")


def test_a_click_on_a_digit_shows_its_image_and_keeps_the_readers_view(open_page: Opener) -> None:
    page = open_page("inside?view=depth", height=1400)
    node = drawn(page, PROJECTOR)
    node.evaluate("node => Plotly.relayout(node, {'xaxis.range[0]': -4, 'xaxis.range[1]': 8})")
    zoomed = x_range(node)
    # Its neighbours lie close by, and one of them may be hit: the image told of must be the one that is ringed.
    point = place(node, "0", 3)
    page.mouse.move(point["x"], point["y"])
    page.mouse.click(point["x"], point["y"])
    told = page.get_by_text(re.compile(r"^Test image [\d,]+: an? \d\. This model answers"))
    expect(told).to_be_visible()
    image = int(re.findall(r"[\d,]+", told.inner_text())[0].replace(",", ""))
    page.wait_for_function(
        "chart => document.querySelector(chart)._fullData.at(-1).marker.symbol === 'circle-open'", arg=PROJECTOR
    )
    ringed = node.evaluate(
        """node => {
            const ring = node._fullData.at(-1);
            for (const trace of node._fullData.filter(trace => trace.customdata))
                for (const [number, x] of trace.x.entries())
                    if (x === ring.x[0]) return trace.customdata[number];
        }"""
    )
    assert ringed == image
    # The picture beside it takes a little of the width, and the two axes keep their common scale.
    assert x_range(node) == pytest.approx(zoomed, abs=1)


def test_another_stage_is_chosen_by_keyboard_and_shown_whole(open_page: Opener) -> None:
    page = open_page("inside?view=depth", height=1400)
    node = drawn(page, PROJECTOR)
    before = first_x(node)
    node.evaluate("node => Plotly.relayout(node, {'xaxis.range[0]': -1, 'xaxis.range[1]': 1})")
    page.get_by_role("radio", name="After", exact=True).focus()
    press_until_focused(page, page.get_by_role("radio", name="Input (784)"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    until_moved(page, PROJECTOR, before)
    low, high = x_range(node)
    assert high - low > 4


def test_two_neurons_learn_step_by_step_and_every_moment_can_be_seen_again(open_page: Opener) -> None:
    page = open_page("inside?view=two_neurons", height=1400)
    drawn(page, PLANE)
    page.get_by_role("button", name="Step by step").click()
    step = page.get_by_role("button", name="10 steps")
    expect(step).to_be_enabled()
    node = drawn(page, PLANE)
    before = first_x(node)
    step.click()
    until_moved(page, PLANE, before)
    expect(page.get_by_text("step 10 of 4,300")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    slider = page.get_by_role("slider", name="Training step")
    expect(slider).to_be_visible()
    node = drawn(page, PLANE)
    last = first_x(node)
    slider.focus()
    page.keyboard.press("Home")
    until_moved(page, PLANE, last)
    assert first_x(node) == before


def test_two_neurons_are_there_again_after_a_reload(open_page: Opener) -> None:
    page = open_page("inside", height=800)
    page.get_by_role("radio", name="Two neurons").click()
    page.get_by_role("button", name="Step by step").click()
    head = page.locator(".st-key-two_neurons_head")
    expect(head).to_contain_text("paused")
    expect(page).to_have_url(re.compile("view=two_neurons"))
    page.reload()
    expect(head).to_contain_text("paused")
    expect(head).to_be_in_viewport()
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_text("Nothing has been trained yet")).to_be_visible()


@pytest.mark.parametrize(("view", "chart"), [("depth", PROJECTOR), ("two_neurons", PLANE)])
def test_nothing_is_cut_off_at_a_phones_width(open_page: Opener, view: str, chart: str) -> None:
    page = open_page(f"inside?view={view}", width=360, height=800)
    drawn(page, chart)
    until_drawn(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
