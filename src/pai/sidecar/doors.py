"""Connections of the agent, before a byte of them is trusted: where did they want to go?

Port 8443 gets what went to 443, port 8081 everything else. What belongs to a service or a model
vendor is handed to the HTTP server; what `egress.allow` lists is joined to its host untouched;
the rest is refused at once, with a reason in the log and, where the protocol permits, on the wire.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from pai.sidecar.audit import AuditLog
from pai.sidecar.names import Names, describe_refusal, is_own_address
from pai.sidecar.peek import peek, refuse_with
from pai.sidecar.refusals import TLS_ACCESS_DENIED, as_http, ask_for_host, refusal
from pai.sidecar.routes import AUDITED_PASS, LlmRoute, PassRoute, ProviderRoute
from pai.sidecar.state import State
from pai.wire.endpoint import Endpoint
from pai.wire.errors import UpstreamError
from pai.wire.hello import NEED_MORE, ClientHello, peek_client_hello
from pai.wire.server import HttpServer
from pai.wire.sockets import original_destination
from pai.wire.tunnel import PipeEnd, splice

_HELLO_SECONDS = 5.0
_FIRST_BYTES_SECONDS = 0.3  # a client that waits for the server to speak first is told by then
_CONNECT_SECONDS = 10.0
_HTTP_METHODS = (
    b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ", b"CONNECT ",
    b"TRACE ", b"PROPFIND ", b"REPORT ", b"MKCOL ",
)  # fmt: skip
_LONGEST_METHOD = max(map(len, _HTTP_METHODS))

Destination = Callable[[socket.socket], tuple[str, int] | None]


class Doors:
    """Decides about each accepted connection. destination: where it was going, if redirected."""

    def __init__(
        self,
        current: Callable[[], State],
        names: Names,
        audit: AuditLog,
        server: tuple[HttpServer, HttpServer],
        destination: Destination = original_destination,
    ) -> None:
        self._current, self._names, self._audit = current, names, audit
        self._tls_server, self._plain_server = server
        self._destination = destination

    async def tls(self, sock: socket.socket) -> None:
        """Decide about a connection to port 443."""
        address, port = self._went_to(sock, 443)
        data = await peek(sock, _hello_is_whole, _HELLO_SECONDS)
        hello = peek_client_hello(data)
        state = self._current()
        if not isinstance(hello, ClientHello):
            await self._refuse_tls(sock, f"no TLS on port {port}", address, alert=False)
            return
        if hello.sni is None and not state.routes.audit_mode:
            await self._refuse_tls(sock, "TLS without a server name", address)
            return
        host = hello.sni or self._names.name_of(address) or address
        route = state.routes.find(host)
        if isinstance(route, ProviderRoute | LlmRoute) and state.leaf is not None:
            await self._end_tls(sock, state.leaf, host, (address, port))
        elif isinstance(route, PassRoute) and route.opens(port):
            await self._pass(sock, state, route, host, port)
        else:
            await self._refuse_tls(sock, describe_refusal(state.routes, host), host)

    async def plain(self, sock: socket.socket) -> None:
        """Decide about a connection to any other port."""
        address, port = self._went_to(sock, 80)
        state = self._current()
        if address.startswith("127.") or address == "::1":
            await self._plain_http(sock, (address, port))
            return
        name = self._names.name_of(address)
        route = state.routes.find(name) if name else None
        if route is None and state.routes.audit_mode and not is_own_address(address):
            route = AUDITED_PASS
        if isinstance(route, PassRoute) and route.opens(port):
            await self._pass(sock, state, route, name or address, port)
        elif name:
            reason = f"port {port} of {name} is not in egress.allow"
            await self._refuse_plain(sock, reason, (address, port), name)
        else:
            reason = f"direct connection to {address}:{port}; only hosts that are listed pass"
            await self._refuse_plain(sock, reason, (address, port))

    def _went_to(self, sock: socket.socket, port: int) -> tuple[str, int]:
        """Return the address and port a connection was made for.

        A connection to our listener itself counts as one to 127.0.0.1 and the usual port.
        """
        went = self._destination(sock)
        if went is None or went == sock.getsockname()[:2]:
            return "127.0.0.1", port
        return went

    async def _plain_http(self, sock: socket.socket, went: tuple[str, int]) -> None:
        data = await peek(sock, lambda seen: len(seen) >= _LONGEST_METHOD, _HELLO_SECONDS)
        if data.startswith(b"CONNECT "):
            reason = "CONNECT is not served; no proxy is needed, connect to the host itself"
            await self._refuse_plain(sock, reason, went)
        elif _begins_like_http(data):
            await self._plain_server.adopt(sock, original_dst=went)
        else:
            self._audit.refuse("neither HTTP nor a listed host and port", host=went[0])
            sock.close()

    async def _end_tls(
        self, sock: socket.socket, leaf: ssl.SSLContext, host: str, went: tuple[str, int]
    ) -> None:
        try:
            await self._tls_server.adopt(sock, ssl=leaf, sni=host, original_dst=went)
        except OSError as error:
            # most often the client does not trust our CA: worth knowing when a call fails
            reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
            self._audit.refuse(f"the client broke off the TLS handshake: {reason}", host=host)
            sock.close()

    async def _pass(
        self, sock: socket.socket, state: State, route: PassRoute, host: str, port: int
    ) -> None:
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                endpoint = Endpoint(
                    "http", host, port
                )  # the scheme adds nothing: bytes as they are
                _, upstream = await state.way_for(route).dialer.connect(endpoint, PipeEnd)
        except (UpstreamError, TimeoutError) as error:
            reason = error.message if isinstance(error, UpstreamError) else "no answer in time"
            refused = isinstance(error, UpstreamError) and error.kind == "refused"
            self._audit.add("denied" if refused else "allowed", reason, host=where, rule=route.rule)
            sock.close()
            return
        verdict = "audited" if route.audited else "allowed"
        self._audit.add(verdict, "passed through", host=where, rule=route.rule)
        await splice(sock, upstream)

    async def _refuse_tls(
        self, sock: socket.socket, reason: str, host: str, *, alert: bool = True
    ) -> None:
        self._audit.refuse(reason, host=host)
        if not alert:
            sock.close()
            return
        await refuse_with(sock, TLS_ACCESS_DENIED)

    async def _refuse_plain(
        self, sock: socket.socket, reason: str, went: tuple[str, int], name: str | None = None
    ) -> None:
        host, port = name or went[0], went[1]
        self._audit.refuse(reason, host=f"{host}:{port}")
        data = await peek(sock, lambda seen: len(seen) >= _LONGEST_METHOD, _FIRST_BYTES_SECONDS)
        if not _begins_like_http(data):
            sock.close()
            return
        method = data.partition(b" ")[0].decode("ascii")
        hint = ask_for_host(name or "")
        answer = refusal("host_denied", reason, host=host, method=method, hint=hint)
        await refuse_with(sock, as_http(answer))


def _hello_is_whole(data: bytes) -> bool:
    return peek_client_hello(data) is not NEED_MORE


def _begins_like_http(data: bytes) -> bool:
    return data.startswith(_HTTP_METHODS)
