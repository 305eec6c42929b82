"""Tier 2 of the input bound: a vendor's own count, where one token a byte does not fit.

`Job` calls `reserve` when a request's tokens are not at hand, and `counted_within` before it
refuses one for `maxPerRequest`; no other request comes here. In this order:

1. By the safe bound: what others hold idle is fetched, and the ledger is asked for the whole.
2. When it says that the whole can't be had now: if not even an eighth of the bound would ever fit,
   the request is refused, so that one that can't succeed never makes us ask a vendor. If the bound
   leaves half of what is there for an answer, a lower output cap does. Else the vendor's free
   endpoint counts the very request that would be sent, once a request, within 5 s (and the
   binding's own time limits), by the rate of `CountLimits`, never through an open circuit. It gets
   the binding's key, the request, and the headers that say how to read it.
3. The count, and a margin where the vendor calls it an estimate, takes the bound's place, and the
   request its old place in line. It is never more than the bound, never less than an eighth of it.

What can't be counted goes on as before: by the bound, and by a learned ratio where
`uncountedInput: learn` allows that. Not by a ratio when the agent itself brought it about, by too
many counts or a request that no vendor counts: else it could choose to be estimated. Never counted
is what a vendor adds to later (files by id, its own tools): the whole window stays its bound.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from time import monotonic
from typing import NamedTuple

from pai.budget.book import Reservation
from pai.budget.fit import Ask, fit
from pai.budget.line import Refusal
from pai.dialect import anthropic, gemini, responses
from pai.dialect.refused import BadRequestError
from pai.gateway.asked import Asked, Counted
from pai.gateway.count_limits import COUNTED, FAILED, IMPOSSIBLE, LACKING, LIMITED, REFUSED
from pai.gateway.desk import Desk, Turned
from pai.gateway.headers import upstream_headers
from pai.gateway.pools import Pools
from pai.gateway.refusal import JSON
from pai.gateway.routes import Route
from pai.gateway.ways import Way
from pai.wire import log
from pai.wire.errors import PayloadTooLarge, UpstreamError
from pai.wire.exchange import Exchange
from pai.wire.message import Headers

MOST_SECONDS = 5.0
LEAST_PART = 8  # no prompt is taken to cost less than this part of its bound
_MOST_ANSWER_BYTES = 64 * 1024
_HOW_TO_READ = frozenset((b"anthropic-version", b"anthropic-beta", b"openai-beta"))
_NOTHING_THERE = frozenset({404, 405, 501})
_NO_FAULT_OF_THE_REQUEST = frozenset({401, 402, 403, 408, 409})
_AGENTS_OWN_DOING = frozenset({LIMITED, REFUSED})


class _Counter(NamedTuple):
    """How a vendor is asked to count a request in its own form, and its answer read.

    estimate: it says that its count may differ a little from what it bills, or says nothing.
    """

    target: Callable[[str, str], bytes]
    body: Callable[[bytes, str], bytes | None]
    read: Callable[[bytes], int | None]
    estimate: bool


# Sources: https://platform.claude.com/docs/en/build-with-claude/token-counting (an estimate),
# https://ai.google.dev/gemini-api/docs/tokens, and
# https://developers.openai.com/docs/guides/counting-tokens (the exact count).
_COUNTERS: Mapping[str, _Counter] = {
    anthropic.MESSAGES_VENDOR.name: _Counter(
        lambda base, _: anthropic.count_target(base),
        anthropic.count_body_of,
        anthropic.read_count_answer,
        estimate=True,
    ),
    gemini.GENERATE_VENDOR.name: _Counter(
        gemini.count_target, gemini.count_body_of, gemini.read_count_answer, estimate=True
    ),
    responses.RESPONSES_VENDOR.name: _Counter(
        lambda base, _: responses.count_target(base),
        responses.count_body_of,
        responses.read_count_answer,
        estimate=False,
    ),
}


def margin(tokens: int) -> int:
    """Return what is added to a count that the vendor calls an estimate: 2 % and 64 tokens."""
    return ceil(tokens / 50) + 64


def least(ask: Ask) -> Ask:
    """Return what a request is asking for at best, should its input be counted."""
    bound = ask.inputs[0]
    return ask.bounded_by((bound, ceil(bound / LEAST_PART)))


def by_count(ask: Ask, counted: Counted) -> Ask:
    """Return what may be asked for once a count was tried."""
    if counted.tokens is not None:
        return ask.bounded_by((min(ask.inputs[0], counted.bound),))
    if counted.result in _AGENTS_OWN_DOING:
        return ask.safe
    return ask


async def reserve(
    desk: Desk, pools: Pools, asked: Asked, route: Route, way: Way, ask: Ask
) -> Reservation:
    """Set tokens aside, by the vendor's count where the safe bound does not fit.

    Raises Turned, ClientGone.
    """
    known = asked.counted
    if known is None and _may_count(desk, asked, route, way):
        return await reserve_counting(
            desk,
            route.subjects,
            ask,
            asked.exchange,
            lambda: _count(desk, pools, asked, route, way, ask),
        )
    if known is None or known.binding != route.binding.id:
        return await desk.reserve(route.subjects, ask, asked.exchange)
    return await _reserve_by(desk, route.subjects, ask, asked.exchange, known, None)


async def reserve_counting(
    desk: Desk,
    subjects: tuple[str, str],
    ask: Ask,
    exchange: Exchange,
    count: Callable[[], Awaitable[Counted]],
) -> Reservation:
    """Set tokens aside by the safe bound, and where it does not fit by what `count` gives.

    Raises Turned, ClientGone.
    """
    arrived = asyncio.get_running_loop().time()
    try:
        return await desk.reserve(subjects, least(ask), exchange, arrived=arrived, countable=True)
    except Turned as turned:
        if turned.refusal is not Refusal.UNCOUNTED:
            raise
    return await _reserve_by(desk, subjects, ask, exchange, await count(), arrived)


async def _reserve_by(
    desk: Desk,
    subjects: tuple[str, str],
    ask: Ask,
    exchange: Exchange,
    counted: Counted,
    arrived: float | None,
) -> Reservation:
    try:
        return await desk.reserve(subjects, by_count(ask, counted), exchange, arrived=arrived)
    except Turned as turned:
        if counted.result == LIMITED and turned.refusal is Refusal.SPENT:  # nobody knows that
            raise Turned(Refusal.UNCOUNTED, turned.subject) from None
        turned.counted = counted.tokens
        raise


async def counted_within(
    limit: int, desk: Desk, pools: Pools, asked: Asked, route: Route, way: Way, ask: Ask
) -> Ask:
    """Return what may be asked for by the vendor's count, if it could bring it below `limit`.

    Else, or when there is no count, what was asked for. Raises ClientGone.
    """
    best = least(ask)
    if fit(limit, best, best.useful) is None or asked.counted is not None:
        return ask
    if not _may_count(desk, asked, route, way):
        return ask
    return by_count(ask, await _count(desk, pools, asked, route, way, ask))


def _may_count(desk: Desk, asked: Asked, route: Route, way: Way) -> bool:
    shape = asked.reading.shape if way.native else asked.translated_shape
    return (
        way.vendor.name in _COUNTERS
        and not shape.unbounded
        and route.health.breaker.closed
        and not desk.counts.lacks(_place(route))
    )


def _place(route: Route) -> tuple[str, str]:
    return route.binding.id, route.binding.endpoint


async def _count(
    desk: Desk, pools: Pools, asked: Asked, route: Route, way: Way, ask: Ask
) -> Counted:
    """Have the vendor count, and note what came of it. Raises ClientGone."""
    limits, timeouts = desk.counts, route.binding.timeouts
    asking = limits.of(asked.agent.id)
    seconds = min(MOST_SECONDS, timeouts.first_byte_seconds, timeouts.total_seconds)
    end = asyncio.get_running_loop().time() + seconds
    result, tokens, reason = LIMITED, None, ""
    if asking.bucket.take() and await asking.gate.enter(asked.exchange, seconds):
        try:
            async with asyncio.timeout_at(end):
                result, tokens, reason = await _ask(pools, asked, route, way, ask)
        except TimeoutError:
            result, reason = FAILED, f"no answer within {seconds:g} s"
        finally:
            asking.gate.leave()
    limits.note(result, _place(route))
    if reason:
        log.warning(
            "the input of a request was not counted",
            binding=route.binding.id,
            agent=asked.agent.id,
            result=result,
            reason=reason,
        )
    bound = 0 if tokens is None else _bound(asked, route, way, ask, tokens)
    asked.counted = Counted(route.binding.id, result, tokens, bound)
    return asked.counted


def _bound(asked: Asked, route: Route, way: Way, ask: Ask, tokens: int) -> int:
    """Return the input to reserve for a count."""
    extra = margin(tokens) if _COUNTERS[way.vendor.name].estimate else 0
    # an image by URL may be another one when it is fetched again
    images = asked.reading.shape.images * route.facts.image
    return max(tokens + extra + images, least(ask).inputs[1])


async def _ask(
    pools: Pools, asked: Asked, route: Route, way: Way, ask: Ask
) -> tuple[str, int | None, str]:
    """Return one of `RESULTS`, the count, and why there is none. Raises ClientGone."""
    assert route.endpoint is not None
    model, counter = route.binding.model, _COUNTERS[way.vendor.name]
    try:
        body = counter.body(_request(asked, route, way, ask), model)
    except BadRequestError as error:
        return REFUSED, None, error.message
    if body is None:
        return REFUSED, None, "it holds a field that is not known to be counted"
    target, headers = counter.target(route.base, model), _headers(asked, way)
    pool = pools.of(route.binding.timeouts)
    try:
        response = await pool.send(
            route.endpoint, b"POST", target, headers, body, owner=asked.exchange
        )
        try:
            answer = await response.read(_MOST_ANSWER_BYTES)
        finally:
            response.abort()  # changes nothing once it is whole
    except UpstreamError as error:
        if error.kind in ("connect", "tls"):
            route.health.breaker.failed(monotonic())
        return FAILED, None, error.message
    except PayloadTooLarge as error:
        return FAILED, None, error.message
    status = response.head.status
    if status >= 300:
        return _result_of(status), None, f"the vendor answered {status}"
    tokens = counter.read(answer)
    if tokens is None or not 0 < tokens <= ask.inputs[0]:
        return IMPOSSIBLE, None, "the vendor's answer holds no count that can be true"
    return COUNTED, tokens, ""


def _request(asked: Asked, route: Route, way: Way, ask: Ask) -> bytes:
    """Return the request for an answer as it would be sent. Raises BadRequestError."""
    if way.native:
        return asked.reading.body_for(route.binding.model, ask.cap, route.cap_field)
    return way.vendor.write(asked.meaning, route.binding.model, ask.cap).body


def _headers(asked: Asked, way: Way) -> Headers:
    sent = asked.exchange.head.headers if way.native else []
    kept = [each for each in sent if each[0] in _HOW_TO_READ]
    return upstream_headers([JSON, *kept], way.key, way.defaults)


def _result_of(status: int) -> str:
    if status == 429:
        return LIMITED
    if status in _NOTHING_THERE:
        return LACKING
    if 400 <= status < 500 and status not in _NO_FAULT_OF_THE_REQUEST:
        return REFUSED
    return FAILED
