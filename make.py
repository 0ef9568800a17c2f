"""What the Makefile calls; on Windows call it directly: `py make.py app`.

Every command first sees to the virtual environment `.venv`, then runs the tools inside it. Only the standard library
is used here, since nothing else is installed yet. What a person can mend is a `Problem` and is said in a sentence.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STATE = VENV / "installed.txt"  # one line, with a hash, per requirements file whose packages are all there
BROWSER = VENV / "browser.txt"  # the browser found last time, so that a refused download is not tried again
UNFINISHED = "unfinished\n"

LINT = (
    ["-m", "ruff", "check", "."],
    ["-m", "ruff", "format", "--check", "."],
    ["-m", "mypy", "app.py", "make.py", "pages", "ui", "mlpcore", "benchmarks", "tests"],
    ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo"],
)
BENCHMARKS = (
    ["-m", "benchmarks.training_speed"],
    ["-m", "benchmarks.dashboard_cost"],
    ["-m", "benchmarks.drawing_latency"],
    ["-m", "benchmarks.side_by_side"],
    ["-m", "benchmarks.inside_latency"],
    ["-m", "benchmarks.stored_runs"],
)
CHROME = (
    *("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
LAUNCH = """
import sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    playwright.chromium.launch(executable_path=sys.argv[1] or None).close()
"""


class Problem(Exception):
    """Something the person can mend; its message is all they see."""


def main(command: str = "", *arguments: str) -> int:
    """Run `app [port]`, `test [pytest's arguments]`, `models [names]`, `lint` or `bench`; return its exit status."""
    if command == "app":
        port = free_port(arguments[0] if arguments else "8501")
        install("requirements.txt")
        return run("-m", "streamlit", "run", "app.py", "--server.port", port)
    if command == "models":
        install("requirements.txt")
        return run("-m", "mlpcore.models", *arguments)
    if command not in ("test", "lint", "bench"):
        raise Problem("The commands are: app, test, models, lint, bench.")
    install("requirements.txt", "requirements-dev.txt")
    if command == "lint":
        return max([run(*tool) for tool in LINT])  # a list: every tool has its say
    os.environ["MLPLAB_CHROMIUM"] = find_browser()
    if command == "test":
        return run("-m", "pytest", *arguments)
    return max([run(*benchmark) for benchmark in BENCHMARKS])


def run(*arguments: str) -> int:
    """Run the environment's Python until it ends. Ctrl-C reaches it as well, and it ends in its own way."""
    with subprocess.Popen([PYTHON, *arguments], cwd=ROOT) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return abs(process.wait())


def free_port(port: str) -> str:
    """Return the port if nobody is there yet."""
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise Problem(f"{port!r} is no port. A port is a number from 1 to 65535, for example: make app PORT=8600")
    if is_taken(int(port)):
        other = next((free for free in range(int(port) + 1, 65536) if not is_taken(free)), 8600)
        raise Problem(
            f"Port {port} is in use, perhaps by MLP Lab itself: look at http://localhost:{port}. "
            f"To start it on another port: make app PORT={other}"
        )
    return port


def is_taken(port: int) -> bool:
    """Whether something answers there. Binding instead would miss, on a Mac, who listens on all addresses."""
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except OSError:
        return False
    return True


