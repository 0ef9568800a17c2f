"""A class on one server: many sessions at the same time, some of them training, the rest clicking and drawing.

The real server runs in a process of its own, in an empty folder. Of its visitors, `--browsers` are tabs of a real
headless Chromium, each with cookies of its own, which draw with the mouse and show their charts; the others speak to
the server over the websocket as Streamlit's page does, with the same requests at the same moments, but without showing
anything (see `benchmarks/pupils.py`). In a class thirty browsers run on thirty machines; here they share the server's,
and four of them compute half as much as the server does.

One comes every second. Who trains opens a link to an experiment, presses Train, watches the curve to the end, and
presses Stop. The others go from page to page, and look for 2 to 6 seconds at each; on the Draw page they draw a digit,
keep it, and look at My digits; now and then they open the link to a run of somebody else's and try to pause and stop
it, also with the disabled buttons made enabled, and to delete on the Runs page.

What must hold, or the exit code is 1:

- nobody sees an error, and the server's log has no word of one;
- nobody is sent the name of a run, of an owner or of a picture that is another's (every message is looked through);
- My digits has one's own drawings, all of them and no others;
- no button that would change another's run can be pressed, and at the end every run is there and trains;
- every curve has moved within 5 seconds, all the time;
- the server's memory returns to where it was before, up to 10 %, once all have left. Before, `--earlier` classes of the
  same size have been there for half a minute each, so that what is loaded once and kept for all is there, and what the
  allocator keeps for as many threads. The server forgets a closed tab after 3 seconds here instead of Streamlit's 2
  minutes, so that one need not wait for that.
"""

