"""What only a browser shows: charts that move and keep the reader's view, reloads, the keyboard, a phone's width."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browser.drawn import unfold


def field(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-form_{name} input")


def set_field(page: Page, name: str, text: str) -> None:
    field(page, name).fill(text)
    field(page, name).press("Enter")


def open_group(page: Page, title: str) -> None:
    page.locator(f".st-key-form_group_{title.replace(' ', '-')} summary").click()


def choose_long_run(page: Page) -> None:
    """Few images and very many epochs: the curves grow by the second, and the end is far away."""
    open_group(page, "Data")
    for name, text in [("train_size", "3000"), ("validation", "500"), ("epochs", "1000")]:
        set_field(page, name, text)


def press_train(page: Page) -> None:
    """Starts a run and waits until it is this session's: its id is in the address."""
    before = page.url
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(lambda url: "run=" in url and url != before)


def chart(page: Page, name: str) -> Locator:
    run_id = re.search(r"run=(\w+)", page.url)
    assert run_id
    return page.locator(f".st-key-{name}_{run_id[1]} .live-chart")


def look(chart: Locator) -> dict[str, Any]:
    """What plotly shows in a chart: points of the line, ranges, and which traces are hidden."""
    shown: dict[str, Any] = chart.evaluate(
        """node => ({
            points: Math.max(...node._fullData.map(trace => trace.x ? trace.x.length : 0)),
            x: node._fullLayout.xaxis.range,
            y: node._fullLayout.yaxis.range,
            hidden: node._fullData.filter(trace => trace.visible === 'legendonly').map(trace => trace.name),
            mark: node.dataset.mark,
        })"""
    )
    return shown


