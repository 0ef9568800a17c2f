"""Click → changed text on the Inside and the Data page, beside what a page of one button and one text takes.

In headless Chromium every step of the two pages is done in turn with the same on the bare page (`button_floor.py`); on
the Inside page with the tutorial's model of two hidden layers and with the one for drawings, the largest that comes
along. Times run in the page, from the mouse button's release (of a field: from the typed text) to the first frame that
shows another text where the answer is to be read, and to the frame after which nothing comes or goes any more, charts
included. What a page does once, such as training a model or reading one, is done before.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/inside_latency.py`

from benchmarks.serving import SETTLED, TIMER, chromium, server
from mlpcore import datasets

MODELS = {"two-hidden": "Two hidden layers", "drawing": "Best for drawing"}
LIMIT_MS = 150
PATIENCE_MS, QUIET_MS = 10_000, 200
WARM_UP = 3

Act = Callable[[Page, int], None]
"""What is done for the nth time."""


@dataclass(frozen=True)
class Step:
    """Something that one does on a page again and again.

    Attributes:
        title: what it is called in the results.
        address: of the page, which is opened once for all times.
        act: what is timed.
        answer: a selector of where the text changes.
        before: what is done before each time, without being timed.
        event: what begins the time.
    """

    title: str
    address: str
    act: Act
    answer: str
    before: Act | None = None
    event: str = "mouseup"


@dataclass(frozen=True)
class Figures:
    """Milliseconds.

    Attributes:
        times: how often the step was done.
        median, high: until the answer; half and 95 % took no longer.
        whole: median until nothing changed any more.
        floor: median of the bare page.
    """

    times: int
    median: float
    high: float
    whole: float
    floor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=10, help="how often each step is done (default 10)")
    parser.add_argument("--only", default="", help="steps whose titles contain this")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout")
    arguments = parser.parse_args()
    datasets.fetch("mnist")
    results: dict[str, Figures] = {}
    with server() as app, server("benchmarks/button_floor.py") as bare, chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        floor = opened(context, bare)
        for step in [*(step for model in MODELS for step in steps_inside(model)), *STEPS_OF_BOTH]:
            if arguments.only not in step.title:
                continue
            results[step.title] = figures = measured(context, app, floor, step, arguments.clicks)
            if not arguments.json:
                late = " (!)" if figures.median > LIMIT_MS else ""
                print(
                    f"{step.title:46} {figures.median:4.0f} ms, 95 % {figures.high:4.0f} ms, "
                    f"all {figures.whole:4.0f} ms; bare page {figures.floor:3.0f} ms{late}",
                    flush=True,
                )
    if arguments.json:
        print(json.dumps({title: asdict(figures) for title, figures in results.items()}))


def measured(context: BrowserContext, app: str, floor: Page, step: Step, times: int) -> Figures:
    """Does a step again and again, in turn with the bare page."""
    page = opened(context, f"{app}/{step.address}")
    press_bare = step.event == "mouseup"
    bare = Step("", "", press("click") if press_bare else type_into("word", _SIZES), _key("answer"), event=step.event)
    answers, wholes, floors = [], [], []
    for number in range(WARM_UP + times):
        floors.append(timed(floor, bare, number)[0])
        answer, whole = timed(page, step, number)
        answers.append(answer)
        wholes.append(whole)
    page.close()
    answers, wholes, floors = answers[WARM_UP:], wholes[WARM_UP:], floors[WARM_UP:]
    high = statistics.quantiles(answers, n=20, method="inclusive")[-1] if times > 1 else answers[0]
    return Figures(times, statistics.median(answers), high, statistics.median(wholes), statistics.median(floors))


def timed(page: Page, step: Step, number: int) -> tuple[float, float]:
    """Milliseconds until the answer and until all of it.

    Raises:
        RuntimeError: the text did not change.
    """
    page.bring_to_front()
    if step.before:
        step.before(page, number)
        settle(page)
    page.evaluate(TIMER, [step.answer, PATIENCE_MS, step.event])
    page.evaluate(SETTLED, [QUIET_MS, PATIENCE_MS, step.event])
    step.act(page, number)
    whole: float = page.evaluate("globalThis.settled")
    answer: float | None = page.evaluate("globalThis.waiting")
    if answer is None:
        raise RuntimeError(f"{step.title}: the text in {step.answer} did not change.")
    return answer, whole


def opened(context: BrowserContext, address: str) -> Page:
    """The page, with all that it shows there once."""
    page = context.new_page()
    page.goto(address)
    page.locator("[data-testid=stMain] button").first.wait_for(timeout=60_000)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Waits until the server has finished and the page has been at rest for a moment."""
    page.wait_for_selector('[data-test-script-state="notRunning"]', state="attached")
    page.wait_for_timeout(300)
    page.wait_for_selector('[data-test-script-state="notRunning"]', state="attached")