import argparse
import asyncio
import json
import math
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import psutil
from playwright.async_api import Browser, async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/class_load.py`

from benchmarks.pupils import PATIENCE_SECONDS, Caller, Pupil, Strokes, Tab, patience
from benchmarks.serving import server
from mlpcore import datasets
from mlpcore.store import Store
from tests.handwriting import DIGITS

CURVE_SECONDS = 5.0
"""How long a curve may stand still."""

MEMORY_SHARE = 0.1
"""By how much the server's memory may have grown when all have left."""

ARRIVAL_SECONDS = 1.0
"""Between the arrivals of one session and the next."""

FEWEST_MOVES = 5
WARM_UP_SECONDS = 15.0
FORGET_SECONDS = 3
LOOK_SECONDS = 2.0, 6.0
PAGES = ("Start", "Data", "Train", "Compare", "Inside", "Draw", "Runs")
PRY = "the link to somebody else's run"

_TROUBLE = re.compile(r"Traceback|Error|WARNING|Warning|Exception|terminate called")


@dataclass
class Report:
    """What came out.

    Attributes:
        errors: what went wrong for anybody, and what anybody was shown, or could do, of what is somebody else's.
        attempts: how often something forbidden was tried.
        drawings: how many were kept.
        fewest_moves: how often the curve moved that did so least often.
        usual_pause, worst_pause: how long curves stood still, in seconds: the median, and the longest time of any.
        slowest: whose curve that was.
        memory: the server's resident memory in MiB: before the class, at most, and after.
    """

    sessions: int
    training: int
    browsers: int
    minutes: float
    errors: list[str] = field(default_factory=list)
    attempts: int = 0
    drawings: int = 0
    fewest_moves: int = 0
    usual_pause: float = math.inf
    worst_pause: float = math.inf
    slowest: str = ""
    memory: dict[str, float] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """Why the class did not go well, a sentence each."""
        failures = list(self.errors)
        if self.worst_pause > CURVE_SECONDS:
            failures.append(f"A curve stood still for {self.worst_pause:.1f} s: {self.slowest or 'not all trained'}.")
        if self.memory["after"] > (1 + MEMORY_SHARE) * self.memory["before"]:
            failures.append(f"The memory grew from {self.memory['before']:.0f} to {self.memory['after']:.0f} MiB.")
        return failures

    def in_words(self) -> str:
        """The report for people."""
        lines = [
            f"{self.sessions} sessions for {self.minutes:g} min, {self.browsers} of them in Chromium and "
            f"{self.sessions - self.browsers} over the websocket; {self.training} trained.",
            f"{self.drawings} drawings kept; tried to change another's run {self.attempts} times.",
            f"Curves: moved after {self.usual_pause:.2f} s (median), at the latest after {self.worst_pause:.2f} s; "
            f"every one at least {self.fewest_moves} times.",
            f"Server's memory: {self.memory['before']:.0f} MiB before, {self.memory['peak']:.0f} at most, "
            f"{self.memory['after']:.0f} after all had left.",
            *(f"FAILED: {failure}" for failure in self.failures),
        ]
        return "\n".join(lines if self.failures else [*lines, "All is well."])


@dataclass
class Visit:
    """One session of the class.

    Attributes:
        pictures: the names of the pictures of the drawings that it has kept.
        pauses: seconds between the movements of its curve.
        seen: runs of others whose link it has opened.
        attempts: how often it tried to do something to them.
    """

    pupil: Pupil
    pictures: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    attempts: int = 0


def main() -> int:
    """Holds the class and prints what came out; 1 if anything did not go as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=30, help="sessions open at the same time (default 30)")
    parser.add_argument("--training", type=int, default=10, help="how many of them train (default 10)")
    parser.add_argument("--browsers", type=int, default=4, help="how many are tabs of a real Chromium (default 4)")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long they work (default 3)")
    parser.add_argument("--earlier", type=int, default=3, help="classes before, for half a minute each (default 3)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout")
    given = parser.parse_args()
    report = asyncio.run(hold_class(given.sessions, given.training, given.browsers, given.minutes, given.earlier))
    print(json.dumps({**asdict(report), "failures": report.failures}) if given.json else report.in_words())
    return 1 if report.failures else 0


async def hold_class(sessions: int, training: int, browsers: int, minutes: float, earlier_ones: int) -> Report:
    """Has a class come to a new server, work and leave, and says how it went."""
    datasets.fetch("mnist")
    report = Report(sessions, training, browsers, minutes)
    with tempfile.TemporaryDirectory() as folder:
        store, log = Store(Path(folder) / "home"), Path(folder) / "log.txt"
        with server(home=store.folder, log=log, flags=[f"--server.disconnectedSessionTTL={FORGET_SECONDS}"]) as address:
            (process,) = psutil.Process().children()
            try:
                async with async_playwright() as playwright:
                    browser = await playwright.chromium.launch(
                        executable_path=os.environ.get("MLPLAB_CHROMIUM") or None, args=["--no-sandbox"]
                    )
                    *earlier, visits = (seated(address, browser, sessions, browsers) for _ in range(earlier_ones + 1))
                    report.memory["before"] = await memory_at_rest(address, process)
                    for each in earlier:
                        await hold_lesson(each, training, store, WARM_UP_SECONDS)
                        report.memory["before"] = await memory_at_rest(address, process)
                    async with peak_of(process, report.memory):
                        await hold_lesson(visits, training, store, 60 * minutes)
                    report.memory["after"] = await memory_at_rest(address, process)
                    await browser.close()
            except (ConnectionError, psutil.Error):
                raise SystemExit(f"The server ended before the class did. It said: {log.read_text('utf-8')}") from None
        store.close()
        said = log.read_text("utf-8")
    note(list(chain(*earlier, visits)), report)
    note_curves([visit for visit in visits if visit.pauses], report)
    if _TROUBLE.search(said):
        report.errors.append(f"The server's log: {said[-3000:]}")
    return report


def seated(address: str, browser: Browser, sessions: int, browsers: int) -> list[Visit]:
    """The class, those who train first; the tabs are spread evenly over the two kinds of work."""
    tabs = {number * sessions // browsers for number in range(browsers)}
    return [
        Visit(
            Tab(f"Session {number + 1} (Chromium)", address, browser)
            if number in tabs
            else Caller(f"Session {number + 1} (websocket)", address)
        )
        for number in range(sessions)
    ]


async def hold_lesson(visits: Sequence[Visit], training: int, store: Store, seconds: float) -> None:
    """Everybody comes, works for so many seconds, and leaves; the first `training` of them train."""
    earlier = {run.id for run in store.runs()}
    trainers = visits[:training]
    seconds += ARRIVAL_SECONDS * len(visits)
    over = time.monotonic() + seconds
    await all_at_once(
        [
            (visit, train(visit, place, over) if place < training else look_around(visit, place, store, over))
            for place, visit in enumerate(visits)
        ],
        seconds,
    )
    runs = [run for run in store.runs() if run.id not in earlier]
    if [run.status for run in runs] != training * ["training"]:
        visits[0].pupil.errors.append(f"Of {training} runs there were at the end {[run.status for run in runs]}.")
    await all_at_once([(visit, stop(visit)) for visit in trainers if visit.pauses])
    await all_at_once([(visit, visit.pupil.leave()) for visit in visits])
    note_strangers(visits, {run.id: run.owner for run in runs})


async def all_at_once(works: Sequence[tuple[Visit, Coroutine[None, None, None]]], seconds: float = 0.0) -> None:
    """Does what everybody has to do, and notes what fails, or takes much longer than so many seconds."""

    async def attempt(pupil: Pupil, work: Coroutine[None, None, None]) -> None:
        try:
            async with asyncio.timeout(seconds + 3 * PATIENCE_SECONDS):
                await work
        except TimeoutError as problem:
            pupil.errors.append(str(problem) or "The server or the browser does not answer any more.")
        except Exception as problem:
            pupil.errors.append(f"{type(problem).__name__}: {problem}")

    await asyncio.gather(*(attempt(visit.pupil, work) for visit, work in works))


async def train(visit: Visit, place: int, over: float) -> None:
    """Trains, and watches the curve to the end."""
    pupil = visit.pupil
    await asyncio.sleep(ARRIVAL_SECONDS * place)
    await pupil.open(f"train?experiment=hidden:{32 + place}%20epochs:1000%20seed:{place}")
    await pupil.press("train")
    await pupil.watch_curve()
    await asyncio.sleep(max(0.0, over - time.monotonic()))
    # However short the time, every curve has to move.
    async with patience(f"the curve did not move {FEWEST_MOVES} times"):
        while len(await pupil.pauses()) <= FEWEST_MOVES:
            await asyncio.sleep(0.5)
    visit.pauses = await pupil.pauses()


async def stop(visit: Visit) -> None:
    """Ends its training."""
    await visit.pupil.press("run_stop")
    await visit.pupil.wait_for("run_stop", there=False)


async def look_around(visit: Visit, place: int, store: Store, over: float) -> None:
    """Goes from page to page, draws, and tries what is not allowed."""
    pupil, chance = visit.pupil, random.Random(place)
    await asyncio.sleep(ARRIVAL_SECONDS * place)
    await pupil.open("")
    # However short the time, some draw and some pry.
    pages = ["Draw", "Runs"] if place % 2 else ["Runs", PRY]
    needed = len(pages)
    while needed > 0 or time.monotonic() < over:
        page, needed = pages.pop(0), needed - 1
        pages = pages or chance.sample([*PAGES, PRY], len(PAGES) + 1)
        if page == PRY:
            await pry(visit, chance, store)
        else:
            await pupil.go(page)
        if page == "Draw":
            await draw_and_keep(visit, chance)
        if page == "Runs":
            await try_all(visit, "runs_delete", "runs_delete_all")
        await asyncio.sleep(chance.uniform(*LOOK_SECONDS))


async def pry(visit: Visit, chance: random.Random, store: Store) -> None:
    """Opens the link to somebody else's run and tries to get at it."""
    async with patience("there was no run of somebody else's"):
        while not (running := [run.id for run in store.runs() if run.status == "training"]):
            await asyncio.sleep(0.5)
    run = chance.choice(running)
    visit.seen.add(run)
    await visit.pupil.open(f"train?run={run}")
    await try_all(visit, "run_pause", "run_stop")


async def try_all(visit: Visit, *buttons: str) -> None:
    """Presses what is not to be pressed."""
    for key in buttons:
        await visit.pupil.wait_for(key)
        if await visit.pupil.is_enabled(key):
            visit.pupil.errors.append(f"{key} of another's run could be pressed.")
        visit.attempts += 1
        await visit.pupil.force(key)


async def draw_and_keep(visit: Visit, chance: random.Random) -> None:
    """Draws a digit as nobody else does, keeps it, and looks whether all that was kept is there, and nothing else."""
    pupil, digit = visit.pupil, chance.randrange(10)
    if visit.pictures:
        await pupil.press("new_sheet")
    await pupil.draw(by_hand(digit, chance))
    await pupil.keep(digit)
    kept, visit.pictures = visit.pictures, await pupil.my_digits(len(visit.pictures) + 1)
    if len(visit.pictures) != len(kept) + 1 or set(kept) - set(visit.pictures):
        pupil.errors.append(f"{len(kept) + 1} drawings were kept, and My digits has {len(visit.pictures)}.")


def by_hand(digit: int, chance: random.Random) -> Strokes:
    """A digit with a shaking hand."""
    return [
        [(30 + 2.4 * x + chance.gauss(0, 5), 30 + 2.4 * y + chance.gauss(0, 5)) for x, y in stroke]
        for stroke in DIGITS[digit]
    ]


def note_strangers(visits: Sequence[Visit], belongs: dict[str, str]) -> None:
    """Notes anything with a name that has reached another than whose it is; `belongs` says whose the runs are."""
    belongs = belongs | {visit.pupil.owner: visit.pupil.owner for visit in visits}
    belongs |= {picture: visit.pupil.owner for visit in visits for picture in visit.pictures}
    for visit in visits:
        pupil = visit.pupil
        others = {name for name in pupil.names - visit.seen if belongs.get(name, pupil.owner) != pupil.owner}
        if others or not pupil.owner:
            pupil.errors.append(f"{pupil.owner or 'Nobody'} was sent what is another's: {sorted(others)}.")


async def memory_at_rest(address: str, process: psutil.Process) -> float:
    """Resident MiB of the server without visitors."""
    # Streamlit lets go of those who have left when the next one comes.
    for _ in range(2):
        await asyncio.sleep(FORGET_SECONDS + 1)
        visitor = Caller("One who comes later", address)
        await visitor.open("")
        await visitor.leave()
    return resident(process)


def resident(process: psutil.Process) -> float:
    """MiB."""
    return float(process.memory_info().rss) / 2**20


@asynccontextmanager
async def peak_of(process: psutil.Process, memory: dict[str, float]) -> AsyncIterator[None]:
    """Notes the most memory that the server has meanwhile."""

    async def watch() -> None:
        while True:
            memory["peak"] = max(memory.get("peak", 0.0), resident(process))
            await asyncio.sleep(0.5)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


def note(visits: Sequence[Visit], report: Report) -> None:
    """Puts together what the sessions have noted."""
    report.errors += [f"{visit.pupil.name}: {error}" for visit in visits for error in visit.pupil.errors]
    report.attempts = sum(visit.attempts for visit in visits)
    report.drawings = sum(len(visit.pictures) for visit in visits)


def note_curves(visits: Sequence[Visit], report: Report) -> None:
    """Puts together how the curves moved, if all who were to train did."""
    if len(visits) == report.training:
        slowest = max(visits, key=lambda visit: max(visit.pauses))
        report.slowest, report.worst_pause = slowest.pupil.name, max(slowest.pauses)
        report.usual_pause = statistics.median(pause for visit in visits for pause in visit.pauses)
        report.fewest_moves = min(len(visit.pauses) for visit in visits) - 1


if __name__ == "__main__":
    sys.exit(main())
