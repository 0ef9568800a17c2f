"""What an open Train page costs the training: paired ratios of seconds per epoch, page open over page closed.

The real server runs in this process, so that its queue can be asked for the seconds of every epoch. One long run (two
hidden layers, one thread) trains all the while. A round measures an epoch with the page closed and the next whole one
with the page open, first in a bare client that keeps the live fragments going but draws nothing (the server's share
alone), then in headless Chromium on the same machine. An epoch in which the page opens or closes does not count.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/dashboard_cost.py`

from benchmarks.serving import chromium, measure_beside_app
from mlpcore import datasets, runs
from mlpcore.experiment import TUTORIAL_PRESETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="pairs of epochs, for either client (default 10)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout")
    parser.add_argument("--bare-client", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare_client:
        asyncio.run(keep_page_alive(arguments.bare_client))
        return
    datasets.fetch("mnist")
    measure_beside_app(partial(measure, arguments))


def measure(arguments: argparse.Namespace, app: str) -> None:
    """Runs all rounds and prints seconds per epoch and ratios."""
    with chromium() as browser:

        @contextmanager
        def in_browser(url: str) -> Iterator[None]:
            page = browser.new_page()
            page.goto(url)
            yield
            page.close()

        run = runs.queue.submit(TUTORIAL_PRESETS["two-hidden"].changed(epochs=1000, threads=1))
        url = f"{app}/train?run={run.id}"
        ratios: dict[str, list[float]] = {"server": [], "browser": []}
        for number in range(1, arguments.rounds + 1):
            for name, opened in [("server", in_bare_client), ("browser", in_browser)]:
                closed = seconds_of_next_epoch(run)
                with opened(url):
                    open_ = seconds_of_next_epoch(run)
                ratios[name].append(open_ / closed)
                print(f"round {number}: closed {closed:.2f} s, {name} {open_:.2f} s an epoch", file=sys.stderr)
    summary = {
        name: {"ratio": statistics.median(values), "lowest": min(values), "highest": max(values)}
        for name, values in ratios.items()
    }
    if arguments.json:
        print(json.dumps(summary))
    else:
        for name, figures in summary.items():
            print(
                f"page open / closed, {name}: {figures['ratio']:.2f} "
                f"(lowest {figures['lowest']:.2f}, highest {figures['highest']:.2f})"
            )


def seconds_of_next_epoch(run: runs.Run) -> float:
    """Waits for the next epoch that lies wholly after this moment."""
    under_way = len(run.history.epochs)
    while len(run.history.epochs) < under_way + 2:
        time.sleep(0.02)
    return run.history.epochs[under_way + 1].seconds


@contextmanager
def in_bare_client(url: str) -> Iterator[None]:
    """The page without a browser: a process that asks for every live fragment when it is due."""
    client = subprocess.Popen([sys.executable, __file__, "--bare-client", url])
    try:
        yield
    finally:
        client.terminate()
        client.wait()


async def keep_page_alive(url: str) -> None:
    """Opens the page over the websocket as a browser does and reruns its fragments at their intervals."""
    page, _, query = url.partition("?")
    socket_url = f"{page.removesuffix('/train').replace('http', 'ws', 1)}/_stcore/stream"
    async with websockets.connect(socket_url, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        first = BackMsg()
        first.rerun_script.query_string = query
        first.rerun_script.page_name = "train"
        await socket.send(first.SerializeToString())
        timers: dict[str, asyncio.Task[None]] = {}
        async for data in socket:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            if message.HasField("auto_rerun"):
                due = message.auto_rerun
                if due.fragment_id not in timers:
                    timers[due.fragment_id] = asyncio.create_task(
                        rerun_fragment(socket, query, due.fragment_id, due.interval)
                    )


async def rerun_fragment(socket: websockets.ClientConnection, query: str, fragment: str, interval: float) -> None:
    """Asks for one fragment again and again, every `interval` seconds."""
    while True:
        await asyncio.sleep(interval)
        again = BackMsg()
        again.rerun_script.query_string = query
        again.rerun_script.fragment_id = fragment
        again.rerun_script.is_auto_rerun = True
        await socket.send(again.SerializeToString())


if __name__ == "__main__":
    main()
