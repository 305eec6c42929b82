"""Nameservers on loopback that answer with what a function makes of each query."""

import asyncio
from collections.abc import Callable

from pai.wire.dns.message import decode, encode_response


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


def stop(*servers: Server) -> None:
    for server in servers:
        if server.transport is not None:
            server.transport.close()


def good(data: bytes, *, ttl: int = 60) -> list[bytes]:
    query = decode(data)
    return [encode_response(query.id, query.questions[0], ["1.2.3.4", "2606::1"], ttl=ttl)]
