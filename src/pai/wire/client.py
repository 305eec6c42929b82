"""The pooled client: requests out, responses in, connections kept apart by credential."""

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pai.wire.deadlines import Deadlines
from pai.wire.dial import Dialer
from pai.wire.endpoint import Endpoint
from pai.wire.errors import ClientGone, UpstreamError
from pai.wire.limits import ClientLimits
from pai.wire.message import Headers
from pai.wire.response import UpstreamResponse
from pai.wire.serialize import CHUNKED, UPGRADE, content_length, request_block
from pai.wire.upstream import StaleConnection, UpstreamConnection

if TYPE_CHECKING:
    from pai.wire.exchange import Exchange

__all__ = ["ClientPool", "Endpoint", "UpstreamResponse"]

# Methods whose requests carry a length even without a body, as servers expect it (RFC 9110 8.6).
_WITH_BODY: Final = frozenset((b"POST", b"PUT", b"PATCH"))


class ClientPool:
    """Sends requests over pooled connections.

    One TLS context a pool: connections verified under different trust never mix.
    """

    def __init__(
        self,
        dialer: Dialer,
        tls: ssl.SSLContext | None = None,
        limits: ClientLimits | None = None,
    ) -> None:
        self.limits = limits or ClientLimits()
        self._dialer = dialer
        self._tls = tls
        self._idle: dict[Endpoint, list[UpstreamConnection]] = {}
        self._idle_count = 0
        self._all: set[UpstreamConnection] = set()
        self._deadlines = Deadlines()
        self._connecting = 0

    async def send(
        self,
        endpoint: Endpoint,
        method: bytes,
        target: bytes,
        headers: Headers,
        body: "bytes | Exchange | None" = None,
        *,
        owner: "Exchange | None" = None,
        on_send: Callable[[], None] | None = None,
    ) -> UpstreamResponse:
        """Send a request and return its response once the head is here.

        headers: hop-by-hop and framing fields among them are dropped; a `host` wins over the
        endpoint's. body: bytes, or an exchange whose request body is streamed on (with its
        Upgrade). owner: the exchange this is done for (an exchange as body implies it): when its
        client goes, the request is aborted. A reused connection that turns out to be closed is
        replaced once, unless the body was a stream or `on_send` is given. on_send: called when the
        request is about to leave; such a request is never sent a second time from here.

        Raises UpstreamError, ClientGone; ValueError for a head that can't be sent.
        """
        upgrade = False
        if body is not None and not isinstance(body, bytes):
            owner = body
            upgrade = body.head.upgrade is not None
            if not body.head.has_body:
                body = None
        if owner is not None and owner.client_gone:
            raise ClientGone
        framing = _framing(method, body)
        if upgrade:
            framing += UPGRADE
        block = request_block(method, target, endpoint.authority, headers, framing)
        connection = self._take(endpoint) or await self._connect(endpoint, owner)
        if on_send is not None:
            on_send()
        waiter = connection.start(block, method, body, owner, upgrade)
        try:
            return await waiter
        except asyncio.CancelledError:
            connection.cancel(waiter)
            raise
        except StaleConnection:
            if on_send is not None or (body is not None and not isinstance(body, bytes)):
                raise
        connection = await self._connect(endpoint, owner)
        waiter = connection.start(block, method, body, owner, upgrade)
        try:
            return await waiter
        except asyncio.CancelledError:
            connection.cancel(waiter)
            raise

    def _take(self, endpoint: Endpoint) -> UpstreamConnection | None:
        connections = self._idle.get(endpoint)
        while connections:
            connection = connections.pop()  # the youngest: the least likely to be stale
            self._idle_count -= 1
            connection.idle = False
            if connection.surplus or connection.closed or connection.transport.is_closing():
                connection.abort()
                continue
            return connection
        return None

    async def _connect(self, endpoint: Endpoint, owner: "Exchange | None") -> UpstreamConnection:
        if len(self._all) + self._connecting >= self.limits.connections:
            raise UpstreamError("refused", f"{endpoint.host}: too many upstream connections")
        self._connecting += 1
        seconds = self.limits.connect_seconds
        try:
            async with asyncio.timeout(seconds):
                _, connection = await self._dialer.connect(
                    endpoint, lambda: UpstreamConnection(self, endpoint), self._tls
                )
        except TimeoutError:
            reason = f"{endpoint.host}: no connection within {seconds:g} s"
            raise UpstreamError("timeout", reason) from None
        finally:
            self._connecting -= 1
        self._all.add(connection)
        self._deadlines.add(connection)
        if connection.closed or connection.transport.is_closing():
            self.forget(connection)
            raise UpstreamError("connect", f"{endpoint.host}: closed at once")
        if owner is not None and owner.client_gone:
            connection.close()
            raise ClientGone
        return connection

    def release(self, connection: UpstreamConnection) -> None:
        """Take back a connection whose response is complete."""
        waiting = self._idle.setdefault(connection.endpoint, [])
        full = len(waiting) >= self.limits.idle_per_endpoint
        if full or self._idle_count >= self.limits.idle_connections:
            connection.idle = False
            connection.close()
            return
        connection.deadline = connection.loop.time() + self.limits.keep_alive_seconds
        self._idle_count += 1
        waiting.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop a connection that has closed."""
        self._all.discard(connection)
        self._deadlines.discard(connection)
        if connection.idle:
            connection.idle = False
            waiting = self._idle.get(connection.endpoint, [])
            if connection in waiting:
                waiting.remove(connection)
                self._idle_count -= 1
            if not waiting:
                self._idle.pop(connection.endpoint, None)

    @property
    def connections(self) -> int:
        """Open connections, idle ones included."""
        return len(self._all)

    @property
    def idle(self) -> int:
        """Open connections that wait for a request."""
        return self._idle_count

    def close(self) -> None:
        """Abort every connection, busy ones included."""
        for connection in tuple(self._all):
            connection.abort()


def _framing(method: bytes, body: "bytes | Exchange | None") -> bytes:
    if body is None or body == b"":
        return content_length(0) if method in _WITH_BODY else b""
    if isinstance(body, bytes):
        return content_length(len(body))
    length = body.head.content_length
    return CHUNKED if length is None else content_length(length)
