"""Answers DNS queries from a policy function; asks nobody, so no query leaves with its bytes."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple, cast

from pai.wire.dns.message import (
    FORMERR,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    DnsFormatError,
    Message,
    decode,
    encode_response,
)

TCP_CONNECTIONS = 64
TCP_IDLE_SECONDS = 5.0
MAX_QUERY_BYTES = 4096


class Answer(NamedTuple):
    """What a policy says: known=False is NXDOMAIN; no address of the asked type is empty."""

    addresses: tuple[str, ...] = ()
    known: bool = True
    ttl_seconds: int = 5


Policy = Callable[[str, int], Answer]
"""(lower-case name without final dot, query type) to answer; must not block."""


def respond(data: bytes, policy: Policy) -> bytes | None:
    """Return the response to one query, None when it deserves none. Pure but for `policy`."""
    if len(data) < 12 or data[2] & 0x80:
        return None  # a response is never answered: two responders would talk forever
    try:
        query = decode(data)
    except DnsFormatError:
        return encode_response(int.from_bytes(data[:2], "big"), None, rcode=FORMERR)
    return _respond(query, policy)


def _respond(query: Message, policy: Policy) -> bytes:
    if query.opcode != 0:
        return encode_response(query.id, None, rcode=NOTIMP)
    if not query.questions:
        return encode_response(query.id, None, rcode=FORMERR)
    question = query.questions[0]
    answer = policy(question.name, question.qtype)
    rcode = NOERROR if answer.known else NXDOMAIN
    addresses = answer.addresses if answer.known else ()
    return encode_response(query.id, question, addresses, rcode=rcode, ttl=answer.ttl_seconds)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        answer = respond(data, self._policy)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


class _Tcp(asyncio.Protocol):
    def __init__(self, policy: Policy, connections: set["_Tcp"]) -> None:
        self._policy = policy
        self._connections = connections
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        if len(self._connections) > TCP_CONNECTIONS:
            self.transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TCP_IDLE_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        assert self.transport is not None
        while len(self._buffer) >= 2:
            (size,) = struct.unpack_from("!H", self._buffer)
            if size > MAX_QUERY_BYTES:
                self.transport.abort()
                return
            if len(self._buffer) < 2 + size:
                return
            query, self._buffer = self._buffer[2 : 2 + size], self._buffer[2 + size :]
            answer = respond(query, self._policy)
            if answer is None:
                self.transport.abort()
                return
            self.transport.write(struct.pack("!H", len(answer)) + answer)

    def eof_received(self) -> None:
        return None


class DnsResponder:
    """A DNS server over UDP and TCP whose answers come from `policy`."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[_Tcp] = set()
        self.port = 0

    async def listen(self, host: str, port: int) -> None:
        """Bind both sockets. port 0: any, the same for both, see `port`.

        Raises OSError when an address is taken.
        """
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        datagrams = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        stream = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stream.bind((host, port))
            self.port = stream.getsockname()[1]
            datagrams.bind((host, self.port))
            self._server = await loop.create_server(
                lambda: _Tcp(self._policy, self._connections), sock=stream
            )
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Udp(self._policy), sock=datagrams
            )
        except OSError:
            datagrams.close()
            stream.close()
            raise

    def close(self) -> None:
        """Stop answering."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            if connection.transport is not None:
                connection.transport.abort()
