"""The HTTP/1.1 server: listeners, their connections, and how they end."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable

from pai.wire.connection import ServerConnection
from pai.wire.deadlines import Deadlines
from pai.wire.errors import Malformed
from pai.wire.exchange import Exchange
from pai.wire.limits import ServerLimits
from pai.wire.sockets import listening_socket, listening_unix_socket
from pai.wire.tasks import spawn

Handler = Callable[[Exchange], Awaitable[None]]
Refused = Callable[[tuple[str, int], tuple[str, int] | None, Malformed], None]
"""(peer, original destination, why) for each request that was refused before any handler."""
OnAccept = Callable[[socket.socket, tuple[str, int]], Awaitable[None]]
"""(accepted socket, peer): takes the socket over, e.g. with `HttpServer.adopt`."""

__all__ = ["Exchange", "Handler", "HttpServer", "OnAccept", "Refused", "ServerLimits"]


class HttpServer:
    """Serves HTTP/1.1 on any number of listeners with one handler.

    original_dst: look up where redirected connections were going. on_refused: told of malformed
    requests, which never reach the handler.
    """

    def __init__(
        self,
        handler: Handler,
        limits: ServerLimits | None = None,
        *,
        original_dst: bool = False,
        on_refused: Refused | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits or ServerLimits()
        self.original_dst = original_dst
        self.draining = False
        self.leaving = False
        self._on_refused = on_refused
        self._listeners: list[asyncio.Server] = []
        self._accepting: list[tuple[asyncio.Task[None], socket.socket]] = []
        self._connections: set[ServerConnection] = set()
        self._by_peer: Counter[str] = Counter()
        self._deadlines = Deadlines()
        self._emptied: asyncio.Future[None] | None = None
        self.turned_away = 0

    # Listening

    async def listen(
        self,
        host: str,
        port: int,
        *,
        reuse_port: bool = False,
        freebind: bool = False,
        ssl: ssl.SSLContext | None = None,
    ) -> int:
        """Listen on an address; return the port, which matters when 0 was asked for.

        Raises OSError naming the address.
        """
        sock = listening_socket(host, port, reuse_port=reuse_port, freebind=freebind)
        await self.listen_socket(sock, ssl)
        return int(sock.getsockname()[1])

    async def listen_unix(self, path: str, mode: int = 0o600) -> None:
        """Listen on a unix socket; a stale file is replaced."""
        await self.listen_socket(listening_unix_socket(path, mode))

    async def listen_socket(
        self,
        sock: socket.socket,
        ssl: ssl.SSLContext | None = None,
        on_accept: OnAccept | None = None,
    ) -> None:
        """Accept from a bound socket. on_accept: decides about each connection itself."""
        if on_accept is not None:
            task = spawn(self._accept(sock, on_accept), "accept")
            self._accepting.append((task, sock))
            return
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: ServerConnection(self),
            sock=sock,
            ssl=ssl,
            backlog=1024,
            ssl_handshake_timeout=None if ssl is None else self.limits.tls_handshake_seconds,
        )
        self._listeners.append(listener)

    async def _accept(self, sock: socket.socket, on_accept: OnAccept) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(sock)
            except OSError:  # out of descriptors, or the client went: neither ends the listener
                await asyncio.sleep(0.05)
                continue
            peer = (str(address[0]), int(address[1])) if isinstance(address, tuple) else ("", 0)
            spawn(_taken(on_accept, accepted, peer), "accepted connection")

    async def adopt(
        self,
        sock: socket.socket,
        ssl: ssl.SSLContext | None = None,
        *,
        sni: str | None = None,
        original_dst: tuple[str, int] | None = None,
    ) -> None:
        """Serve a connection that was accepted elsewhere.

        Returns once TLS stands. A failed handshake closes the socket and raises OSError.
        """
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(
            lambda: ServerConnection(self, sni, original_dst),
            sock,
            ssl=ssl,
            ssl_handshake_timeout=None if ssl is None else self.limits.tls_handshake_seconds,
        )

    # Connections

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._connections)

    def admit(self, connection: ServerConnection) -> bool:
        """Register a connection, unless there are too many or no more are wanted."""
        if self.draining or len(self._connections) >= self.limits.connections:
            self.turned_away += 1
            return False
        most, peer = self.limits.connections_per_peer, connection.peer[0]
        if most is not None:
            if self._by_peer[peer] >= most:
                self.turned_away += 1
                return False
            self._by_peer[peer] += 1
        self._connections.add(connection)
        self._deadlines.add(connection)
        return True

    def discard(self, connection: ServerConnection) -> None:
        """Forget a connection that has ended."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self._deadlines.discard(connection)
        if self.limits.connections_per_peer is not None:
            self._by_peer[connection.peer[0]] -= 1
            if not self._by_peer[connection.peer[0]]:
                del self._by_peer[connection.peer[0]]
        if not self._connections and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    def refused(self, connection: ServerConnection, error: Malformed) -> None:
        """Tell whoever wants to know that bytes were refused."""
        if self._on_refused is not None:
            self._on_refused(connection.peer, connection.original_dst, error)

    async def close_listeners(self) -> None:
        """Accept no more; connections go on."""
        for listener in self._listeners:
            listener.close()
        for task, sock in self._accepting:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            sock.close()
        self._listeners.clear()
        self._accepting.clear()

    def leave(self) -> None:
        """Go on, but let each connection end with its next response: clients go elsewhere."""
        self.leaving = True

    async def drain(self, seconds: float) -> None:
        """Accept no more, let running exchanges end for `seconds`, then abort the rest."""
        self.draining = self.leaving = True
        await self.close_listeners()
        for connection in tuple(self._connections):
            connection.drain()
        loop = asyncio.get_running_loop()
        if self._connections:
            self._emptied = loop.create_future()
            await asyncio.wait([self._emptied], timeout=seconds)
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)


async def _taken(on_accept: OnAccept, sock: socket.socket, peer: tuple[str, int]) -> None:
    try:
        await on_accept(sock, peer)
    except (OSError, TimeoutError):  # the client broke off, or TLS failed: nobody to tell
        sock.close()
