"""What is over is gone at once: nothing of it waits for the garbage collector.

A worker collects rarely, and what lives through one collection waits very long for the next:
clients that hang up would make it grow.
"""

import asyncio
import gc
from collections import Counter

from tests.unit.wire.kernel import Kernel

TIMES = 20
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def streaming(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin to answer, and go on until somebody has had enough."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD)
    await reader.read()


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request in two pieces."""
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(HEAD)
        await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")


async def ask(port: int, until: bytes) -> None:
    """Ask, read until something came, and hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    await reader.readuntil(until)
    writer.transport.abort()
    await asyncio.sleep(0.005)


async def left_behind(port: int, until: bytes) -> Counter[str]:
    """Return the objects of ours that only the collector could free."""
    await ask(port, until)
    gc.collect()
    gc.disable()
    try:
        for _ in range(TIMES):
            await ask(port, until)
        await asyncio.sleep(0.05)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds = [type(each) for each in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    return Counter(kind.__name__ for kind in kinds if kind.__module__.startswith("pai."))


async def test_clients_that_hang_up_leave_nothing(kernel: Kernel) -> None:
    port = await kernel.proxy(await kernel.scripted(streaming))
    assert not await left_behind(port, b"hi\r\n")


async def test_streams_that_end_leave_nothing(kernel: Kernel) -> None:
    port = await kernel.proxy(await kernel.scripted(answering))
    assert not await left_behind(port, b"0\r\n\r\n")
