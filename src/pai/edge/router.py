"""Takes a request to one of its agent's replicas."""

from hmac import compare_digest

import msgspec

from pai.edge.client_address import client_address
from pai.edge.pages import Page, render
from pai.edge.table import EMPTY, Table, build, refusal, replica_endpoint
from pai.ir.snapshot import EdgeRoute, EdgeSnapshot
from pai.wire import log
from pai.wire.client import ClientPool, Endpoint, UpstreamResponse
from pai.wire.errors import UpstreamError
from pai.wire.exchange import Exchange
from pai.wire.forwarded import UNSENT, vouched
from pai.wire.message import Headers, RequestHead

_UNKNOWN = Page(404, "unknown_host", "No such agent", "No agent has this address.")
_NOTHING = Page(404, "not_found", "Nothing here", "This agent has no inbound port.")
_STARTING = Page(
    503, "no_replica", "Not ready yet", "No replica of this agent is ready.", retry_after=2
)
_PAUSED = Page(503, "paused", "Paused", "This agent is paused; `pai resume` starts it again.")
_BROKEN = Page(502, "bad_gateway", "No answer", "The agent gave no valid answer.", retry_after=2)
_LATE = Page(504, "timeout", "No answer", "The agent took too long to answer.")
_NO_TABLE = Page(503, "starting", "Starting", "The edge is waiting for control.", retry_after=1)


class Router:
    """The edge's handler. Counts what runs on each replica to choose the least busy one."""

    def __init__(self, pool: ClientPool) -> None:
        self._pool = pool
        self._running: dict[Endpoint, int] = {}
        self._turn = 0
        self.table: Table = EMPTY
        self.failed_ports: dict[int, str] = {}

    def apply(self, snapshot: EdgeSnapshot) -> None:
        """Take a new snapshot into use.

        Raises ValueError when it can't be used.
        """
        self.table = build(snapshot)

    async def by_host(self, exchange: Exchange) -> None:
        """Serve a request of the shared listener: the agent is named by Host."""
        head = exchange.head
        route = self.table.by_host.get(head.host)
        if route is not None:
            await self._serve(exchange, route)
        elif head.path == b"/healthz" and self._is_own_host(head.host):
            await self._health(exchange)
        else:
            await _answer(exchange, _UNKNOWN if self.table.version else _NO_TABLE)

    async def by_port(self, exchange: Exchange) -> None:
        """Serve a request of an agent's own port, whatever name it was reached by."""
        route = self.table.by_port.get(exchange.local[1])
        if route is None:
            await _answer(exchange, _UNKNOWN)
        else:
            await self._serve(exchange, route)

    def _is_own_host(self, host: bytes) -> bool:
        return host in (b"localhost", b"127.0.0.1", b"::1", self.table.domain)

    async def _health(self, exchange: Exchange) -> None:
        ready = self.table.version > 0
        body = {
            "ready": ready,
            "version": self.table.version,
            "failedPorts": {str(port): why for port, why in self.failed_ports.items()},
        }
        headers: Headers = [(b"content-type", b"application/json")]
        await exchange.respond(200 if ready else 503, headers, msgspec.json.encode(body))

    async def _serve(self, exchange: Exchange, route: EdgeRoute) -> None:
        head = exchange.head
        trusted = self.table.trusted_proxies
        forwarded = [value for name, value in head.headers if name == b"x-forwarded-for"]
        client = client_address(exchange.peer[0], forwarded, trusted)
        reason = refusal(route, head.path, client)
        if reason is not None:
            log.info("refused", agent=route.agent, client=client, reason=reason)
            page = Page(403, "forbidden", "Not from here", f"Access denied: {reason}.")
            await _answer(exchange, page)
        elif route.inbound_port is None and not route.expose:
            await _answer(exchange, _NOTHING)
        elif not route.replicas:
            await _answer(exchange, _PAUSED if route.paused else _STARTING)
        else:
            proto = _proto(head, behind_proxy=client != exchange.peer[0])
            await self._forward(exchange, route, outgoing(head, route, client or "", proto))

    async def _forward(self, exchange: Exchange, route: EdgeRoute, headers: Headers) -> None:
        failure: UpstreamError | None = None
        for endpoint in self._by_load(route):
            self._running[endpoint] = self._running.get(endpoint, 0) + 1
            try:
                response = await self._send(exchange, endpoint, headers)
                if not _got_nothing(response, route):
                    await exchange.relay(response)
                    return
                response.abort()
                failure = UpstreamError("connect", f"{endpoint.host}: the agent does not listen")
                if exchange.head.has_body:
                    break  # part of it is gone
            except UpstreamError as error:
                failure = error
                if error.sent:
                    break  # the agent may have acted on it: a second try is the client's choice
            finally:
                self._leave(endpoint)
        assert failure is not None
        log.warning("no answer", agent=route.agent, kind=failure.kind, reason=failure.message)
        await _answer(exchange, _LATE if failure.kind == "timeout" else _BROKEN)

    async def _send(
        self, exchange: Exchange, endpoint: Endpoint, headers: Headers
    ) -> UpstreamResponse:
        head = exchange.head
        return await self._pool.send(endpoint, head.method, head.target, headers, exchange)

    def _by_load(self, route: EdgeRoute) -> list[Endpoint]:
        """Return the replicas, least busy first; equal ones take turns."""
        self._turn += 1
        endpoints = [replica_endpoint(replica, route.agent) for replica in route.replicas]
        start = self._turn % len(endpoints)
        turned = endpoints[start:] + endpoints[:start]
        return sorted(turned, key=lambda endpoint: self._running.get(endpoint, 0))

    def _leave(self, endpoint: Endpoint) -> None:
        left = self._running[endpoint] - 1
        if left:
            self._running[endpoint] = left
        else:
            del self._running[endpoint]


def outgoing(head: RequestHead, route: EdgeRoute, client: str, proto: bytes) -> Headers:
    """Return the fields for the sidecar: the client's own, and what the edge vouches for. Pure."""
    return [*vouched(head, client, proto), (b"x-pai-edge", route.edge_token.encode("ascii"))]


def _got_nothing(response: UpstreamResponse, route: EdgeRoute) -> bool:
    """Say whether the sidecar proves that its agent could not be reached. Else 502 is an answer."""
    if response.head.status != 502:
        return False
    proof = response.head.get(UNSENT)
    return proof is not None and compare_digest(proof, route.edge_token.encode("ascii"))


def _proto(head: RequestHead, *, behind_proxy: bool) -> bytes:
    stated = head.get(b"x-forwarded-proto") if behind_proxy else None
    return b"https" if stated == b"https" else b"http"


async def _answer(exchange: Exchange, page: Page) -> None:
    await exchange.respond(*render(page, exchange.head.get(b"accept")))
