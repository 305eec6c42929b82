"""The port for an engine's probes: a bare status, no word more, bounded whoever connects."""

from collections.abc import Callable

from pai.wire.exchange import Exchange
from pai.wire.limits import ServerLimits
from pai.wire.server import HttpServer

# Anyone in the cluster may connect. One address can't take every place from the engine's probes.
PROBE_LIMITS = ServerLimits(
    head_bytes=4096,
    head_fields=32,
    body_bytes=0,
    connections=256,
    connections_per_peer=16,
    head_seconds=2.0,
    body_idle_seconds=2.0,
    keep_alive_seconds=2.0,
    write_idle_seconds=2.0,
    linger_bytes=64 * 1024,
    linger_seconds=0.5,
)
LIVE, READY = b"/livez", b"/readyz"
METHODS = frozenset((b"GET", b"HEAD"))
_CLOSE_SECONDS = 0.5

Check = Callable[[], bool]


class Probes:
    """Serves `/livez` and `/readyz`; everything else is 404."""

    def __init__(self, ready: Check, live: Check = lambda: True) -> None:
        self._checks = {LIVE: live, READY: ready}
        self._server = HttpServer(self.serve, PROBE_LIMITS)

    async def listen(self, host: str, port: int) -> int:
        """Listen on an address; return the port.

        Raises OSError naming the address.
        """
        return await self._server.listen(host, port)

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request."""
        check = self._checks.get(exchange.head.target)
        if check is None or exchange.head.method not in METHODS:
            await exchange.respond(404, [])
        else:
            await exchange.respond(200 if check() else 503, [])

    async def close(self) -> None:
        """Answer no more."""
        await self._server.drain(_CLOSE_SECONDS)
