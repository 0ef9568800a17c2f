"""What the Makefile runs. On Windows, run it directly: `py make.py app`.

Every command first brings the virtual environment `.venv` up to date, then starts a tool in it. This file uses the
standard library only, since nothing else is installed yet.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = "Scripts/python.exe" if os.name == "nt" else "bin/python"
PYTHON = VENV / BIN
INSTALLED = VENV / "installed.txt"  # the text of the requirements files whose packages are all installed
UNFINISHED = "unfinished"

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
SMALL = "about 0.4 GB to download, 1.9 GB on disk"
LARGE = "about 2.9 GB to download, 5.4 GB on disk"

LINT = (
    ["-m", "ruff", "check", "."],
    ["-m", "ruff", "format", "--check", "."],
    ["-m", "mypy", "--num-workers", "2", "app.py", "make.py", "pages", "ui", "mlpcore", "benchmarks", "tests"],
    ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo"],
)
BENCHMARKS = "training_speed dashboard_cost drawing_latency side_by_side inside_latency stored_runs"

FULL_DISK = r"No space left|\[Errno 28\]|\[Errno 122\]"  # 122: the quota is used up
EXPLANATIONS = {
    FULL_DISK: f"The disk is full. The packages need {SMALL}; with CUDA, {LARGE}. Downloads go to "
    f"{tempfile.gettempdir()} first; set TMPDIR to use another folder.",
    "NewConnectionError|NameResolutionError|TimeoutError": "The package index does not answer. Check your internet "
    "connection and try again.",
    "No matching distribution found for torch": "There is no PyTorch 2.13 for this machine. It needs 64-bit Linux or "
    "Windows, or a Mac with Apple silicon and macOS 14 or later.",
}
"""What pip's errors mean to a person, by what they contain."""


class Problem(Exception):
    """Something a person can fix; its message is all they see."""


def main(command: str = "", *arguments: str) -> int:
    """Run one of the Makefile's commands and return its exit status."""
    if command == "app":
        port = arguments[0] if arguments else "8501"
        check_port(port)
        install("requirements.txt")
        return run("-m", "streamlit", "run", "app.py", "--server.port", port)
    if command == "models":
        install("requirements.txt")
        return run("-m", "mlpcore.models", *arguments)
    if command not in ("test", "lint", "bench", "steady", "canary"):
        raise Problem("The commands are app, test, lint, bench, steady, models and canary.")
    install("requirements.txt", "requirements-dev.txt")
    if command == "lint":
        return max([run(*tool) for tool in LINT])  # a list, so that every tool runs
    os.environ["MLPLAB_CHROMIUM"] = find_browser()
    if command == "bench":
        return max([run("-m", f"benchmarks.{name}") for name in BENCHMARKS.split()])
    if command == "steady":
        return run("-m", "tests.steady", *arguments)
    return canary(*arguments) if command == "canary" else run("-m", "pytest", *arguments)


def run(*arguments: str, python: Path = PYTHON) -> int:
    """Run Python until it ends by itself: Ctrl-C reaches it too, and it may need a moment to stop cleanly."""
    with subprocess.Popen([python, *arguments], cwd=ROOT) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return abs(process.wait())


def check_port(port: str) -> None:
    """Raise a Problem if something answers there. Trying to bind would miss, on a Mac, one that listens everywhere."""
    if not port.isdecimal() or int(port) not in range(1, 65536):
        raise Problem(f"{port} is not a port. Ports are numbers from 1 to 65535, for example: make app PORT=8600")
    with contextlib.suppress(OSError):
        socket.create_connection(("localhost", int(port)), timeout=1).close()
        raise Problem(
            f"Port {port} is in use, perhaps by MLP Lab: open http://localhost:{port}. "
            f"To use another port: make app PORT={int(port) + 1}"
        )


def install(*requirements: str) -> None:
    """Make `.venv` hold what the last file lists, which includes the others. Instant if it does already."""
    wanted = "".join((ROOT / name).read_text() for name in requirements)
    with Path(__file__).open() as lock:
        if fcntl:  # wait while another terminal installs: its environment would look unfinished here, and be deleted
            fcntl.flock(lock, fcntl.LOCK_EX)
        before = INSTALLED.read_text() if INSTALLED.exists() else ""
        if wanted in before and PYTHON.exists():
            return
        if before == UNFINISHED or not usable():
            create(VENV)
            before = UNFINISHED
        INSTALLED.write_text(UNFINISHED)  # stays after an interruption: pip can take half a package for a whole one
        errors = fetch(PYTHON, requirements[-1])
        if errors is None:
            INSTALLED.write_text(wanted)
            return
        if not re.search(FULL_DISK, errors):  # pip has put back what it had replaced, so what worked still does
            INSTALLED.write_text(before)
        raise Problem(explain(errors))


def usable() -> bool:
    """Whether `.venv`, perhaps made by hand, has pip and a Python that starts and that PyTorch 2.13 supports."""
    check = "import pip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))"
    return PYTHON.exists() and succeeds(PYTHON, "-c", check)


def create(folder: Path) -> Path:
    """Create an empty virtual environment in place of whatever is there, and return its Python."""
    if not importlib.util.find_spec("ensurepip"):
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise Problem(f"This Python lacks ensurepip. On Debian and Ubuntu, install it with: sudo apt install {package}")
    if folder.exists():
        print(f"{folder.name} is incomplete or broken; creating it again.")
        shutil.rmtree(folder)
    folder.mkdir()
    (folder / INSTALLED.name).write_text(UNFINISHED)
    # Not sys.executable: if the person has activated .venv, that has just been deleted.
    errors = attempt(getattr(sys, "_base_executable", sys.executable), "-m", "venv", folder)
    if errors is not None:
        raise Problem(explain(errors))
    return folder / BIN


