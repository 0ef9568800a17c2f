"""Those who use the app at the same time: in a tab of a real Chromium, or over the websocket without any browser.

Both do the same things and are heard in the same way, message by message, so that a class can be mixed: tabs draw and
click for real and show that the curves move on a screen, but thirty of them would want more cores than the server. The
others speak Streamlit's protocol as its page does (ask for a page, send a widget's value, rerun every live fragment
when it is due), and draw nothing.
"""

import asyncio
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from urllib.parse import urlsplit

import websockets
from playwright.async_api import Browser, ConsoleMessage, Page
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

Strokes = Sequence[Sequence[tuple[float, float]]]
"""Points on the sheet of the Draw page, in pixels from its corner."""

PATIENCE_SECONDS = 60.0
"""How long somebody waits for an answer before it counts as an error."""

_NAME = re.compile(rb"[0-9a-f]{32}")
_COOKIE = re.compile(rb"mlplab_owner\w*=([0-9a-f]{32})\.[0-9a-f]{64}")
_KEY = re.compile(r"\$\$ID-[0-9a-f]{32}-(.+)")
_CURVE = "loss_per_step_"
# What Streamlit's page asks for in vain on a closed network, or on a link to a page; no word of the app's.
_HARMLESS = re.compile(r"/\w+/_stcore/(health|host-config)|/media/\w+\.\w+|net::ERR_")


class _AnyPupil(ABC):
    """Somebody at the app.

    Attributes:
        name: in words.
        owner: the name by which the server knows this browser.
        errors: a sentence for all that went wrong before these eyes.
        names: all that looks like a name in what the server has sent: of runs, of owners, of the files of pictures.
    """

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.owner = ""
        self.errors: list[str] = []
        self.names: set[str] = set()
        self._address = address
        self._cookie = ""

    @abstractmethod
    async def is_enabled(self, key: str) -> bool | None:
        """Whether the button of this key can be pressed; None if there is none."""

    async def wait_for(self, key: str, *, there: bool = True) -> None:
        """Until there is a button of this key, or none any more."""
        async with patience(f"the button {key} did not {'come' if there else 'go'}"):
            while (await self.is_enabled(key) is not None) != there:
                await asyncio.sleep(0.1)

    def hear(self, data: bytes | str) -> ForwardMsg:
        """Takes note of a message of the server's, and returns it."""
        data = data if isinstance(data, bytes) else data.encode()
        message = ForwardMsg()
        message.ParseFromString(data)
        self.names.update(name.decode() for name in _NAME.findall(data))
        if found := _COOKIE.search(data):
            self._cookie, self.owner = found[0].decode(), found[1].decode()
        element = message.delta.new_element
        if element.HasField("exception"):
            self.errors.append(f"{element.exception.type}: {element.exception.message}")
        if element.HasField("alert") and element.alert.format == Alert.ERROR:
            self.errors.append(element.alert.body)
        if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.errors.append("a page did not compile")
        return message


