"""Drawing in a real browser: with mouse and finger, and what follows from it."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import running_app
from tests.browser.evidence import Evidence
from tests.handwriting import DIGITS, Points

Opener = Callable[..., Page]
BEST = "Best for drawing"
SIDE = 300  # of the sheet, in pixels
CORNERS = {
    "top left": (3, 3),
    "top right": (SIDE - 3, 3),
    "bottom left": (3, SIDE - 3),
    "bottom right": (SIDE - 3, SIDE - 3),
}


def sheet(page: Page) -> Locator:
    return page.locator("canvas.upper-canvas")


def sheet_corner(page: Page) -> tuple[float, float]:
    box = sheet(page).bounding_box()
    assert box
    return box["x"], box["y"]


def draw_stroke(page: Page, points: Points, scale: float = 2.4, left: float = 30, top: float = 30) -> None:
    (first_x, first_y), *others = [(left + scale * x, top + scale * y) for x, y in points]
    # Waits until the sheet lies still and nothing covers it there.
    sheet(page).hover(position={"x": first_x, "y": first_y})
    x0, y0 = sheet_corner(page)
    page.mouse.down()
    for x, y in others:
        page.mouse.move(x0 + x, y0 + y, steps=2)
    page.mouse.up()


def draw_digit(page: Page, digit: int, **place: float) -> None:
    for points in DIGITS[digit]:
        draw_stroke(page, points, **place)


def answer_of(page: Page, model: str, place: str = "drawn") -> Locator:
    return page.locator(f".st-key-{place}_answers").get_by_role("row").filter(has_text=model)


def expect_blank(page: Page) -> None:
    expect(page.get_by_text("Draw a digit from 0 to 9 on the sheet")).to_be_visible()


def clear(page: Page) -> None:
    used = sheet(page).element_handle()
    page.get_by_role("button", name="Clear", exact=True).click()
    # What is drawn on the old sheet while it is still there would be lost.
    used.wait_for_element_state("hidden")
    expect_blank(page)


def expect_ink(page: Page, x: float, y: float) -> None:
    """Waits until there is ink around this place on the sheet."""
    page.wait_for_function(
        """([canvas, x, y]) => {
            const pixels = canvas.getContext("2d").getImageData(x - 8, y - 8, 16, 16).data;
            return pixels.some((value, place) => place % 4 === 0 && value < 128 && pixels[place + 3] === 255);
        }""",
        arg=[page.locator("canvas.lower-canvas.dc-canvas").element_handle(), x, y],
    )


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_drawn_digits_are_read_by_all_three_models(draw_page: Page) -> None:
    expect_blank(draw_page)
    for digit in DIGITS:
        draw_digit(draw_page, digit)
        expect(answer_of(draw_page, BEST)).to_contain_text(f"{digit} ·")
        expect(draw_page.get_by_text(re.compile("All 3 models read|They disagree"))).to_be_visible()
        clear(draw_page)


def test_the_first_visitor_may_come_by_a_link_to_a_page(browser: Browser, evidence: Evidence, tmp_path: Path) -> None:
    with running_app(tmp_path / "log.txt") as server:
        page = evidence.new_page(browser)
        page.goto(f"{server.address}/draw")
        expect(page.locator("canvas.upper-canvas")).to_be_visible()
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        expect(page).to_have_title("MLP Lab")
        page.close()


def test_undo_redo_and_clear_are_answered_also_by_keyboard(draw_page: Page) -> None:
    draw_digit(draw_page, 4)
    expect(answer_of(draw_page, BEST)).to_contain_text("4 ·")
    draw_page.get_by_role("button", name="Undo").click()
    expect(answer_of(draw_page, BEST)).not_to_contain_text("4 ·")
    draw_page.get_by_role("button", name="Redo").click()
    expect(answer_of(draw_page, BEST)).to_contain_text("4 ·")
    draw_page.get_by_role("button", name="Undo").press("Enter")
    expect(answer_of(draw_page, BEST)).not_to_contain_text("4 ·")
    draw_page.get_by_role("button", name="Redo").press("Enter")
    expect(answer_of(draw_page, BEST)).to_contain_text("4 ·")
    draw_page.get_by_role("button", name="Clear", exact=True).press("Enter")
    expect_blank(draw_page)


def test_a_finger_draws_on_a_phone_from_every_corner_without_scrolling(open_page: Opener) -> None:
    page = open_page("draw", width=360, height=740, has_touch=True, is_mobile=True)
    sheet(page).hover()
    main = page.get_by_test_id("stMain")
    touches = page.context.new_cdp_session(page)

    def touch(points: Points) -> None:
        sheet(page).hover()
        x0, y0 = sheet_corner(page)
        places = [{"x": x0 + x, "y": y0 + y} for x, y in points]
        scrolled = main.evaluate("node => node.scrollTop")
        touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
        for place in places[1:]:
            touches.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert main.evaluate("node => node.scrollTop") == scrolled

    for name, (x, y) in CORNERS.items():
        touch([(x + (SIDE / 2 - x) * part, y + (SIDE / 2 - y) * part) for part in (0, 0.3, 0.6, 1)])
        expect_ink(page, x, y)
        expect(answer_of(page, BEST), name).to_contain_text("·")
        clear(page)
    for points in DIGITS[3]:
        touch([(30 + 2.4 * x, 30 + 2.4 * y) for x, y in points])
    expect(answer_of(page, BEST)).to_contain_text("3 ·")
    assert main.evaluate("node => node.scrollWidth - node.clientWidth") <= 0


def test_a_mouse_that_is_pressed_at_once_draws_from_every_corner(draw_page: Page) -> None:
    for name, (x, y) in CORNERS.items():
        sheet(draw_page).scroll_into_view_if_needed()
        x0, y0 = sheet_corner(draw_page)
        draw_page.mouse.move(x0 + x, y0 + y)
        draw_page.mouse.down()
        draw_page.mouse.move(x0 + SIDE / 2, y0 + SIDE / 2, steps=4)
        draw_page.mouse.up()
        expect_ink(draw_page, x, y)
        expect(answer_of(draw_page, BEST), name).to_contain_text("·")
        clear(draw_page)


def test_no_part_of_the_page_is_wider_than_the_screen(draw_page: Page) -> None:
    draw_digit(draw_page, 5)
    tabs = {
        "Photo": draw_page.get_by_text("Photo of one digit"),
        "My digits": draw_page.get_by_text("No drawings saved yet"),
        "When did it learn it?": draw_page.get_by_role("button", name="Train and watch"),
        "Draw": draw_page.locator(".st-key-drawn_bars .live-chart .bars"),
    }
    for width in (1280, 390, 360):
        draw_page.set_viewport_size({"width": width, "height": 900})
        for tab, content in tabs.items():
            open_tab(draw_page, tab)
            expect(content.first).to_be_visible()
            # Charts and columns follow the width a moment later.
            draw_page.wait_for_function(
                "main => main.scrollWidth <= main.clientWidth",
                arg=draw_page.get_by_test_id("stMain").element_handle(),
            )


def test_on_a_phone_the_answer_follows_the_sheet(open_page: Opener) -> None:
    page = open_page("draw", width=390, height=844)
    draw_digit(page, 7)
    answer = answer_of(page, BEST)
    expect(answer).to_contain_text("7 ·")
    chart = page.locator(".st-key-drawn_bars")
    boxes = [place.bounding_box() for place in (sheet(page), answer, chart)]
    tops = [box["y"] for box in boxes if box]
    assert tops == sorted(tops)
    assert tops[1] - tops[0] < SIDE + 300
    expect(chart).to_have_count(1)


def test_a_drawing_survives_a_change_of_page(draw_page: Page) -> None:
    draw_digit(draw_page, 2)
    before = answer_of(draw_page, BEST)
    expect(before).to_contain_text("2 ·")
    text = before.inner_text()
    draw_page.get_by_role("link", name="Train").click()
    expect(draw_page.get_by_role("heading", name="Train a network")).to_be_visible()
    draw_page.get_by_role("link", name="Draw").click()
    expect(answer_of(draw_page, BEST)).to_have_text(text, use_inner_text=True)
    clear(draw_page)
    draw_digit(draw_page, 7)
    expect(answer_of(draw_page, BEST)).to_contain_text("7 ·")


def test_moving_a_stroke_in_edit_mode_moves_it_for_the_models(draw_page: Page) -> None:
    draw_stroke(draw_page, DIGITS[1][0])
    answer = answer_of(draw_page, BEST)
    expect(answer).to_contain_text("1 ·")
    one_line = answer.inner_text()
    draw_stroke(draw_page, [(80, 10), (80, 90)])
    expect(answer).not_to_have_text(one_line, use_inner_text=True)
    two_lines = answer.inner_text()
    draw_page.get_by_role("button", name="Edit", exact=True).click()
    x0, y0 = sheet_corner(draw_page)
    draw_page.mouse.move(x0 + 30 + 2.4 * 80, y0 + 150)
    draw_page.mouse.down()
    draw_page.mouse.move(x0 + 30 + 2.4 * 53, y0 + 150, steps=8)
    draw_page.mouse.up()
    expect(answer).not_to_have_text(two_lines, use_inner_text=True)
    expect(answer).to_contain_text("1 ·")


def test_what_it_was_is_kept_for_this_browser_only_and_outlasts_a_reload(draw_page: Page, open_page: Opener) -> None:
    draw_digit(draw_page, 7)
    draw_page.locator(".st-key-drawn_was").get_by_text("7", exact=True).click()
    expect(draw_page.get_by_text("Saved to My digits as a 7")).to_be_visible()
    draw_page.reload()
    open_tab(draw_page, "My digits")
    expect(draw_page.get_by_text(re.compile("^7, [0-3] of 3 right$"))).to_be_visible()
    with draw_page.expect_download() as download:
        draw_page.get_by_role("button", name="Export").click()
    assert '"label": 7' in download.value.path().read_text("utf-8")
    stranger = open_page("draw")
    open_tab(stranger, "My digits")
    expect(stranger.get_by_text("No drawings saved yet")).to_be_visible()
    draw_page.get_by_role("button", name="Delete", exact=True).click()
    expect(draw_page.get_by_text("No drawings saved yet")).to_be_visible()


def photo_of(digit: int) -> bytes:
    """White chalk on a dark board that is lit from one side."""
    picture = Image.linear_gradient("L").resize((640, 480)).point(lambda value: 30 + value // 4)
    pen = ImageDraw.Draw(picture)
    for points in DIGITS[digit]:
        pen.line([(180 + 2.8 * x, 90 + 2.8 * y) for x, y in points], fill=235, width=14, joint="curve")
    content = io.BytesIO()
    picture.save(content, "JPEG")
    return content.getvalue()


def test_a_photo_is_read_and_what_is_no_photo_gets_a_sentence(draw_page: Page) -> None:
    open_tab(draw_page, "Photo")

    def give(name: str, content: bytes) -> None:
        file: Any = {"name": name, "mimeType": "image/png", "buffer": content}
        draw_page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)

    give("board.jpg", photo_of(2))
    answers = answer_of(draw_page, BEST, "photo")
    expect(answers).to_contain_text("2 ·")
    give("broken.png", b"\x89PNG\r\n\x1a\nnothing more")
    expect(draw_page.get_by_role("tabpanel", name="Photo").get_by_test_id("stAlert")).to_be_visible()
    expect(answers).to_have_count(0)


def test_a_model_is_asked_about_the_drawing_while_it_learns(draw_page: Page) -> None:
    draw_digit(draw_page, 7)
    expect(answer_of(draw_page, BEST)).to_contain_text("7 ·")
    open_tab(draw_page, "When did it learn it?")
    draw_page.get_by_role("button", name="Train and watch").click()
    curve = draw_page.locator("[class*=st-key-learned_curve] .live-chart")
    expect(curve).to_be_visible()
    expect(draw_page.get_by_text("After step")).to_be_visible()
    draw_page.get_by_role("button", name="Stop", exact=True).click()
    expect(draw_page.get_by_text("Step through the training")).to_be_visible()
    stage = draw_page.get_by_test_id("stMetric").filter(has_text="After step")
    trained = stage.inner_text().splitlines()[-1]
    slider = draw_page.get_by_role("slider", name="Training step")
    slider.focus()
    draw_page.keyboard.press("Home")
    expect(stage).to_contain_text("After step 0")
    assert stage.inner_text().splitlines()[-1] != trained
    expect(draw_page.locator("[class*=st-key-stage_weights] .live-chart")).to_be_visible()
