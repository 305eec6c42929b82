"""The way in: requests of the edge to the agent's own port, and control's question for readiness.

Whoever does not know the edge's token is told nothing: 404. Whose address is not in `allowCIDRs`
is refused here once more, whatever the edge thought.
"""

import asyncio
import hmac
from collections.abc import Callable

import msgspec

from pai.ir.snapshot import SidecarInbound
from pai.providers.request import Headers
from pai.sidecar.audit import AuditLog
from pai.sidecar.forward import forward_to_agent
from pai.sidecar.refusals import JSON, refusal
from pai.sidecar.state import State
from pai.wire.forwarded import UNSENT
from pai.wire.guard import inside
from pai.wire.server import Exchange

EDGE_HEADER = b"x-pai-edge"
READY_PATH = b"/.pai/ready"
_PROBE_SECONDS = 1.0


class Inbound:
    """Serves port 8082."""

    def __init__(self, current: Callable[[], State], audit: AuditLog) -> None:
        self._current = current
        self._audit = audit

    async def serve(self, exchange: Exchange) -> None:
        """Serve one request."""
        state = self._current()
        inbound = state.snapshot.inbound
        head = exchange.head
        if not from_edge(head.headers, inbound):
            await exchange.respond(404, [])
        elif head.path == READY_PATH:
            await self._ready(exchange, state)
        elif inbound.port is None:
            await exchange.respond(404, [])
        else:
            await self._to_agent(exchange, state, inbound.port)

    async def _to_agent(self, exchange: Exchange, state: State, port: int) -> None:
        head, inbound = exchange.head, state.snapshot.inbound
        client = client_address(head.headers)
        if client is None or not inside(client, inbound.allow_cidrs):
            await refuse_client(exchange, self._audit, client)
            return
        headers = [(name, value) for name, value in head.headers if name != EDGE_HEADER]
        await forward_to_agent(exchange, state, headers, port, (UNSENT, inbound.edge_token))

    async def _ready(self, exchange: Exchange, state: State) -> None:
        port = state.snapshot.inbound.port
        body = msgspec.json.encode(
            {
                "sidecar": True,
                "inbound": None if port is None else await accepts(port),
                "version": state.snapshot.version,
            }
        )
        await exchange.respond(200, [JSON], body)


async def refuse_client(exchange: Exchange, audit: AuditLog, client: str | None) -> None:
    """Refuse a client that is in no range of `allowCIDRs`, and record it."""
    head = exchange.head
    reason = f"client {client or 'without an address'} is not in inbound.allowCIDRs"
    host, method = head.host.decode("ascii"), head.method.decode("ascii")
    audit.refuse(reason, host=host, method=method, status=403)
    answer = refusal("client_denied", reason, host=host, method=method)
    await exchange.respond(answer.status, answer.headers, answer.body)


def from_edge(headers: Headers, inbound: SidecarInbound) -> bool:
    """Say whether a request carries the edge's token, exactly once. Takes the same time always."""
    tokens = [value for name, value in headers if name == EDGE_HEADER]
    expected = inbound.edge_token.encode()
    given = tokens[0] if tokens else b""
    return hmac.compare_digest(given, expected) and len(tokens) == 1 and bool(expected)


def client_address(headers: Headers) -> str | None:
    """Return the last address of x-forwarded-for: the edge's word; earlier ones are claims."""
    values = [value for name, value in headers if name == b"x-forwarded-for"]
    if not values:
        return None
    return values[-1].rpartition(b",")[2].strip().decode("latin-1") or None


async def accepts(port: int) -> bool:
    """Say whether something listens on a port of this network namespace."""
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
