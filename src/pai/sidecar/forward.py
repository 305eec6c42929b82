"""Send a request that was let pass, and carry the answer back with no credential in it."""

from collections.abc import Callable, Sequence

from pai.providers.mask import Mask
from pai.providers.redact import Redactor
from pai.providers.request import Headers, Outgoing
from pai.sidecar.content import ContentError, readable, tap_for
from pai.sidecar.llm import gateway_headers, gateway_target
from pai.sidecar.refusals import failure
from pai.sidecar.routes import PassRoute, ProviderRoute
from pai.sidecar.state import State
from pai.wire import log
from pai.wire.client import UpstreamResponse
from pai.wire.dns.over_gateway import OWN_PATHS
from pai.wire.endpoint import Endpoint
from pai.wire.errors import ClientGone, UpstreamError
from pai.wire.server import Exchange

# alt-svc would send clients to HTTP/3, which has no way out of the agent's namespace
_NOT_RETURNED = frozenset((b"alt-svc", b"content-encoding"))
_REPLACED = frozenset((b"host", b"accept-encoding", b"sec-websocket-extensions"))
_STATUS_OF = {"timeout": 504}
CLIENT_GONE = 499  # in records only: nobody was there to be told


async def forward(
    exchange: Exchange,
    state: State,
    route: ProviderRoute,
    host: str,
    outgoing: Outgoing,
    written: Callable[[int], None],
) -> None:
    """Forward to a provider's host over verified TLS. written: takes the status, once."""
    head = exchange.head
    endpoint = Endpoint("https", host, 443, route.partition)
    headers = upstream_headers(outgoing.headers, head.host, searchable=True)
    try:
        response = await state.upstream.send(
            endpoint, head.method, outgoing.target, headers, exchange
        )
    except UpstreamError as error:
        await _fail(exchange, error, written)
        return
    except ClientGone:
        written(CLIENT_GONE)
        raise
    written(response.head.status)
    await _relay_searched(exchange, response, route.redactor, route.mask)


def upstream_headers(headers: Headers, host: bytes, *, searchable: bool) -> Headers:
    """Return headers for the service. searchable: ask for a body that can be read.

    WebSocket extensions go too in that case: compressed frames can't be searched.
    """
    if not searchable:
        return [(b"host", host), *((n, v) for n, v in headers if n != b"host")]
    kept = [pair for pair in headers if pair[0] not in _REPLACED]
    return [(b"host", host), *kept, (b"accept-encoding", b"identity")]


async def _relay_searched(
    exchange: Exchange, response: UpstreamResponse, redactor: Redactor, mask: Mask
) -> None:
    head = response.head
    if head.status == 101:
        headers = _returned(head.headers, redactor)
        await exchange.tunnel(response, headers=headers, tap=mask.fresh())
        return
    coding = b",".join(v for n, v in head.headers if n == b"content-encoding").strip().lower()
    if not readable(coding):
        response.abort()
        text = "the service compressed its answer in a way that can't be searched for credentials"
        answer = failure(502, "unreadable_encoding", text)
        await exchange.respond(answer.status, answer.headers, answer.body)
        return
    tap = tap_for(redactor, coding)
    try:
        await exchange.relay(response, headers=_returned(head.headers, redactor), tap=tap)
    except ContentError as error:
        # the kernel cuts the connection, so that nobody takes the part for the whole
        log.warning("answer cut", host=exchange.head.host.decode(), reason=str(error))


def _returned(headers: Headers, redactor: Redactor) -> Headers:
    return [pair for pair in redactor.headers(headers) if pair[0] not in _NOT_RETURNED]


async def forward_to_gateway(exchange: Exchange, state: State) -> None:
    """Forward to the gateway, which meters, chooses the vendor and holds the keys."""
    head = exchange.head
    headers = gateway_headers(head.headers, state.snapshot.gateway_token)
    target = gateway_target(head.path, head.query)
    if target.startswith(OWN_PATHS):
        answer = failure(404, "unknown_path", "there is nothing for agents at this path")
        await exchange.respond(answer.status, answer.headers, answer.body)
        return
    try:
        response = await state.near.send(state.gateway, head.method, target, headers, exchange)
    except UpstreamError as error:
        await _fail(exchange, error)
        return
    await exchange.relay(response)


async def forward_open(exchange: Exchange, state: State, route: PassRoute, host: str) -> None:
    """Forward a plain HTTP request to a host that is passed through."""
    head = exchange.head
    headers = upstream_headers(head.headers, head.host, searchable=False)
    endpoint = Endpoint("http", host, 80)
    try:
        response = await state.way_for(route).pool.send(
            endpoint, head.method, head.target, headers, exchange
        )
    except UpstreamError as error:
        await _fail(exchange, error)
        return
    await exchange.relay(response)


async def forward_to_agent(
    exchange: Exchange,
    state: State,
    headers: Headers,
    port: int,
    unsent: tuple[bytes, str] | None = None,
) -> None:
    """Forward a request to the port that the agent listens on.

    unsent: a field that says, when the agent can't be reached, that it got nothing.
    """
    head = exchange.head
    endpoint = Endpoint("http", "127.0.0.1", port)
    try:
        response = await state.near.send(endpoint, head.method, head.target, headers, exchange)
    except UpstreamError as error:
        proof = [] if unsent is None or error.sent else [(unsent[0], unsent[1].encode())]
        await _fail(exchange, error, proof=proof)
        return
    await exchange.relay(response)


async def _fail(
    exchange: Exchange,
    error: UpstreamError,
    written: Callable[[int], None] | None = None,
    proof: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    status = _STATUS_OF.get(error.kind, 502)
    if written is not None:
        written(status)
    answer = failure(status, f"upstream_{error.kind}", error.message)
    await exchange.respond(answer.status, [*answer.headers, *proof], answer.body)
