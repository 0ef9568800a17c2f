"""What 1,000 stored runs cost: how long every page takes to open with them, with one, and without any.

Three servers on one machine, whose folders hold that many finished runs, made through the store from one short training
and varied. Every page is opened in turn on each of them, as somebody does who comes back: in a new tab of a headless
Chromium that has been there before. Timed, in the page, is from the beginning of the navigation to the last change of
what is to be seen, once the page's heading is there, its script has ended, its charts and tables are drawn and nothing
has changed for a while. The first visit of all is timed from the start of the server's process on.

With one run some pages have more to show than with none, above all the Train page, which shows the newest run's charts:
what many runs cost beyond that is the ratio to one. Beside the time stands what server and browser computed for it, in
milliseconds of one core, since that hardly changes when the machine is busy with something else.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Literal, NamedTuple

import psutil
from playwright.sync_api import BrowserContext

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/stored_runs.py`

from benchmarks.serving import chromium, server
from mlpcore import datasets
from mlpcore.experiment import Experiment, experiment_from_fields
from mlpcore.store import Store
from mlpcore.training import Finished, Trainer

HEADINGS = {
    "": "MLP Lab",
    "data": "Data",
    "train": "Train a network",
    "compare": "Compare",
    "inside": "Inside a network",
    "draw": "Draw a digit",
    "runs": "Runs",
}
"""The heading of each page, by its address."""

PATIENCE_MS = 60_000

# Notes when something changed last, from the page's very beginning; but for the list at the side, which is redrawn
# every two seconds, and for what a table's canvas says to screen readers, 0.3 s after it is drawn.
CHANGES = """
globalThis.changed = 0;
new MutationObserver((changes) => {
  const aside = document.querySelector('[data-testid="stSidebar"]');
  const seen = ({ target }) => !aside?.contains(target) && !target.closest?.("canvas");
  if (changes.some(seen)) globalThis.changed = performance.now();
}).observe(document, { childList: true, subtree: true, characterData: true });
"""

# Milliseconds from the beginning of the navigation to the last change, once the page is complete; before that, false.
COMPLETE = """(heading) => {
  const idle = document.querySelector('[data-test-script-state="notRunning"]');
  const there = [...document.querySelectorAll("h1")].some((found) => found.innerText.trim() === heading);
  const empty = (place, content) =>
    [...document.querySelectorAll(place)].some((found) => !found.querySelector(content));
  const drawn = !document.querySelector('[data-testid="stSkeleton"]') && !empty(".live-chart", "svg.main-svg")
    && !empty('[data-testid="stPlotlyChart"]', "svg.main-svg") && !empty('[data-testid="stDataFrame"]', "canvas");
  return idle && there && drawn && performance.now() - globalThis.changed > 300 && globalThis.changed;
}"""


class Opening(NamedTuple):
    """How a page opened: milliseconds until it was complete, and milliseconds computed meanwhile."""

    until_complete: float
    computed: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000, help="stored runs (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each page is opened on each (default 3)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout; everything else on stderr")
    arguments = parser.parse_args()
    if arguments.runs < 2 or arguments.rounds < 1:
        parser.error("--runs must be at least 2 and --rounds at least 1")
    with tempfile.TemporaryDirectory() as folder:
        homes = {runs: Path(folder) / str(runs) for runs in (0, 1, arguments.runs)}
        for runs, home in homes.items():
            store_runs(home, runs)
        openings = opened(homes, arguments.rounds)
    medians = {
        page: {runs: Opening(*map(statistics.median, zip(*of[runs], strict=True))) for runs in homes}
        for page, of in openings.items()
    }
    if arguments.json:
        figures = {page: {runs: opening._asdict() for runs, opening in of.items()} for page, of in medians.items()}
        print(json.dumps({"rounds": arguments.rounds, "pages": figures}))
        return
    print(f"Milliseconds with no, 1 and {arguments.runs:,} stored runs; ratios to no and to 1")
    for page, of in medians.items():
        print(f"{page:<12} until complete {_in_words(of, 'until_complete')}   computed {_in_words(of, 'computed')}")


def _in_words(of: Mapping[int, Opening], figure: Literal["until_complete", "computed"]) -> str:
    none, one, many = (getattr(opening, figure) for opening in of.values())
    return f"{none:5.0f} {one:5.0f} {many:5.0f}  {many / none:4.2f} {many / one:4.2f}"


def store_runs(home: Path, count: int) -> None:
    """Keeps so many finished runs in `home`, of everybody, with different seeds, rates, tags and notes."""
    trained = experiment_from_fields(
        {"hidden": [32, 16], "train_size": 5000, "validation": 500, "epochs": 3, "device": "cpu"}
    )
    trainer = Trainer(trained, datasets.load("mnist"))
    *_, last = trainer
    assert isinstance(last, Finished)
    store = Store(home)
    for number, experiment in enumerate(islice(_varied(trained), count)):
        recorder = store.create(experiment)
        recorder.end("finished", experiment, trainer.history, last.result, trainer.model.eval())
        if number % 10 == 0:
            store.describe(recorder.id, f"Kept {number}", [f"tag {number // 10 % 7}"], "Worth another look.")
    store.close()


def _varied(experiment: Experiment) -> Iterator[Experiment]:
    """Experiments of the same shape as `experiment`, all different."""
    settings = [(rate, dropout) for rate in (0.1, 0.01, 0.001) for dropout in (0.0, 0.2)]
    for seed, (rate, dropout) in enumerate(cycle(settings)):
        yield experiment.changed(learning_rate=rate, dropout=dropout, seed=seed)


def opened(homes: Mapping[int, Path], rounds: int) -> dict[str, dict[int, list[Opening]]]:
    """How each page opened in every round, by the page and the number of stored runs."""
    openings: dict[str, dict[int, list[Opening]]] = defaultdict(lambda: defaultdict(list))
    with chromium() as browser, ExitStack() as servers:
        visits = {}
        for runs, home in homes.items():
            started, computed = time.monotonic(), _milliseconds_computed()
            address = servers.enter_context(server(home=home))
            starting = 1000 * (time.monotonic() - started), _milliseconds_computed() - computed
            context = browser.new_context(viewport={"width": 1280, "height": 1000})
            context.add_init_script(CHANGES)
            first = opening(context, address, "")
            openings["first visit"][runs].append(Opening(*map(sum, zip(starting, first, strict=True))))
            visits[runs] = (context, address)
        # Before anything counts, each page has been everywhere once, as the browser's cache and the server's are then.
        for number in range(rounds + 1):
            for path in HEADINGS:
                for runs, (context, address) in visits.items():
                    seen = opening(context, address, path)
                    if number:
                        openings[path or "start"][runs].append(seen)
    return openings


def opening(context: BrowserContext, address: str, path: str) -> Opening:
    """Opens a page in a new tab until it is complete, and closes it."""
    page, computed = context.new_page(), _milliseconds_computed()
    page.goto(f"{address}/{path}")
    complete = page.wait_for_function(COMPLETE, arg=HEADINGS[path], polling=50, timeout=PATIENCE_MS)
    seen = Opening(complete.json_value(), _milliseconds_computed() - computed)
    page.close()
    return seen


def _milliseconds_computed() -> float:
    """Processor time so far of all that was started from here: the servers and the browser."""
    seconds = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system
    return 1000 * seconds


if __name__ == "__main__":
    main()
