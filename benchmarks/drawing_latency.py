"""Pen up → changed prediction on the Draw page, beside what the canvas alone takes.

In headless Chromium a stroke is drawn in turn on the bare canvas (`canvas_floor.py`) and on the Draw page with three
models, first while nothing trains, then while a run of two hidden layers does. The sheet holds a 1, and the stroke
that is measured turns it into a 4, so that the answer changes. Times run in the page, from the mouse button's release
to the first frame after the text has changed.
"""

import argparse
import json
import random
import statistics
import sys
import time
from functools import partial
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/drawing_latency.py`

from benchmarks.serving import TIMER, chromium, measure_beside_app, server
from mlpcore import datasets, runs
from mlpcore.experiment import TUTORIAL_PRESETS

ANSWERS = {"floor": ".st-key-answer", "app": ".st-key-drawn_answers"}
CLEAR = {"floor": "Reset canvas", "app": "Clear"}
PATIENCE_MS, REST_MS = 5000, 500
FOUR: list[list[tuple[float, float]]] = [[(185, 80), (182, 170), (178, 250)], [(120, 40), (75, 170), (225, 170)]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strokes", type=int, default=50, help="strokes on either page, idle and busy (default 50)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout")
    arguments = parser.parse_args()
    datasets.fetch("mnist")
    measure_beside_app(partial(measure, arguments))


def measure(arguments: argparse.Namespace, app: str) -> None:
    """Draws all strokes and prints medians and what the page takes beyond the floor."""
    with server("benchmarks/canvas_floor.py") as floor, chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        pages = {"floor": opened(context, floor), "app": opened(context, f"{app}/draw")}
        results = {"idle": rounds(pages, arguments.strokes)}
        run = runs.queue.submit(TUTORIAL_PRESETS["two-hidden"].changed(epochs=1000))
        while not run.step:
            time.sleep(0.1)
        results["busy"] = rounds(pages, arguments.strokes)
    if arguments.json:
        print(json.dumps(results))
        return
    for state, figures in results.items():
        print(
            f"{state}: canvas alone {figures['floor_ms']:.0f} ms, Draw page {figures['app_ms']:.0f} ms, "
            f"{figures['over_floor_ms']:+.0f} ms (medians of {figures['strokes']} strokes; "
            f"{figures['unchanged']} strokes changed no answer)"
        )


def opened(context: BrowserContext, address: str) -> Page:
    """The page, with all its charts there once."""
    page = context.new_page()
    page.goto(address)
    page.locator("canvas.upper-canvas").wait_for()
    page.wait_for_timeout(2000)
    for points in FOUR:
        stroke(page, points, random.Random(0))
    page.wait_for_timeout(3000)
    return page


def rounds(pages: dict[str, Page], strokes: int) -> dict[str, float]:
    """Strokes on both pages in turn, until each has `strokes` that changed its text; medians in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in pages}
    unchanged, number = 0, 0
    while min(map(len, times.values())) < strokes and unchanged < strokes:
        number += 1
        for name, page in pages.items():
            page.bring_to_front()
            page.get_by_role("button", name=CLEAR[name]).click()
            page.wait_for_timeout(REST_MS)
            stroke(page, FOUR[0], random.Random(number))
            page.wait_for_timeout(REST_MS)
            page.evaluate(TIMER, [ANSWERS[name], PATIENCE_MS])
            stroke(page, FOUR[1], random.Random(number))
            milliseconds = page.evaluate("globalThis.waiting")
            if milliseconds is None:
                unchanged += 1
            elif len(times[name]) < strokes:
                times[name].append(milliseconds)
            page.wait_for_timeout(REST_MS)
    floor, app = statistics.median(times["floor"]), statistics.median(times["app"])
    return {
        "floor_ms": floor,
        "app_ms": app,
        "over_floor_ms": app - floor,
        "strokes": min(map(len, times.values())),
        "unchanged": unchanged,
    }


def stroke(page: Page, points: list[tuple[float, float]], chance: random.Random) -> None:
    """A stroke through the points, in pixels of the sheet, with a hand that trembles by up to 6 pixels."""
    box = page.locator("canvas.upper-canvas").bounding_box()
    assert box
    ways = [(box["x"] + x + chance.uniform(-6, 6), box["y"] + y + chance.uniform(-6, 6)) for x, y in points]
    page.mouse.move(*ways[0])
    page.mouse.down()
    for x, y in ways[1:]:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()


if __name__ == "__main__":
    main()
