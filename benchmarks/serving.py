"""A real server and a headless Chromium for benchmarks, and a stopwatch in the page."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from streamlit.web import bootstrap

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120

TIMER = """([selector, patience, event = "mouseup"]) => {
  const place = () => document.querySelector(selector);
  globalThis.waiting = new Promise((resolve) => {
    window.addEventListener(event, () => {
      const released = performance.now(), before = place()?.innerText, content = place()?.textContent;
      const observer = new MutationObserver(() => {
        // What is to be seen takes a layout, so the cheaper question comes first.
        if (place()?.textContent === content || place()?.innerText === before) return;
        observer.disconnect();
        requestAnimationFrame(() => resolve(performance.now() - released));
      });
      observer.observe(document.body, { childList: true, subtree: true, characterData: true });
      setTimeout(() => { observer.disconnect(); resolve(null); }, patience);
    }, { once: true, capture: true });
  });
}"""
"""For `page.evaluate(TIMER, [selector, milliseconds of patience])` before a click, or with another event as third.

Makes `waiting` the milliseconds from the release of the button to the frame that shows another text there, or null.
"""

SETTLED = """([quiet, patience, event = "mouseup"]) => {
  globalThis.settled = new Promise((resolve) => {
    window.addEventListener(event, () => {
      const released = performance.now();
      let last = released;
      const observer = new MutationObserver(() => {
        requestAnimationFrame(() => { last = performance.now(); });
      });
      const main = document.querySelector('[data-testid="stMain"]');
      observer.observe(main, { childList: true, subtree: true, characterData: true });
      const asking = setInterval(() => {
        const now = performance.now();
        const rests = document.querySelector('[data-test-script-state="notRunning"]') && now - last > quiet;
        if (!rests && now - released < patience) return;
        clearInterval(asking);
        observer.disconnect();
        resolve(last - released);
      }, 50);
    }, { once: true, capture: true });
  });
}"""
"""For `page.evaluate(SETTLED, [milliseconds of rest, milliseconds of patience])` before a click.

Makes `settled` the milliseconds from the release of the button to the frame after which nothing came or went, and no
text changed, while the server has finished.
"""


@contextmanager
def server(
    script: str = "app.py",
    home: Path | None = None,
    log: Path | None = None,
    flags: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[str]:
    """A Streamlit server in a process of its own; yields its address once it answers.

    Args:
        script: what it serves, a path within this project.
        home: the folder of its runs; if None, an empty one that is deleted afterwards.
        log: the file for all that it says; if None, only its complaints are shown.
        flags: more of Streamlit's options.
        port: where it listens; if None, a free one.

    Raises:
        RuntimeError: it ended at once, or did not answer in time.
    """
    port = port or free_port()
    usual = [f"--server.port={port}", "--server.headless=true"]
    command = [sys.executable, "-m", "streamlit", "run", script, *usual, *flags]
    with tempfile.TemporaryDirectory() as empty, Path(log or os.devnull).open("w") as said:
        environment = os.environ | {"MLPLAB_HOME": str(home or empty)}
        errors = said if log else None
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=errors) as process:
            try:
                _wait_until_healthy(port, lambda: process.poll() is None)
                yield f"http://localhost:{port}"
            finally:
                process.terminate()


def measure_beside_app(measure: Callable[[str], None]) -> None:
    """Serves the app in this process, so that `measure` can ask `runs.queue`, and ends the process after it.

    The server wants the main thread; `measure` gets its address, and another. The runs are in an empty folder, which is
    deleted. The exit code is 0 unless `measure` raised something.
    """
    os.chdir(ROOT)
    port = free_port()
    threading.Thread(target=_measure_and_exit, args=(measure, port), daemon=True).start()
    flags = {"server.port": port, "server.headless": True}
    bootstrap.load_config_options(flags)
    bootstrap.run("app.py", False, [], flags)


def _measure_and_exit(measure: Callable[[str], None], port: int) -> None:
    from mlpcore import runs  # slow, and of no use to those who want a server in another process

    status = 1
    with tempfile.TemporaryDirectory() as empty:
        os.environ["MLPLAB_HOME"] = empty
        try:
            _wait_until_healthy(port)
            measure(f"http://localhost:{port}")
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            runs.queue.close()
    sys.stdout.flush()
    os._exit(status)


def free_port() -> int:
    """A port of this computer at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(port: int, is_alive: Callable[[], bool] = lambda: True) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and is_alive():
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("The server did not start.")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium: the one that MLPLAB_CHROMIUM names, or else Playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("MLPLAB_CHROMIUM") or None,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        try:
            yield browser
        finally:
            browser.close()
