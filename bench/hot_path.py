"""Python's share of one gateway request, without kernel, load generator or neighbours' noise.

`python -m bench.hot_path [--calls]`: real service, desk, server and pool objects over transports in
memory. Prints processor time and Python calls for each request; --calls lists where they go.
"""

import asyncio
import cProfile
import gc
import pstats
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from bench.call import CHAT, JSON, SSE, body
from bench.gateway import TOKEN, snapshot
from bench.mock import PLAIN, STREAM
from pai.gateway.desk import Desk
from pai.gateway.figures import Figures
from pai.gateway.service import Service
from pai.ir.agent import Timeouts
from pai.ir.ledger import Lease
from pai.wire.connection import ServerConnection
from pai.wire.endpoint import Endpoint
from pai.wire.exchange import Exchange
from pai.wire.feed import ControlLink
from pai.wire.server import Handler, HttpServer
from pai.wire.upstream import UpstreamConnection

ROUNDS, REQUESTS, COUNTED = 20, 2000, 500
PLENTY = 10**15


class Wire(asyncio.Transport):
    """A transport in memory: what is written goes to `sink`."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.write = sink  # type: ignore[assignment,method-assign]
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Nothing comes unasked."""

    def resume_reading(self) -> None:
        """Nothing comes unasked."""


class Upstream:
    """In the dialer's place: connections to an upstream that answers in parts from memory."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts

    async def connect(
        self, endpoint: Endpoint, factory: Callable[[], UpstreamConnection], tls: object
    ) -> tuple[Wire, UpstreamConnection]:
        loop = asyncio.get_running_loop()
        connection = factory()

        def step(at: int) -> None:
            if at + 1 < len(self.parts):
                loop.call_soon(step, at + 1)
            connection.data_received(self.parts[at])

        def received(data: bytes) -> None:
            if data.endswith(b"}"):  # the body's last part
                loop.call_soon(step, 0)

        wire = Wire(received)
        connection.connection_made(wire)
        return wire, connection


async def serve(handler: Handler, request: bytes, ended: Callable[[bytes], bool], n: int) -> None:
    """Send n requests one after the other over one connection."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = n

    def answered(data: bytes) -> None:
        nonlocal left
        if data[:5] == b"HTTP/" and data[9:12] != b"200":
            done.set_exception(RuntimeError(data))
        elif ended(data):
            left -= 1
            if left:
                loop.call_soon(connection.data_received, request)
            else:
                done.set_result(None)

    server = HttpServer(handler)
    connection = ServerConnection(server)
    connection.connection_made(Wire(answered))
    connection.data_received(request)
    await done
    connection.abort()
    connection.connection_lost(None)
    await asyncio.sleep(0)


def request_bytes(stream: bool) -> bytes:
    """Return what wrk sends in the other measurements."""
    content = body(SSE if stream else JSON, "gpt-test").encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {TOKEN}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def service(parts: list[bytes]) -> Service:
    """Return a gateway's service with leases that last, and an upstream in memory."""
    desk = Desk(ControlLink.__new__(ControlLink), "gw0-0123456789abcdef")
    made = Service(desk, "gw0-0123456789abcdef", Figures(tuple, 0, None))
    made.apply(snapshot(9))
    pools: Any = made._pools
    pools._dialer = Upstream(parts)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    subjects = ("agent:default/agent", "model:default/gpt")
    desk.account.book.accept([Lease(name, day, PLENTY, PLENTY, 0) for name in subjects])
    return made


def proxy(parts: list[bytes]) -> Handler:
    """Return a handler that only passes on: the kernel's own share."""
    pools: Any = service(parts)._pools
    pool: Any = pools.of(Timeouts())
    endpoint = Endpoint("http", "127.0.0.1", 9)

    async def handle(exchange: Exchange) -> None:
        head = exchange.head
        sent = await pool.send(endpoint, head.method, head.target, head.headers, exchange)
        await exchange.relay(sent)

    return handle


def json_ended(data: bytes) -> bool:
    """Say whether the client has its whole answer."""
    return True


def stream_ended(data: bytes) -> bool:
    """Say whether the client has its whole stream."""
    return data.endswith(b"0\r\n\r\n")


Case = tuple[str, Callable[[list[bytes]], Handler], bool]
CASES: list[Case] = [
    ("proxy JSON", proxy, False),
    ("gateway JSON", lambda parts: service(parts).handle, False),
    ("proxy SSE", proxy, True),
    ("gateway SSE", lambda parts: service(parts).handle, True),
]


async def measure(case: Case, *, listed: bool) -> str:
    """Run one case; return its line: the fastest round counts, as noise only adds."""
    name, make, stream = case
    handler = make(STREAM if stream else [PLAIN])
    request, ended = request_bytes(stream), stream_ended if stream else json_ended
    requests = REQUESTS // 8 if stream else REQUESTS
    run: Callable[[int], Awaitable[None]] = lambda n: serve(handler, request, ended, n)  # noqa: E731
    await run(100)
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        await run(requests)
        best = min(best, time.process_time() - before)
    profile = cProfile.Profile()
    profile.enable()
    await run(COUNTED)
    profile.disable()
    stats: Any = pstats.Stats(profile)
    total, own = stats.total_calls, 0
    for (file, _, _), row in stats.stats.items():
        own += row[0] if file != "~" else 0
    if listed:
        print(name)
        stats.sort_stats("ncalls").print_stats(90)
    return (
        f"{name:14}{best / requests * 1e6:9.1f}{own / COUNTED:12.1f}{(total - own) / COUNTED:12.1f}"
    )


async def main(listed: bool) -> None:
    """Measure all cases."""
    lines = [f"{'':14}{'µs/req':>9}{'Python':>12}{'built-in':>12}  calls per request"]
    for case in CASES:
        lines.append(await measure(case, listed=listed))
    print("\n".join(lines))


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    uvloop.run(main("--calls" in sys.argv))
