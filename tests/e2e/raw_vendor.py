"""A vendor that answers with whatever bytes a test wants, and a client that sends any bytes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

from tests.e2e.gateway_stage import TOKEN, Stage, Vendor, binding, snapshot

from pai.ir.agent import Limits, Retry, Timeouts
from pai.ir.snapshot import GatewaySnapshot

Play = Callable[[asyncio.StreamWriter], Awaitable[None]]
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
MIB = 1024 * 1024
PIECE = b"x" * 65536


class RawVendor:
    """play: writes the answer to the next requests. bodies: what was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.bodies: list[bytes] = []
        self.play: Play = json_answer(b"{}")
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def stop(self) -> None:
        """End what is still being answered."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.bodies.append(await reader.readexactly(int(length or 0)))
            await self.play(writer)

    def snapshot(self, vendor: Vendor) -> GatewaySnapshot:
        """Return a snapshot with one model of each provider, all at this vendor."""
        models = tuple(
            binding(
                vendor,
                name,
                provider=provider,
                endpoint=f"http://127.0.0.1:{self.port}{path}",
                retry=Retry(max_attempts=1),
                timeouts=Timeouts(first_byte_seconds=1.0, idle_seconds=1.0, total_seconds=4.0),
            )
            for name, provider, path in (
                ("main", "openai", "/v1"),
                ("claude", "anthropic", ""),
                ("flash", "gemini", ""),
            )
        )
        return snapshot(vendor, agent_limits=Limits(100_000_000, None), bindings=models)


def json_answer(body: bytes, length: int | None = None) -> Play:
    """Return an answer of JSON. length: what it says of itself, where that is not so."""
    stated = len(body) if length is None else length

    async def play(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % stated + body)
        await writer.drain()

    return play


def endless_event(start: bytes, size: int) -> Play:
    """Return a stream whose first event has `size` bytes and no end."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(EVENTS + start)
        for _ in range(size // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()

    return play


def dripping(event: bytes, seconds: float) -> Play:
    """Return a stream that never ends."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(EVENTS)
        while not writer.is_closing():
            writer.write(event)
            await writer.drain()
            await asyncio.sleep(seconds)

    return play


def request(path: str, body: bytes, *fields: bytes, method: bytes = b"POST") -> bytes:
    """Return a request as bytes. fields: more header lines."""
    own = [b"host: x", b"authorization: Bearer " + TOKEN.encode(), b"connection: close", *fields]
    if not any(each.startswith(b"transfer-encoding") for each in fields):
        own.append(b"content-length: %d" % len(body))
    return b"%b %b HTTP/1.1\r\n%b\r\n\r\n%b" % (method, path.encode(), b"\r\n".join(own), body)


async def ask(world: Stage, message: bytes) -> tuple[int, bytes]:
    """Send bytes; return the answer's status (0 where there is none) and its last 64 KiB."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    first = last = b""
    with suppress(ConnectionError):
        writer.write(message)
        await writer.drain()
    with suppress(ConnectionError):
        while data := await reader.read(MIB):
            first = first or data
            last = (last + data)[-65536:]
    writer.close()
    return int(first[9:12] or b"0"), last


def resident_bytes(world: Stage, *, peak: bool = False) -> int:
    """Return the worker's memory; peak: the most since `forget_peak`."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{world.workers[0].pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise AssertionError("the worker is gone")


def forget_peak(world: Stage) -> int:
    """Start anew with the peak; return the memory now."""
    Path(f"/proc/{world.workers[0].pid}/clear_refs").write_text("5")
    return resident_bytes(world)
