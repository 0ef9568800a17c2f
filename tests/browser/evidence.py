"""What is kept of a browser test that fails: a screenshot of each page, traces, the console, and the server's log."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.conftest import EVIDENCE

LAST_LINES = 20

COMPLAINT = re.compile(r"Traceback|Error|WARNING|Warning|Exception|terminate called")
"""What a server's log must not have."""

# Streamlit's page asks its maker's host for a manifest, which no closed network answers, and on a link to a page it
# first looks for the server below that page.
_PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")
# Streamlit forgets the pictures of a page's former run at once, also those that the browser is still fetching. The
# browser says so with the picture's address, and Streamlit's script does in its words.
_PICTURE_LEFT_BEHIND = re.compile(r"/media/\w+\.\w+$")
_FOREIGN = re.compile(r"net::ERR_(NAME_NOT_RESOLVED|INTERNET_DISCONNECTED|CONNECTION_\w+|TUNNEL\w+)")


@dataclass
class Evidence:
    """The browser contexts of a test, and what they and the server have said since it began."""

    name: str
    contexts: list[BrowserContext] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    logs: list[tuple[Path, int]] = field(default_factory=list)

    def new_page(self, browser: Browser, **options: Any) -> Page:
        """A page of a visitor who was never there before; every step is traced."""
        context = browser.new_context(**options)
        self.contexts.append(context)
        # Without a film of it, which takes more of the processor than all else that the page does.
        context.tracing.start(snapshots=True, sources=True)
        page = context.new_page()
        page.on("console", self._note_message)
        page.on("pageerror", self._note_error)
        return page

    def follow(self, log: Path) -> None:
        """From now on, what is written to this file belongs to the test."""
        self.logs.append((log, len(log.read_text("utf-8"))))

    def complaints(self) -> list[str]:
        """What nobody may say while a page is used."""
        return [*self.errors, *(line for line in self._server_lines() if COMPLAINT.search(line))]

    def save(self) -> list[tuple[str, str]]:
        """Writes all of it to a folder of the test's own; returns the last lines of each text with a title."""
        folder = EVIDENCE / re.sub(r"[^\w-]+", "-", self.name)[-150:]
        folder.mkdir(parents=True, exist_ok=True)
        for number, context in enumerate(self.contexts, start=1):
            for place, page in enumerate(context.pages, start=1):
                page.screenshot(path=folder / f"page-{number}-{place}.png")
            context.tracing.stop(path=folder / f"trace-{number}.zip")
        said = []
        for name, lines in [("console", self.console), ("server", self._server_lines())]:
            (folder / f"{name}.txt").write_text("\n".join(lines), "utf-8")
            said.append((f"last lines of the {name}, all in {folder}", "\n".join(lines[-LAST_LINES:]) or "nothing"))
        return said

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.contexts.clear()

    def _server_lines(self) -> list[str]:
        return [line for log, before in self.logs for line in log.read_text("utf-8")[before:].splitlines()]

    def _note_message(self, message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        self.console.append(f"{message.type}: {message.text} {url}")
        left_behind = _PICTURE_LEFT_BEHIND.search(url) or _PICTURE_LEFT_BEHIND.search(message.text)
        harmless = _PROBE.search(url) or left_behind or _FOREIGN.search(message.text)
        if message.type == "error" and not harmless:
            self.errors.append(self.console[-1])

    def _note_error(self, error: Exception) -> None:
        self.console.append(f"page error: {error}")
        self.errors.append(self.console[-1])
