"""Agents' own public ports: opened and closed as the host table changes."""

import asyncio
from collections.abc import Callable

from pai.wire import log
from pai.wire.server import Handler, HttpServer, ServerLimits
from pai.wire.tasks import spawn

DRAIN_SECONDS = 5.0


class Ports:
    """One listener for each public port. failed: port to the reason why it is not open."""

    def __init__(self, handler: Handler, limits: ServerLimits) -> None:
        self._handler = handler
        self._limits = limits
        self._open: dict[int, tuple[str, HttpServer]] = {}
        self._lock = asyncio.Lock()
        self.failed: dict[int, str] = {}

    async def apply(self, address: str, wanted: frozenset[int]) -> None:
        """Make the open ports those of `wanted`, on `address`; one that fails stops no other."""
        async with self._lock:
            for port, (at, server) in list(self._open.items()):
                if port not in wanted or at != address:
                    del self._open[port]
                    await server.close_listeners()
                    spawn(server.drain(DRAIN_SECONDS), f"drain port {port}")
            for port in self.failed.keys() - wanted:
                del self.failed[port]
            for port in sorted(wanted - self._open.keys()):
                await self._try(address, port)

    async def _try(self, address: str, port: int) -> None:
        server = HttpServer(self._handler, self._limits)
        try:
            await server.listen(address, port, reuse_port=True, freebind=True)
        except OSError as error:
            reason = error.strerror or str(error)
            if self.failed.get(port) != reason:
                log.error("can't open an agent's port", port=port, reason=reason)
            self.failed[port] = reason
            return
        self.failed.pop(port, None)
        self._open[port] = (address, server)

    async def drain(self, seconds: float) -> None:
        """Close all ports."""
        async with self._lock:
            servers = [server for _, server in self._open.values()]
            self._open.clear()
            await asyncio.gather(*(server.drain(seconds) for server in servers))


async def retry_failed(ports: Ports, wanted: Callable[[], tuple[str, frozenset[int]]]) -> None:
    """Try ports that could not be opened again from time to time, until cancelled."""
    while True:
        await asyncio.sleep(10.0)
        if ports.failed:
            await ports.apply(*wanted())
