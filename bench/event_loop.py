"""What the runtime costs: bytes passed on between two sockets by the gateway's own event loop.

`python -m bench.event_loop PORT UPSTREAM`. Each client has a connection of its own to the upstream.
Nothing is read, so no program on this event loop can do with less.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop

from bench.process import free_port, running
from bench.target import Target, Way


class End(asyncio.Protocol):
    """One side of a pair; what comes goes to the other. early: what came before there was one."""

    def __init__(self, other: "End | None" = None) -> None:
        self.other = other
        self.early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()


class Client(End):
    """The side that was accepted. Without an upstream there is no measurement: it closes."""

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self.upstream = upstream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.task = asyncio.get_running_loop().create_task(self.join())
        self.task.add_done_callback(self.joined)

    def joined(self, task: asyncio.Task[None]) -> None:
        """Give up without an upstream: the load generator counts it as an error."""
        if task.exception():
            self.transport.abort()

    async def join(self) -> None:
        """Connect to the upstream and send what has come so far."""
        loop = asyncio.get_running_loop()
        _, other = await loop.create_connection(lambda: End(self), "127.0.0.1", self.upstream)
        self.other = other
        if self.early:
            other.transport.write(self.early)


async def serve(port: int, upstream: int) -> None:
    """Serve until ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(upstream), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


@contextmanager
def event_loop(folder: Path, upstream: int) -> Iterator[Target]:
    """Run it in front of the mock."""
    port = free_port()
    command = [sys.executable, "-m", "bench.event_loop", str(port), str(upstream)]
    with running(command, ready=port, cpu=0, log=folder / "event-loop.log") as started:
        way = Way("gpt-test")
        yield Target("event loop", port, started, way, idle_mib=started.rss_mib())


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
