"""The sockets of a control replica in its pod, with certificates that are renewed under way."""

import asyncio
import ssl
from contextlib import AsyncExitStack

from starlette.types import ASGIApp

from pai.control.kubernetes.door import front_protocol, server_context
from pai.control.kubernetes.front import FrontProxy, tls_context
from pai.control.pki import CONTROL_NAME, Authority
from pai.control.servers import Serving, tcp_socket

_CERTIFICATES_SECONDS = 3600.0
_OWNER = "control"


class Listeners:
    """Opens what a replica listens on; all of it is closed with `exit`."""

    def __init__(self, exit_stack: AsyncExitStack, address: str) -> None:
        self._exit = exit_stack
        self._address = address
        self._contexts: list[tuple[ssl.SSLContext, str]] = []

    async def plain(self, app: ASGIApp, port: int) -> None:
        """Serve what everybody may ask: probes and metrics."""
        await self._serve(Serving(app, tcp_socket(self._address, port)))

    async def internal(self, app: ASGIApp, port: int, authority: Authority) -> None:
        """Serve the internal API over TLS; callers prove themselves by a credential."""
        context = self._trusted(server_context(), CONTROL_NAME, authority)
        await self._serve(Serving(app, tcp_socket(self._address, port), context))

    async def front(
        self, app: ASGIApp, port: int, authority: Authority, proxy: FrontProxy, name: str
    ) -> None:
        """Serve the aggregated API to the API server alone. name: of the Service it dials."""
        context = self._trusted(tls_context(proxy), name, authority)
        sock = tcp_socket(self._address, port)
        await self._serve(Serving(app, sock, context, front_protocol(proxy.names)))

    async def renew(self, authority: Authority) -> None:
        """Take the present certificates for new connections, again and again."""
        while True:
            await asyncio.sleep(_CERTIFICATES_SECONDS)
            for context, name in self._contexts:
                context.load_cert_chain(authority.leaf_file(_OWNER, [name]))

    def _trusted(self, context: ssl.SSLContext, name: str, authority: Authority) -> ssl.SSLContext:
        context.load_cert_chain(authority.leaf_file(_OWNER, [name]))
        self._contexts.append((context, name))
        return context

    async def _serve(self, serving: Serving) -> None:
        await serving.start()
        self._exit.push_async_callback(serving.stop)
