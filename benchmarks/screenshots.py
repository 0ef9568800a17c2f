"""The README's pictures, taken in a real browser: a drawn digit, a trained network, a comparison with several seeds.

Writes `docs/draw.png`, `docs/train.png` and `docs/compare.png`: 1280 pixels wide, in the light theme. What they show is
computed on the spot, with a run of the tutorial's model and ten runs for the comparison.
"""

import random
import sys
import time
from pathlib import Path

from playwright.sync_api import FloatRect, Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/screenshots.py`

from benchmarks.drawing_latency import FOUR, stroke
from benchmarks.serving import ROOT, chromium, server
from mlpcore import datasets

WIDTH, HEIGHT = 1280, 3000  # high enough for all of a page, which scrolls within itself
REST_MS, PATIENCE_MS = 2000, 900_000
MARGIN = 8


def main() -> None:
    start = time.monotonic()
    datasets.fetch("mnist")
    with server() as app, chromium() as browser:
        for picture in (draw, train, compare):
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{app}/{picture.__name__}")
            picture(page)
            page.close()
    print(f"{time.monotonic() - start:.0f} s")


def draw(page: Page) -> None:
    """A 4 drawn by hand, and what three models answer."""
    page.locator("canvas.upper-canvas").wait_for()
    page.wait_for_timeout(REST_MS)
    for points in FOUR:
        stroke(page, points, random.Random(4))
    save(page, "draw", until=".st-key-drawn_was")


def train(page: Page) -> None:
    """A finished run of the tutorial's model with two hidden layers."""
    page.locator(".st-key-train button").click()
    page.locator(".st-key-run_stop").wait_for()
    page.locator(".st-key-run_stop").wait_for(state="hidden")
    save(page, "train", until="[class*=st-key-loss_per_step_]")


def compare(page: Page) -> None:
    """One hidden layer or two, with five seeds each, and the verdict."""
    page.get_by_role("button", name="Compare", exact=True).click()
    page.locator("[class*=st-key-cancel_]").wait_for()
    page.locator("[class*=st-key-cancel_]").wait_for(state="hidden")
    save(page, "compare", until="[class*=st-key-accuracies_]")


def save(page: Page, name: str, until: str) -> None:
    """The page from its top to the end of an element, at rest and without the message that a run has finished."""
    last = page.locator(until).first
    last.wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.mouse.move(WIDTH - 1, HEIGHT - 1)  # away from everything that shows more under the pointer
    page.wait_for_timeout(REST_MS)
    box = last.bounding_box()
    assert box
    height = round(box["y"] + box["height"]) + MARGIN
    path = ROOT / "docs" / f"{name}.png"
    clip = FloatRect(x=0, y=0, width=WIDTH, height=height)
    page.screenshot(path=path, clip=clip, style="[data-testid=stToast] { visibility: hidden }")
    print(f"{path.relative_to(ROOT)}: {WIDTH} × {height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