def wait_for(page: Page, chart: Locator, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Waits until what a chart shows meets the condition."""
    for _ in range(600):
        if chart.count() and chart.evaluate("node => !!node._fullData"):
            shown = look(chart)
            if condition(shown):
                return shown
        page.wait_for_timeout(100)
    raise AssertionError("the chart never showed it")


def wait_for_points(page: Page, chart: Locator, more_than: int) -> dict[str, Any]:
    return wait_for(page, chart, lambda shown: shown["points"] > more_than)


def plot_area(page: Page, chart: Locator) -> FloatRect:
    """Where a chart's plot lies on the screen, once the page has stopped moving."""
    area = chart.locator(".nsewdrag").first
    before = None
    for _ in range(100):
        # Not the plot itself, which plotly makes anew when its size changes.
        chart.scroll_into_view_if_needed()
        box = area.bounding_box()
        if box and box == before:
            return box
        before = box
        page.wait_for_timeout(200)
    raise AssertionError("the chart never came to rest")


def expect_status(page: Page, status: str) -> None:
    expect(page.locator(".st-key-run_head")).to_contain_text(status)


def stop_run(page: Page) -> None:
    page.get_by_role("button", name="Stop", exact=True).click()
    expect_status(page, "stopped")


def test_training_one_hidden_layer_on_mnist_from_start_to_result(page: Page) -> None:
    page.get_by_role("button", name="One hidden layer").click()
    expect(page.get_by_text("203,530", exact=True)).to_be_visible()
    set_field(page, "epochs", "5")
    press_train(page)
    first = wait_for_points(page, chart(page, "loss_per_step"), 2)
    # First of all, since the word of the run's end goes after some seconds.
    expect(page.get_by_test_id("stToast").filter(has_text="test accuracy")).to_be_visible()
    expect(page.get_by_test_id("stMetric").filter(has_text="Test accuracy")).to_be_visible()
    last = look(chart(page, "loss_per_step"))
    assert first["points"] < last["points"], "the chart had points before the run's end"
    assert first["x"] == last["x"], "the axis stays while the curve grows"
    text = page.get_by_test_id("stMetric").filter(has_text="Test accuracy").inner_text()
    accuracy = re.search(r"([\d.]+) %", text)
    assert accuracy and 90 < float(accuracy[1]) < 99
    expect(page.get_by_text("most confident mistakes")).to_be_visible()


def test_zoom_and_hidden_traces_survive_the_growing_curve(page: Page) -> None:
    choose_long_run(page)
    press_train(page)
    loss = chart(page, "loss_per_step")
    whole = wait_for_points(page, loss, 1)["x"][1]
    loss.scroll_into_view_if_needed()
    loss.evaluate("node => { node.dataset.mark = 'same node' }")
    loss.locator(".legendtoggle").first.click()
    wait_for(page, loss, lambda shown: bool(shown["hidden"]))
    box = plot_area(page, loss)
    page.mouse.move(box["x"] + box["width"] * 0.02, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.9, steps=8)
    page.mouse.up()
    zoomed = wait_for(page, loss, lambda shown: bool(shown["x"][1] < 0.7 * whole))
    assert zoomed["hidden"]
    later = wait_for_points(page, loss, zoomed["points"])
    assert {key: later[key] for key in ("x", "y", "hidden", "mark")} == {
        key: zoomed[key] for key in ("x", "y", "hidden", "mark")
    }
    stop_run(page)


def test_a_reload_in_mid_training_loses_nothing(page: Page) -> None:
    choose_long_run(page)
    press_train(page)
    before = wait_for_points(page, chart(page, "loss_per_step"), 1)
    page.reload()
    expect_status(page, "training")
    after = wait_for_points(page, chart(page, "loss_per_step"), before["points"])
    assert after["x"] == before["x"]
    stop_run(page)
    expect(page.get_by_test_id("stMetric").filter(has_text="Test accuracy")).to_be_visible()


def test_pause_holds_and_single_steps_count(page: Page) -> None:
    page.locator(".st-key-train_paused label").click()
    press_train(page)
    expect_status(page, "paused")
    page.get_by_role("button", name="1 step", exact=True).click()
    expect(page.get_by_text("step 1 of 4,690")).to_be_visible()
    page.get_by_role("button", name="10 steps").click()
    expect(page.get_by_text("step 11 of 4,690")).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect_status(page, "training")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect_status(page, "paused")
    stop_run(page)


def test_bad_input_is_said_at_its_field_and_nothing_else_is_trained(page: Page) -> None:
    before = field(page, "batch_size").bounding_box()
    set_field(page, "batch_size", "99999")
    expect(page.get_by_text("Batch size 99,999 is not possible")).to_be_visible()
    assert field(page, "batch_size").bounding_box() == before
    expect(field(page, "batch_size")).to_have_value("99999")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    set_field(page, "batch_size", "128")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    expect(page.get_by_text("469", exact=True)).to_be_visible()


def test_a_value_typed_just_before_the_click_is_the_one_trained(page: Page) -> None:
    page.locator(".st-key-train_paused label").click()
    field(page, "epochs").fill("7")
    press_train(page)
    expect_status(page, "paused")
    expect(page.get_by_text("Epoch 1 of 7 · step 0 of 6,566")).to_be_visible()


def test_a_click_on_the_rate_finders_curve_fills_the_field(page: Page) -> None:
    unfold(page, "Learning-rate finder")
    page.get_by_role("button", name="Run the test").click()
    curve = page.locator(".st-key-rate_chart .live-chart")
    wait_for_points(page, curve, 50)
    box = plot_area(page, curve)
    for nearer in (0.28, 0.3):
        page.mouse.move(box["x"] + box["width"] * nearer, box["y"] + box["height"] * 0.3)
        page.wait_for_timeout(500)
    page.mouse.down()
    page.mouse.up()
    expect(field(page, "learning_rate")).not_to_have_value("0.001")
    rate = float(field(page, "learning_rate").input_value())
    assert 1e-6 <= rate <= 10


def expect_in_view(page: Page, height: int) -> None:
    """The button as a whole and most of the loss curve are on the screen, without scrolling."""
    button = page.get_by_role("button", name="Train", exact=True).bounding_box()
    curve = page.locator(".live-chart:visible").first.bounding_box()
    assert button and curve
    assert button["y"] >= 0 and button["y"] + button["height"] < curve["y"]
    assert curve["y"] + curve["height"] / 2 < height
    assert page.get_by_test_id("stMain").evaluate("node => node.scrollTop") == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_button_and_curve_are_in_the_first_screenful_before_during_and_after(
    open_page: Callable[..., Page], width: int, height: int
) -> None:
    page = open_page("train", width=width, height=height)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    expect(field(page, "layer_1")).to_have_value("256")
    expect(page.locator(".live-chart .nsewdrag").first).to_be_attached()
    expect_in_view(page, height)
    choose_long_run(page)
    page.get_by_test_id("stMain").evaluate("node => node.scrollTo(0, 0)")
    press_train(page)
    wait_for_points(page, chart(page, "loss_per_step"), 1)
    expect_in_view(page, height)
    # The table of epochs fills without moving what is below it.
    below = page.get_by_text("Health of the layers")
    empty = below.bounding_box()
    table = page.get_by_test_id("stDataFrame").locator("table")
    expect(table).to_have_attribute("aria-rowcount", re.compile(r"^[3-9]|\d\d+$"))
    assert below.bounding_box() == empty
    stop_run(page)
    expect(page.get_by_test_id("stMetric").filter(has_text="Test accuracy")).to_be_visible()
    expect_in_view(page, height)


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_nothing_is_wider_than_the_screen(open_page: Callable[..., Page], width: int) -> None:
    page = open_page("train", width=width, height=800)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    expect(page.get_by_test_id("stMetric").first).to_be_visible()
    expect(page.locator(".live-chart .nsewdrag").first).to_be_attached()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_attached()
    assert page.get_by_test_id("stMain").evaluate("node => node.scrollWidth - node.clientWidth") <= 0


def test_the_keyboard_is_enough_to_train(page: Page) -> None:
    open_group(page, "Data")
    set_field(page, "train_size", "1000")
    field(page, "epochs").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    # The button is before the form.
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.innerText").strip().endswith("Train"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Epoch 1 of 1")).to_be_visible()
    expect(page.get_by_test_id("stMetric").filter(has_text="Test accuracy")).to_be_visible()
