"""The way in for clients themselves, where the engine leads them straight to a replica.

Whose address is not in `allowCIDRs` is refused. The address is the connection's other end; what a
request says about it is replaced.
"""

from collections.abc import Callable

from pai.sidecar.audit import AuditLog
from pai.sidecar.forward import forward_to_agent
from pai.sidecar.inbound import refuse_client
from pai.sidecar.state import State
from pai.wire.forwarded import vouched
from pai.wire.guard import inside, unmapped
from pai.wire.limits import ServerLimits
from pai.wire.server import Exchange

# one client must not take every place from the others
PUBLIC_LIMITS = ServerLimits(connections_per_peer=1024)


class Public:
    """Serves port 8083."""

    def __init__(self, current: Callable[[], State], audit: AuditLog) -> None:
        self._current = current
        self._audit = audit

    async def serve(self, exchange: Exchange) -> None:
        """Serve one request."""
        state = self._current()
        inbound = state.snapshot.inbound
        if inbound.port is None:
            await exchange.respond(404, [])
            return
        client = exchange.peer[0]
        if not inside(client, inbound.allow_cidrs):
            await refuse_client(exchange, self._audit, client)
            return
        headers = vouched(exchange.head, str(unmapped(client)), b"http")
        await forward_to_agent(exchange, state, headers, inbound.port)
