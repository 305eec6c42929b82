"""Counts a prompt's tokens: asks a vendor that can count, or estimates. Nothing is spent.

An estimate says so in the header `x-pai-estimated`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from pai.budget.estimate import InputShape, input_bound
from pai.dialect import anthropic, gemini
from pai.dialect.conversation import Conversation, Written
from pai.dialect.refused import BadRequestError, Refused
from pai.dialect.sides import Call, ClientSide
from pai.gateway.answers import MOST_BODY_BYTES, Answers, check_encoding, unknown_model
from pai.gateway.headers import client_headers, translated_headers, upstream_headers
from pai.gateway.operations import Operation
from pai.gateway.pools import Pools
from pai.gateway.refusal import JSON, Failure, Passed, failure_of
from pai.gateway.routes import AgentRoutes, Route
from pai.gateway.verdicts import broken, refused_by_vendor, unanswered
from pai.gateway.ways import Way
from pai.wire.errors import PayloadTooLarge, UpstreamError
from pai.wire.exchange import Exchange
from pai.wire.message import Headers

_MOST_ANSWER_BYTES = 64 * 1024
_ESTIMATED = (b"x-pai-estimated", b"true")


class _Reading(Protocol):
    """A request to count. model: None when absent."""

    @property
    def model(self) -> str | None: ...
    @property
    def shape(self) -> InputShape: ...
    def count_body_for(self, model: str) -> bytes: ...
    def meaning(self) -> Conversation: ...


class _Client(NamedTuple):
    """How a client dialect asks for a count and is told."""

    read: Callable[[Call], _Reading]
    answer: Callable[[int], bytes]


class _Vendor(NamedTuple):
    """How a vendor is asked, and its answer read."""

    target: Callable[[str, str], bytes]
    write: Callable[[Conversation, str], Written]
    read: Callable[[bytes], int | None]


_CLIENTS: Mapping[str, _Client] = {
    anthropic.MESSAGES_CLIENT.name: _Client(
        lambda call: anthropic.read_count(call.body), anthropic.count_answer
    ),
    gemini.GENERATE_CLIENT.name: _Client(gemini.read_count, gemini.count_answer),
}
_VENDORS: Mapping[str, _Vendor] = {
    anthropic.MESSAGES_VENDOR.name: _Vendor(
        lambda base, _: anthropic.count_target(base),
        anthropic.count_request,
        anthropic.read_count_answer,
    ),
    gemini.GENERATE_VENDOR.name: _Vendor(
        gemini.count_target, gemini.count_request, gemini.read_count_answer
    ),
}


class Counting:
    """Serves requests to count."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def serve(
        self,
        exchange: Exchange,
        operation: Operation,
        agent: AgentRoutes,
        pools: Pools,
        own: Headers,
    ) -> Failure | None:
        """Answer one request; a Failure is still to be told. Raises ClientGone."""
        client = operation.client
        try:
            check_encoding(exchange.head.headers)
            body = await exchange.read_body(MOST_BODY_BYTES)
            reading = _CLIENTS[client.name].read(Call(body, operation.model, operation.name))
            chain = agent.chain(reading.model)
            if not chain:
                return unknown_model(agent, reading.model)
            route = chain[0]
            own = [*own, route.model_header]
            way = route.ways.get(client.name)
            vendor = None if way is None else _VENDORS.get(way.vendor.name)
            if way is None or vendor is None:
                self._estimate(exchange, client, route, reading, own)
                return None
            return await _ask(exchange, client, route, way, vendor, reading, pools, own)
        except PayloadTooLarge as error:
            return Failure(Refused.TOO_LARGE, error.message)
        except BadRequestError as error:
            return failure_of(error)

    def _estimate(
        self,
        exchange: Exchange,
        client: ClientSide,
        route: Route,
        reading: _Reading,
        own: Headers,
    ) -> None:
        ratio = min(1.0, self._answers.ratio(route).value)
        tokens = input_bound(reading.shape, route.facts, ratio)
        exchange.answer(200, [JSON, *own, _ESTIMATED], _CLIENTS[client.name].answer(tokens))


async def _ask(
    exchange: Exchange,
    client: ClientSide,
    route: Route,
    way: Way,
    vendor: _Vendor,
    reading: _Reading,
    pools: Pools,
    own: Headers,
) -> Failure | None:
    """Have the vendor count. Raises BadRequestError, ClientGone."""
    assert route.endpoint is not None
    model, sent = route.binding.model, exchange.head.headers
    if way.native:
        body = reading.count_body_for(model)
        headers = upstream_headers(sent, way.key, way.defaults)
    else:
        body = vendor.write(reading.meaning(), model).body
        headers = translated_headers(sent, way.key, way.defaults)
    target = vendor.target(route.base, model)
    pool = pools.of(route.binding.timeouts)
    try:
        response = await pool.send(route.endpoint, b"POST", target, headers, body, owner=exchange)
        answer = await response.read(_MOST_ANSWER_BYTES)
    except UpstreamError as error:
        return unanswered(route, error)
    except PayloadTooLarge as error:
        return broken(route, error.message)
    redactor = route.redactor
    answer = answer if redactor is None else redactor.replace(answer)
    status = response.head.status
    if status >= 300:
        kept = client_headers(response.head.headers, redactor, own)
        passed = Passed(status, kept, answer) if way.native else None
        text = way.vendor.error_text(answer)
        return refused_by_vendor(route, status, response.head.headers, passed, text)
    if way.native:
        exchange.answer(status, client_headers(response.head.headers, redactor, own), answer)
        return None
    tokens = vendor.read(answer)
    if tokens is None:
        return Failure(Refused.VENDOR_BROKEN, f"model '{route.name}' gave no count")
    exchange.answer(200, [JSON, *own], _CLIENTS[client.name].answer(tokens))
    return None
