"""Nameservers on loopback that answer with what a function makes of each query."""

import asyncio
from collections.abc import Awaitable, Callable

from pai.wire.dns.message import decode, encode_response

Stream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_TRIES = 20


class Server(asyncio.DatagramProtocol):
    """Answers with what a function makes of each query."""

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self._answer = answer
        self.asked = 0
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self.asked += 1
        assert self.transport is not None
        for answer in self._answer(data):
            self.transport.sendto(answer, addr)


async def start(answer: Callable[[bytes], list[bytes]]) -> tuple[Server, str]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: Server(answer), local_addr=("127.0.0.1", 0)
    )
    return server, f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"


async def start_with_tcp(
    answer: Callable[[bytes], list[bytes]], tcp: Stream
) -> tuple[Server, asyncio.Server, str]:
    """Listen on one port for both; what is free for one may be taken for the other."""
    loop = asyncio.get_running_loop()
    for _ in range(_TRIES):
        listener = await asyncio.start_server(tcp, "127.0.0.1", 0)
        place = listener.sockets[0].getsockname()
        try:
            _, server = await loop.create_datagram_endpoint(
                lambda: Server(answer), local_addr=place
            )
        except OSError:
            listener.close()
        else:
            return server, listener, f"127.0.0.1:{place[1]}"
    raise RuntimeError(f"no port is free for both in {_TRIES} tries")


def stop(*servers: Server) -> None:
    for server in servers:
        if server.transport is not None:
            server.transport.close()


def good(data: bytes, *, ttl: int = 60) -> list[bytes]:
    query = decode(data)
    return [encode_response(query.id, query.questions[0], ["1.2.3.4", "2606::1"], ttl=ttl)]