class Caller(_AnyPupil):
    """Speaks to the server over the websocket, without a browser."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name, address)
        self._socket: websockets.ClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._pages: dict[str, str] = {}
        self._page = self._query = ""
        # The fragments, or "" for the whole page, that run now, and those that have run since something was asked.
        self._running: list[str] = []
        self._answers: set[str] = set()
        # By a widget's key: its id, the fragment it is in, whether it is disabled.
        self._widgets: dict[str, tuple[str, str, bool]] = {}
        self._pictures: list[str] = []
        self._curve = b""
        self._moved: list[float] = []

    async def open(self, path: str) -> None:
        """Opens a link, as in a new or reloaded tab of the same browser."""
        await self.leave()
        link = urlsplit(path)
        self._page, self._query, self._running = "", link.query, []
        self._socket = await websockets.connect(
            f"{self._address.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers={"Cookie": self._cookie} if self._cookie else None,
            max_size=None,
        )
        self._listening = asyncio.create_task(self._listen(self._socket))
        await self._ask(f"the link {path!r}", page_name=link.path)

    async def go(self, page: str) -> None:
        """Clicks a page in the navigation, given by its title."""
        self._page, self._query = self._pages[page], ""
        await self._ask(f"the page {page}")

    async def press(self, key: str) -> None:
        """Clicks the button of this key."""
        await self.wait_for(key)
        await self.force(key)

    async def force(self, key: str) -> None:
        """Tries to have a disabled button's effect all the same."""
        await self._send(key, trigger_value=True)

    async def is_enabled(self, key: str) -> bool | None:
        return not self._widgets[key][2] if key in self._widgets else None

    async def draw(self, strokes: Strokes) -> None:
        """Draws on an empty sheet and waits for the models' answers."""
        await self._until(lambda: any(map(_is_sheet, self._widgets)), "the sheet")
        paths = [
            {
                "type": "Path", "originX": "center", "originY": "center", "strokeWidth": 16, "scaleX": 1, "scaleY": 1,
                "left": (min(x for x, _ in points) + max(x for x, _ in points)) / 2,
                "top": (min(y for _, y in points) + max(y for _, y in points)) / 2,
                "path": [["L" if place else "M", x, y] for place, (x, y) in enumerate(points)],
            }
            for points in strokes
        ]  # fmt: skip
        drawing = {"drawing": {"raw": {"version": "7.4.0", "objects": paths, "background": "#FFFFFF"}, "data": None}}
        await self._send(max(filter(_is_sheet, self._widgets)), json_value=json.dumps(drawing))
        await self.wait_for("drawn_was_digit")

    async def keep(self, digit: int) -> None:
        """Says what the drawing was."""
        await self._send("drawn_was_digit", string_array_value={"data": [str(digit)]})

    async def my_digits(self, expected: int) -> list[str]:
        """The names of the pictures in My digits, once there are `expected` of them."""
        await self._send("draw_tabs", string_value=":material/folder_special: My digits")
        await self._until(lambda: len(self._pictures) >= expected, "My digits")
        pictures = list(self._pictures)
        await self._send("draw_tabs", string_value=":material/draw: Draw")
        return pictures

    async def watch_curve(self) -> None:
        """Begins to look at the curve of the run that is shown."""
        self._moved = [time.monotonic()]

    async def pauses(self) -> list[float]:
        """Seconds between the curve's movements since `watch_curve`, the time before the first and to now included."""
        return [after - before for before, after in pairwise([*self._moved, time.monotonic()])]

    async def leave(self) -> None:
        """Closes the tab."""
        self._stop_timers()
        if self._listening and self._socket:
            self._listening.cancel()
            await self._socket.close()
        self._listening = self._socket = None

    async def _until(self, is_so: Callable[[], object], what: str) -> None:
        async with patience(f"no answer to {what}"):
            while not is_so():
                await asyncio.sleep(0.02)

    async def _send(self, key: str, **value: object) -> None:
        widget, fragment, _ = self._widgets[key]
        await self._ask(key, fragment, WidgetState(id=widget, **value))  # type: ignore[arg-type]

    async def _ask(self, what: str, fragment: str = "", *states: WidgetState, page_name: str = "") -> None:
        """Has the page run, or a fragment of it, and waits until it has; a fragment may have the whole page run."""
        self._answers.clear()
        await self._request(fragment, *states, page_name=page_name)
        await self._until(lambda: {fragment, ""} & self._answers, what)

    async def _request(self, fragment: str, *states: WidgetState, page_name: str = "", due: bool = False) -> None:
        message = BackMsg()
        request = message.rerun_script
        request.page_name, request.page_script_hash, request.query_string = page_name, self._page, self._query
        request.fragment_id, request.is_auto_rerun = fragment, due
        request.widget_states.widgets.extend(states)
        assert self._socket
        await self._socket.send(message.SerializeToString())

    async def _listen(self, socket: websockets.ClientConnection) -> None:
        try:
            async for data in socket:
                self._take_in(self.hear(data))
        except Exception as problem:
            self.errors.append(f"the connection broke: {problem!r}")

    def _take_in(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "new_session":
                # The end of what ran before is not sent where the next begins in the same moment.
                self._answers.update(self._running)
                self._running = list(message.metadata.run.fragment_ids) or [""]
                if self._running == [""]:
                    self._stop_timers()
                    self._widgets.clear()
                    self._pictures.clear()
            case "navigation":
                self._page = message.navigation.page_script_hash
                self._pages = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
            case "page_info_changed":
                self._query = message.page_info_changed.query_string
            case "auto_rerun":
                due = message.auto_rerun
                if due.fragment_id not in self._timers:
                    self._timers[due.fragment_id] = asyncio.create_task(self._repeat(due.fragment_id, due.interval))
            case "delta":
                self._take_in_delta(message.delta)
            case "script_finished":
                self._running = []
                # A fragment that another one waits for says that it ends early, and has done all that it had to.
                if fragments := message.metadata.run.fragment_ids:
                    self._answers.update(fragments)
                elif message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    self._answers.add("")

    def _take_in_delta(self, delta: Delta) -> None:
        part = delta.new_element if delta.HasField("new_element") else delta.add_block
        kind = part.WhichOneof("type")
        content = getattr(part, kind) if kind else None
        if content is None:
            return
        if found := _KEY.fullmatch(getattr(content, "id", "")):
            self._widgets[found[1]] = (content.id, delta.fragment_id, getattr(content, "disabled", False))
            if found[1].startswith(_CURVE):
                curve = content.SerializeToString()
                if curve != self._curve and self._moved:
                    self._moved.append(time.monotonic())
                self._curve = curve
        elif kind == "imgs":
            self._pictures += [_file(image.url) for image in content.imgs if image.alt.startswith("A drawing saved")]

    async def _repeat(self, fragment: str, interval: float) -> None:
        """Asks for a fragment again and again, every `interval` seconds."""
        while True:
            await asyncio.sleep(interval)
            with suppress(websockets.ConnectionClosed):
                await self._request(fragment, due=True)

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


class Tab(_AnyPupil):
    """Somebody in front of a real Chromium; each has a browser profile of their own."""

    def __init__(self, name: str, address: str, browser: Browser) -> None:
        super().__init__(name, address)
        self._browser = browser
        self._open: Page | None = None

    async def open(self, path: str) -> None:
        if self._open is None:
            context = await self._browser.new_context(viewport={"width": 1280, "height": 1000})
            context.set_default_timeout(1000 * PATIENCE_SECONDS)
            self._open = await context.new_page()
            self._open.on("websocket", lambda socket: socket.on("framereceived", self.hear))
            self._open.on("console", self._note)
            self._open.on("pageerror", lambda error: self.errors.append(str(error)))

        async def arrive(page: Page) -> None:
            await page.goto(f"{self._address}/{path}")
            await page.get_by_test_id("stSidebarNav").wait_for()

        await self._after(arrive)

    async def go(self, page: str) -> None:
        async def walk(tab: Page) -> None:
            await tab.get_by_test_id("stSidebarNav").get_by_role("link", name=page).click()
            path = "/" if page == "Start" else f"/{page.lower()}"
            await tab.wait_for_url(lambda url: urlsplit(url).path == path)

        await self._after(walk)

    async def press(self, key: str) -> None:
        await self._after(lambda page: page.locator(f".st-key-{key} button").first.click())

    async def force(self, key: str) -> None:
        # As with the browser's tools.
        button = self._tab.locator(f".st-key-{key} button").first
        await button.evaluate("node => { node.disabled = false; node.click(); }")

    async def is_enabled(self, key: str) -> bool | None:
        # In one look: a button that is found first may be gone when it is asked, and would be waited for.
        enabled: bool | None = await self._tab.locator(f".st-key-{key} button").evaluate_all(
            "buttons => buttons.length ? !buttons[0].disabled : null"
        )
        return enabled

    async def draw(self, strokes: Strokes) -> None:
        await self._tab.get_by_text("Draw a digit from 0 to 9 on the sheet").wait_for()
        # A new sheet takes the place of the old one a moment later.
        await asyncio.sleep(1)
        mouse, box = self._tab.mouse, await self._tab.locator("canvas.upper-canvas").bounding_box()
        assert box
        for (x, y), *rest in strokes:
            await mouse.move(box["x"] + x, box["y"] + y)
            await mouse.down()
            for x, y in rest:
                await mouse.move(box["x"] + x, box["y"] + y)
            await mouse.up()
        await self._tab.locator(".st-key-drawn_was_digit").wait_for()

    async def keep(self, digit: int) -> None:
        await self._tab.locator(".st-key-drawn_was_digit").get_by_text(str(digit), exact=True).click()
        await self._tab.get_by_text(re.compile(f"My digits as an? {digit}")).wait_for()

    async def my_digits(self, expected: int) -> list[str]:
        await self._after(lambda page: page.get_by_role("tab", name="My digits").click())
        pictures = self._tab.get_by_alt_text("A drawing saved")
        await pictures.nth(expected - 1).wait_for()
        names = [_file(str(await picture.get_attribute("src"))) for picture in await pictures.all()]
        await self._after(lambda page: page.get_by_role("tab", name="Draw", exact=False).first.click())
        return names

    async def watch_curve(self) -> None:
        # Five times a second the page looks whether the drawn line is another one.
        await self._tab.evaluate(
            """name => {
                let line;
                const moved = globalThis.moved = [performance.now()];
                setInterval(() => {
                    const lines = document.querySelectorAll(`[class*="st-key-${name}"] path.js-line`);
                    const now = [...lines].map((path) => path.getAttribute("d")).join();
                    if (now && now !== line) moved.push(performance.now());
                    line = now;
                }, 200);
            }""",
            _CURVE,
        )

    async def pauses(self) -> list[float]:
        times: list[float] = await self._tab.evaluate("[...moved, performance.now()]")
        return [(after - before) / 1000 for before, after in pairwise(times)]

    async def leave(self) -> None:
        if page := self._open:
            self._open = None
            await page.context.close()

    @property
    def _tab(self) -> Page:
        assert self._open
        return self._open

    async def _after(self, act: Callable[[Page], Awaitable[object]]) -> None:
        """Acts, and waits until the server has run what follows from it."""
        await act(self._tab)
        # The page says a moment later that it runs.
        await asyncio.sleep(0.1)
        await self._tab.locator('[data-test-script-state="notRunning"]').wait_for()

    def _note(self, message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not _HARMLESS.search(said):
            self.errors.append(said)


Pupil = Caller | Tab
"""Both can do the same."""


@asynccontextmanager
async def patience(what: str) -> AsyncIterator[None]:
    """Raises a TimeoutError that tells `what` there was not, if it takes longer than anybody would wait."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield
    except TimeoutError:
        raise TimeoutError(f"{what} within {PATIENCE_SECONDS:.0f} s") from None


def _is_sheet(key: str) -> bool:
    return key.startswith("canvas_")


def _file(url: str) -> str:
    """The name of a picture's file, which Streamlit makes from its content."""
    return urlsplit(url).path.rpartition("/")[2].partition(".")[0]