def fetch(python: Path, requirements: str) -> str | None:
    """Install what a requirements file lists, and return pip's errors if it failed."""
    configuration = read(python, "-m", "pip", "config", "list")
    there = "torch==2.13.0" in read(python, "-m", "pip", "list", "--format=freeze")
    cpu, sentence = (False, "") if there else choose_build(configuration)
    print(f"Installing the packages in {requirements}. The first time, this takes a few minutes. {sentence}")
    uv = shutil.which("uv")
    if uv and not re.search("index|find-links|constraint|proxy|cert", configuration):  # uv does not read pip's
        backend = ["--torch-backend", "cpu"] if cpu else []
        command: tuple[str | Path, ...] = (uv, "pip", "install", "--python", python, *backend, "-r", requirements)
        if not subprocess.run(command, cwd=ROOT).returncode:
            return None
        print("uv could not install them; trying pip.")
    extra = ["--extra-index-url", CPU_INDEX] if cpu else []  # in addition to those of the person's configuration
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    return attempt(python, "-m", "pip", "install", "--disable-pip-version-check", *quiet, *extra, "-r", requirements)


def choose_build(configuration: str) -> tuple[bool, str]:
    """Whether to add PyTorch's CPU index, given what `pip config list` says, and a sentence that says why.

    On Linux, PyPI has the CUDA build. pip prefers the CPU index's 2.13.0+cpu to it, and likewise for torchvision.
    """
    if re.search(r"\.index-url|no-index|pytorch", configuration):
        return False, "PyTorch comes from the package index that you have set for pip."
    if sys.platform != "linux":
        return False, f"That is {SMALL}."
    if shutil.which("nvidia-smi"):
        return False, f"There is an NVIDIA card, so PyTorch comes with CUDA: {LARGE}."
    if answers(f"{CPU_INDEX}/torch/"):
        return True, f"There is no NVIDIA card, so PyTorch's CPU build is enough: {SMALL}."
    return False, f"PyTorch's CPU index does not answer, so PyTorch comes from PyPI, usually with CUDA: {LARGE}."


def answers(url: str, seconds: float = 5) -> bool:
    """Whether it does in time: a process of its own can be ended even while it looks up a name."""
    return succeeds(sys.executable, "-c", f"import urllib.request; urllib.request.urlopen({url!r})", seconds=seconds)


def attempt(*command: str | Path) -> str | None:
    """Run pip or venv and return its errors if it failed. After Ctrl-C it may still delete what it has downloaded."""
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        errors = process.communicate()[1]
    return errors if process.returncode else None


def explain(errors: str) -> str:
    """What lies behind the errors of pip or venv, or else the errors themselves."""
    if shutil.disk_usage(ROOT).free < 50e6:  # venv does not say so itself
        errors = "No space left"
    told = "\n".join(line for line in errors.splitlines() if not line.startswith("WARNING"))
    known = (sentence for pattern, sentence in EXPLANATIONS.items() if re.search(pattern, errors))
    return next(known, f"{told}\n\nThe packages could not be installed; the lines above say why.")


def canary(*arguments: str) -> int:
    """Run the tests with the newest packages that the requirements permit, in an environment that is then deleted."""
    with tempfile.TemporaryDirectory() as folder:
        new = create(Path(folder, "venv"))
        errors = fetch(new, "requirements-dev.txt")
        if errors is not None:
            raise Problem(explain(errors))
        usual, newest = (
            set(read(python, "-m", "pip", "list", "--format=freeze").splitlines()) for python in (PYTHON, new)
        )
        print("What differs from .venv:" if usual != newest else "All versions are those in .venv.")
        for package in sorted(usual ^ newest, key=str.lower):
            print("newest:" if package in newest else ".venv: ", package)
        return run("-m", "pytest", *arguments, python=new)


def read(*command: str | Path) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True).stdout


def find_browser() -> str:
    """Return the path of a Chromium, or "" for Playwright's own; the tests read it in MLPLAB_CHROMIUM."""
    # The one without a window of its own first: the other draws one for each test, which nobody sees.
    names = ("chromium-headless-shell", "google-chrome", "chromium", "chromium-browser", "chrome")
    if found := os.environ.get("MLPLAB_CHROMIUM") or next(filter(None, map(shutil.which, names)), ""):
        return found
    print("Playwright's Chromium is used for the browser tests (about 110 MB to download the first time).")
    if succeeds(PYTHON, "-m", "playwright", "install", "--only-shell", "chromium"):
        return ""
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("It could not be downloaded. Installing Debian's package chromium-headless-shell.")
        if succeeds("apt-get", "update") and succeeds(
            "apt-get", "-y", "--no-install-recommends", "install", "chromium-headless-shell"
        ):
            return "/usr/bin/chromium-headless-shell"
    raise Problem(
        "The browser tests need Chromium, and Playwright's own could not be downloaded. Install Chrome or Chromium, or "
        'run the other tests only: make test ARGS="--ignore tests/browser"'
    )


def succeeds(*command: str | Path, seconds: float = 900) -> bool:
    """Run a command silently and return whether it succeeded in time."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "5000"}
    with contextlib.suppress(subprocess.TimeoutExpired):
        return not subprocess.run(command, capture_output=True, env=env, timeout=seconds).returncode
    return False


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # ahead of what the next program prints
    try:
        sys.exit(main(*sys.argv[1:]))
    except Problem as problem:
        sys.exit(f"\n{problem}")
    except OSError as error:
        sys.exit(f"\n{explain(str(error))}")
    except KeyboardInterrupt:
        sys.exit(130)
