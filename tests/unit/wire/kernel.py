"""Parts to build a proxied path from: scripted upstreams, proxies, raw clients."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable

from pai.ir.snapshot import Network
from pai.wire.client import ClientPool, Endpoint
from pai.wire.dial import Dialer
from pai.wire.errors import UpstreamError
from pai.wire.exchange import Exchange
from pai.wire.limits import ClientLimits, ServerLimits
from pai.wire.message import Outcome, Tap
from pai.wire.server import Handler, HttpServer

LOCAL = Network(nameservers=("127.0.0.1:9",), private_upstreams=("127.0.0.0/8", "::1"))
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Kernel:
    """Starts things on free loopback ports and ends them all."""

    def __init__(self) -> None:
        self._servers: list[HttpServer] = []
        self._pools: list[ClientPool] = []
        self._raw: list[asyncio.Server] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.outcomes: list[Outcome | str] = []

    async def server(
        self,
        handler: Handler,
        limits: ServerLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        server = HttpServer(handler, limits)
        self._servers.append(server)
        return await server.listen("127.0.0.1", 0, ssl=tls)

    @property
    def last_server(self) -> HttpServer:
        return self._servers[-1]

    def pool(
        self, limits: ClientLimits | None = None, tls: ssl.SSLContext | None = None
    ) -> ClientPool:
        pool = ClientPool(Dialer(LOCAL, declared=True), tls, limits)
        self._pools.append(pool)
        return pool

    async def scripted(self, script: Script, tls: ssl.SSLContext | None = None) -> int:
        """Start a raw server; `script` speaks for it on each connection."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await script(reader, writer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        self._raw.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def canned(self, data: bytes, *, then_close: bool = True) -> int:
        """Start an upstream that answers any first request with `data`."""

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            await writer.drain()
            if not then_close:
                await reader.read()

        return await self.scripted(script)

    async def proxy(
        self,
        upstream: int,
        *,
        limits: ServerLimits | None = None,
        client_limits: ClientLimits | None = None,
        tap: Callable[[], Tap] | None = None,
    ) -> int:
        """Start a proxy to a local port; what becomes of each request is kept in `outcomes`."""
        pool = self.pool(client_limits)

        async def handle(exchange: Exchange) -> None:
            head = exchange.head
            try:
                response = await pool.send(
                    Endpoint("http", "127.0.0.1", upstream),
                    head.method,
                    head.target,
                    head.headers,
                    exchange,
                )
                outcome = await exchange.relay(response, tap=tap() if tap else None)
                self.outcomes.append(outcome)
            except UpstreamError as error:
                self.outcomes.append(error.kind)
                await exchange.respond(502, [], error.kind.encode())

        return await self.server(handle, limits)

    async def connect(
        self, port: int, tls: ssl.SSLContext | None = None, name: str | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname=name
        )
        self._writers.append(writer)
        return reader, writer

    async def ask(self, port: int, data: bytes) -> bytes:
        """Send bytes, return all that comes until the other side closes."""
        reader, writer = await self.connect(port)
        writer.write(data)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        for server in self._servers:
            await server.drain(0.2)
        for pool in self._pools:
            pool.close()
        for raw in self._raw:
            raw.close()
        for writer in self._writers:
            with contextlib.suppress(Exception):
                await writer.wait_closed()
        await asyncio.sleep(0.01)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until `condition` holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def read_response(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one response framed by length or chunks; return head and decoded body."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
        return head, body
    if b"content-length: " in lowered:
        size = int(lowered.split(b"content-length: ")[1].split(b"\r\n")[0])
        return head, await reader.readexactly(size)
    return head, b""


GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
GET_CLOSE = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
