"""TLS listeners whose certificate comes later than they do, and is renewed while they serve."""

import asyncio
import socket
import ssl
from collections import Counter

from pai.wire.server import HttpServer
from pai.wire.sockets import BACKLOG, bound_socket
from pai.wire.tasks import spawn
from pai.wire.tls import server_context

HANDSHAKES, HANDSHAKES_PER_PEER = 1024, 64


class RenewedTls:
    """Listeners of one server. Without a certificate they refuse connections."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._pair = ("", "")
        self._context: ssl.SSLContext | None = None
        self._waiting: list[socket.socket] = []
        self._shaking: Counter[str] = Counter()

    def bind(self, host: str, port: int, *, reuse_port: bool = False) -> int:
        """Take an address, and return its port; `renew` opens it.

        Raises OSError naming the address.
        """
        sock = bound_socket(host, port, reuse_port=reuse_port)
        self._waiting.append(sock)
        return int(sock.getsockname()[1])

    def renew(self, cert_pem: str, key_pem: str) -> None:
        """Serve a certificate from the next connection on; open ones keep theirs.

        Raises ValueError when it can't be used; the one before stays in use.
        """
        if (cert_pem, key_pem) == self._pair:
            return
        try:
            context = server_context(cert_pem, key_pem)
        except (ssl.SSLError, ValueError):  # its text could quote the key
            raise ValueError("the certificate and its key can't be used together") from None
        self._pair, self._context = (cert_pem, key_pem), context
        waiting, self._waiting = self._waiting, []
        for sock in waiting:
            sock.listen(BACKLOG)
            spawn(self._server.listen_socket(sock, on_accept=self._accept), "open a TLS listener")

    @property
    def waiting(self) -> bool:
        """Whether there are addresses that nobody is served on yet."""
        return bool(self._waiting)

    @property
    def serving(self) -> bool:
        """Whether there is a certificate."""
        return self._context is not None

    def close(self) -> None:
        """Give up addresses that were never opened; the server closes the others."""
        for sock in self._waiting:
            sock.close()
        self._waiting.clear()

    async def _accept(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        """Serve one connection; handshakes under way are bounded, as no server counts them."""
        shaking, address = self._shaking, peer[0]
        if shaking.total() >= HANDSHAKES or shaking[address] >= HANDSHAKES_PER_PEER:
            sock.close()
            return
        shaking[address] += 1
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._server.adopt(sock, ssl=self._context)
        except asyncio.CancelledError:
            sock.close()
            raise
        finally:
            shaking[address] -= 1
            if not shaking[address]:
                del shaking[address]
