"""Decides about a connection before its TLS handshake, by the name in its ClientHello."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from pai.wire.hello import MAX_HELLO_BYTES, NEED_MORE, NOT_TLS, ClientHello, Peek
from pai.wire.hello import peek_client_hello as parse
from pai.wire.sockets import original_destination

HELLO_SECONDS = 5.0
PENDING = 1024
_WAIT_SECONDS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)


class Accepted(NamedTuple):
    """A connection from which nothing was taken yet.

    hello: what the client announced, or NOT_TLS. The policy owns `sock`: it adopts it into an
    `HttpServer`, tunnels it with `pai.wire.tunnel.splice`, or closes it.
    """

    sock: socket.socket
    peer: tuple[str, int]
    original_dst: tuple[str, int] | None
    hello: ClientHello | Literal[Peek.NOT_TLS]


Policy = Callable[[Accepted], Awaitable[None]]


class TlsAcceptor:
    """Peeks at each connection's ClientHello and hands it to a policy.

    Made to be given to `HttpServer.listen_socket` as `on_accept`. A client that says nothing
    usable within `hello_seconds` is closed; so is one beyond `pending` that are being peeked at.
    """

    def __init__(
        self, policy: Policy, *, hello_seconds: float = HELLO_SECONDS, pending: int = PENDING
    ) -> None:
        self._policy = policy
        self._hello_seconds = hello_seconds
        self._pending_limit = pending
        self._pending = 0

    async def __call__(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        """Peek at one accepted socket and hand it over."""
        if self._pending >= self._pending_limit:
            sock.close()
            return
        self._pending += 1
        try:
            hello = await peek(sock, self._hello_seconds)
        except (OSError, TimeoutError):
            sock.close()
            return
        finally:
            self._pending -= 1
        await self._policy(Accepted(sock, peer, original_destination(sock), hello))


async def peek(
    sock: socket.socket, seconds: float = HELLO_SECONDS
) -> ClientHello | Literal[Peek.NOT_TLS]:
    """Return the ClientHello that waits in a non-blocking socket, taking nothing from it.

    Raises TimeoutError when it does not come, ConnectionError when the client closes first.
    """
    async with asyncio.timeout(seconds):
        size = 0
        pauses = 0
        while True:
            data = await _peek_more(sock, size, pauses)
            pauses = pauses + 1 if len(data) == size else 0
            size = len(data)
            hello = parse(data)
            if hello is not NEED_MORE:
                return hello
            if size >= MAX_HELLO_BYTES:
                return NOT_TLS


async def _peek_more(sock: socket.socket, seen: int, pauses: int) -> bytes:
    """Peek once there is something; a cut hello keeps the socket readable, so then sleep."""
    if seen:
        await asyncio.sleep(_WAIT_SECONDS[min(pauses, len(_WAIT_SECONDS) - 1)])
    else:
        await _readable(sock)
    try:
        data = sock.recv(MAX_HELLO_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return b""
    if not data:
        raise ConnectionResetError("the client closed before its ClientHello")
    return data


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