def press(*keys: str) -> Act:
    """Presses the buttons with these keys, in turn."""
    return lambda page, number: page.locator(f"{_key(keys[number % len(keys)])} button").click()


def press_picture(key: str, *places: int) -> Act:
    """Presses the pictures at these places, in turn."""
    return lambda page, number: page.locator(f"{_key(key)} button").nth(places[number % len(places)]).click()


def choose(key: str, *names: str) -> Act:
    """Chooses the options of a segmented control in turn."""
    return lambda page, number: (
        page.locator(_key(key)).get_by_role("radio", name=names[number % len(names)], exact=True).click()
    )


def switch(key: str) -> Act:
    """Turns a toggle on or off."""
    return lambda page, number: page.locator(f"{_key(key)} label").click()


def open_list(key: str) -> Act:
    """Unfolds a select box."""

    def act(page: Page, number: int) -> None:
        box = page.locator(_key(key)).get_by_role("combobox")
        # What scrolls the page folds a list again, and so does a click on one that came back with the page's focus.
        box.scroll_into_view_if_needed()
        settle(page)
        while not page.get_by_role("option").count():
            box.click()
            page.wait_for_timeout(QUIET_MS)

    return act


def pick(*names: str) -> Act:
    """Takes an entry of the list that is unfolded, in turn."""
    return lambda page, number: page.get_by_role("option", name=names[number % len(names)]).first.click()


def type_into(key: str, words: Sequence[str]) -> Act:
    """Puts a text into a field, in turn."""
    return lambda page, number: page.locator(f"{_key(key)} input").fill(words[number % len(words)])