def install(*requirements: str) -> None:
    """Make `.venv` hold what the files list. Where it does already, this takes no time and starts no process."""
    wanted = [f"{name} {hashlib.sha256((ROOT / name).read_bytes()).hexdigest()}" for name in requirements]
    with one_at_a_time():
        before = STATE.read_text() if STATE.exists() else ""
        if PYTHON.exists() and set(wanted) <= set(before.splitlines()):
            return
        if before == UNFINISHED or not usable():
            create()
            before = UNFINISHED
        STATE.write_text(UNFINISHED)  # stays if pip is interrupted: half a package can look whole to pip
        say(f"Installing what {requirements[-1]} lists into .venv. The first time takes some minutes.")
        if sys.platform == "linux" and not shutil.which("nvidia-smi") and "PIP_EXTRA_INDEX_URL" not in os.environ:
            say("Without an NVIDIA card, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu saves gigabytes.")
        quiet = [] if sys.stdout.isatty() else ["--quiet"]
        errors = attempt(PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *quiet, "-r", requirements[-1])
        if errors is not None:
            if not is_full(errors):  # pip has put back what it had replaced, so what worked still does
                STATE.write_text(before)
            raise why(errors)
        STATE.write_text("\n".join(wanted) + "\n")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait while another terminal installs: its environment would look unfinished, and be deleted."""
    with Path(__file__).open() as lock:
        with contextlib.suppress(OSError):  # a network drive that has no locks
            if fcntl:
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def usable() -> bool:
    """Whether `.venv`, made by hand perhaps, has a Python that starts, is of the right age and has pip."""
    check = "import pip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))"
    return PYTHON.exists() and succeeds(PYTHON, "-c", check)


def create() -> None:
    """Make an empty `.venv`, in place of whatever half of one is there."""
    if not importlib.util.find_spec("ensurepip"):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Problem(
            f"Python {version} here cannot make virtual environments, since its part ensurepip is missing. "
            f"On Debian and Ubuntu: sudo apt install python{version}-venv"
        )
    if VENV.exists():
        say("The virtual environment .venv is unfinished or broken: making it again.")
        shutil.rmtree(VENV)
    VENV.mkdir()
    STATE.write_text(UNFINISHED)
    # Not sys.executable: where the person has activated .venv, that has just been deleted.
    python: str = getattr(sys, "_base_executable", sys.executable)
    errors = attempt(python, "-m", "venv", VENV)
    if errors is not None:
        raise why(errors)


def attempt(*command: str | Path) -> str | None:
    """Run pip or venv and return its errors if it failed. After Ctrl-C it may still delete what it had fetched."""
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            errors = process.communicate()[1]
        except KeyboardInterrupt:
            process.communicate()
            raise
    if process.returncode < 0:
        raise Problem("The installation was killed from outside; is the memory full? Try again.")
    return errors if process.returncode else None


def why(errors: str) -> Problem:
    """What lies behind the errors of pip or venv, in words that say what to do."""
    if is_full(errors):
        return full_disk()
    if any(name in errors for name in ("NewConnectionError", "NameResolutionError", "ReadTimeoutError")):
        return Problem("The packages cannot be fetched: their index does not answer. Is this machine online?")
    if "No matching distribution found for" in errors:
        package = errors.rpartition("No matching distribution found for ")[2].split()[0]
        return Problem(
            f"There is no {package} for this machine (Python {platform.python_version()}, {platform.platform()}). "
            "PyTorch 2.13 runs on 64-bit Linux and Windows, and on Macs with Apple's processors from macOS 14 on."
        )
    told = "\n".join(line for line in errors.splitlines() if not line.startswith("WARNING"))
    return Problem(f"{told}\n\nThe packages could not be installed; the lines above say why.")


def is_full(errors: str) -> bool:
    """Whether there was no room; venv does not say so itself, hence the look at the disk."""
    said = any(f"[Errno {number}]" in errors for number in (errno.ENOSPC, errno.EDQUOT))
    return said or shutil.disk_usage(ROOT).free < 50e6


def full_disk() -> Problem:
    """The sentence for a full disk; pip downloads into the temporary folder, which may be the one that is full."""
    places = {str(ROOT), tempfile.gettempdir()}
    free = " and ".join(f"{shutil.disk_usage(place).free / 1e9:.1f} GB in {place}" for place in sorted(places))
    return Problem(
        f"The disk is full, with {free} left. The packages need 1.8 GB, with CUDA (what pip takes on Linux) 5.5 GB, "
        "and as much again while they are fetched. Make room and try again."
    )


def find_browser() -> str:
    """Return the path of a Chromium that launches, or "" for Playwright's own; tests read it in MLPLAB_CHROMIUM."""
    if given := os.environ.get("MLPLAB_CHROMIUM"):
        if launches(given):
            return given
        raise Problem(f"MLPLAB_CHROMIUM is {given}, and that is no Chromium that starts.")
    last_time = BROWSER.read_text() if BROWSER.exists() else ""
    if launches(last_time):
        return last_time
    for path in browsers():
        if launches(path):
            BROWSER.write_text(path)
            return path
    raise Problem(
        "The browser tests need Chromium: Playwright's own cannot be fetched or does not start here, and there is no "
        "other. Install Chrome or Chromium, or leave those tests out: .venv/bin/python -m pytest --ignore tests/browser"
    )


def browsers() -> Iterator[str]:
    """What to try, best first. Nothing is fetched before all that comes ahead of it has failed to launch."""
    say("Fetching Playwright's Chromium for the browser tests (some 110 MB).")
    playwright = (PYTHON, "-m", "playwright", "install", "--only-shell", "chromium")
    if succeeds(*playwright, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT="5000"):  # milliseconds
        yield ""
    yield from filter(None, map(shutil.which, CHROME))
    if shutil.which("apt-get") and os.geteuid() == 0:
        say("That failed, and there is no other: installing Debian's package chromium.")
        succeeds("apt-get", "-q", "update")
        if succeeds("apt-get", "-qy", "--no-install-recommends", "install", "chromium"):
            yield "/usr/bin/chromium"


def launches(browser: str) -> bool:
    """Whether Playwright can start it: one that is there may still lack a library of the system."""
    return succeeds(PYTHON, "-c", LAUNCH, browser)


def succeeds(*command: str | Path, **environment: str) -> bool:
    """Run a command without a word and say whether it ended well, and within a quarter of an hour."""
    none = subprocess.DEVNULL
    with contextlib.suppress(subprocess.TimeoutExpired):
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"} | environment
        return not subprocess.run(command, stdin=none, stdout=none, stderr=none, env=env, timeout=900).returncode
    return False


def say(words: str) -> None:
    """Print at once, so that it stands before what the next program prints."""
    print(words, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Problem as problem:
        sys.exit(f"\n{problem}")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        sys.exit(f"\n{full_disk() if full else f'{error.strerror}: {error.filename}'}")
    except KeyboardInterrupt:
        sys.exit(130)
