"""Control's door on the engine's bridge: the internal API over TLS, for sidecars only."""

import ssl

from starlette.types import ASGIApp

from pai.control.pki import CONTROL_NAME, Authority
from pai.control.servers import Serving, tcp_socket
from pai.wire import log

_OWNER = "control"


class Doorstep:
    """Listens on the bridge's address; moves when that changes."""

    def __init__(self, app: ASGIApp, authority: Authority, port: int) -> None:
        self._app = app
        self._authority = authority
        self._port = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._address = ""
        self._server: Serving | None = None
        self.renew()

    def renew(self) -> None:
        """Take the present certificate for new connections."""
        self._context.load_cert_chain(self._authority.leaf_file(_OWNER, [CONTROL_NAME]))

    async def listen(self, address: str) -> None:
        """Listen there. Raises TransientError when the port is taken."""
        if address == self._address:
            return
        sock = tcp_socket(address, self._port, freebind=True)
        await self.close()
        self._server = Serving(self._app, sock, self._context)
        await self._server.start()
        self._address = address
        log.info("control listens on the bridge", address=address, port=self._port)

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            server, self._server, self._address = self._server, None, ""
            await server.stop()