def point_at(key: str) -> Act:
    """Clicks on a chart, each time at another place from left to right, but not at its edges."""

    def act(page: Page, number: int) -> None:
        cells = page.locator(f"{_key(key)} .nsewdrag").first
        cells.scroll_into_view_if_needed()
        box = cells.bounding_box()
        assert box
        page.mouse.move(box["x"] + (0.1 + 0.8 * (0.618 * number % 1)) * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.down()
        page.mouse.up()

    return act


def steps_inside(model: str) -> list[Step]:
    """The steps of the Inside page with one model."""
    forward, step = f"inside?model={model}", f"inside?view=step&step_model={model}"
    modes = f"inside?view=modes&model={model}&image=321"
    panel, call, verdict = _key("inside_neuron_panel"), _key("inside_call_panel"), _key("inside_verdict")
    open_one = press_picture("inside_open", 3, 5, 1, 6, 2, 7)
    layers, orders = ("Hidden layer 2", "Output", "Hidden layer 1"), ("Contribution to the answer", "Activation")
    steps = [
        Step("a neuron", forward, open_one, panel),
        Step("a neuron on the strip", forward, point_at(f"inside_strip_{model}_0"), panel),
        Step("another layer", forward, choose("inside_layer", *layers), panel),
        Step("strongest by contribution", forward, choose("inside_order", *orders), _key("inside_open")),
        Step("another image", forward, press("inside_random"), verdict),
        Step("switch a neuron off", forward, press("inside_toggle"), _key("inside_without"), open_one),
        Step("count on all 10,000", forward, press("inside_count_all"), _key("inside_without"), _next_off),
        Step("next call", step, press("inside_call_next"), call, _first_call_after_last),
        Step("another batch", f"{step}&call=loss", press("inside_next_batch"), call),
        Step("forget zero_grad", step, switch("inside_forget"), call),
        Step("other masks", modes, press("inside_other_masks"), _key("inside_ten_times")),
        Step("another dropout", modes, choose("inside_dropout", "80 %", "20 %", "50 %"), _key("inside_ten_times")),
        Step("batch for no_grad", modes, choose("inside_bytes_size", "256", "1000", "64"), _key("inside_bytes")),
    ]
    return [Step(**{**vars(each), "title": f"Inside, {model}: {each.title}"}) for each in steps]


def _next_off(page: Page, number: int) -> None:
    press_picture("inside_open", 1 + number % 7)(page, number)
    settle(page)
    press("inside_toggle")(page, number)


def _first_call_after_last(page: Page, number: int) -> None:
    if number % 4 == 0:
        choose("inside_call", "1 zero_grad")(page, number)


def _train_both(page: Page, number: int) -> None:
    ask = page.locator(f"{_key('inside_ask')} button")
    if ask.count():
        ask.first.click()
        page.locator(_key("inside_binary")).wait_for(timeout=60_000)


def _key(key: str) -> str:
    return f".st-key-{key}"


_HEADING = "[data-testid=stMain] h3"
_SIZES = ("32", "128", "50", "64", "100")
_STAGES = ("Hidden 1 (512)", "Hidden 2 (256)", "Input (784)")
_TRANSFORMS = ("After ToTensor", "After Normalize", "Raw, 0 to 255")
_SETS = ("Test (10,000)", "Training (60,000)")
_DIGITS = ("7", "4", "1", "9", "0")

STEPS_OF_BOTH = [
    Step(
        "Inside: another model", "inside", pick(*reversed(MODELS.values())), _key("inside_verdict"),
        open_list("inside_model"),
    ),
    Step("Inside, yes or no: another image", "inside?view=binary", press("inside_binary_random"), _key("inside_binary"),
         _train_both),
    Step("Projector: another stage", "inside?view=depth", choose("projector_stage", *_STAGES), _key("projector_table")),
    Step("Projector: before and after", "inside?view=depth", choose("projector_when", "Before", "After"),
         _key("projector_table")),
    Step("Projector: a digit", "inside?view=depth", point_at("projector_chart"), _key("projector_clicked")),
    Step("Data: another image", "data", press("data_random"), _HEADING),
    Step("Data: a picture of the gallery", "data", press_picture("data_gallery", 3, 9, 20, 1), _HEADING),
    Step("Data: next pictures", "data", press("data_page_next"), _HEADING),
    Step("Data: another digit", "data", pick(*_DIGITS), _key("data_gallery"), open_list("data_digit")),
    Step("Data: another transform", "data", choose("data_stage", *_TRANSFORMS), _key("data_numbers")),
    Step("Data, all together: another digit", "data?view=set", choose("data_typical", *_DIGITS),
         _key("data_most")),
    Step("Data, all together: another set", "data?view=set", choose("data_split", *_SETS), _key("data_most")),
    Step("Data, DataLoader: next batch", "data?view=loader", press("data_batch_next"), _HEADING),
    Step("Data, DataLoader: shuffle", "data?view=loader", switch("data_shuffle"), _key("data_counts")),
    Step("Data, DataLoader: batch size", "data?view=loader", type_into("data_batch_size_field", _SIZES), _HEADING,
         event="input"),
]  # fmt: skip


if __name__ == "__main__":
    main()
