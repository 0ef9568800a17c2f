"""A network that is slow: all that a server says arrives some time later."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def late(address: str, seconds: float) -> Iterator[str]:
    """Another address of the same server, from which every byte comes `seconds` later; the same one if that is 0."""
    if not seconds:
        yield address
        return
    port = urlsplit(address).port
    assert port
    loop = asyncio.new_event_loop()
    # A thread of its own, since Playwright's loop runs in this one.
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(_listen(port, seconds), loop).result()
    try:
        yield f"http://localhost:{listening.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _listen(port: int, seconds: float) -> asyncio.Server:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("localhost", port)
        await asyncio.gather(_pass_on(reader, to_server, 0), _pass_on(from_server, writer, seconds))

    return await asyncio.start_server(connect, "127.0.0.1", 0)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Passes on all that comes, each part `seconds` after it came, in the same order."""
    loop = asyncio.get_running_loop()

    def write(part: bytes) -> None:
        if not writer.is_closing():
            writer.write(part)

    try:
        while part := await reader.read(1 << 16):
            loop.call_later(seconds, write, part)
    except OSError:
        pass
    loop.call_later(seconds, writer.close)
