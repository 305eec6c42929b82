"""One request on one route: reserve, send, pass the answer on, settle; again where it is worth it.

Every attempt starts from the agent's clean request. Every way out settles the reservation.
"""

import asyncio
import random
from dataclasses import dataclass
from time import monotonic

from pai.budget.estimate import LearnedRatio
from pai.budget.fit import Ask, fit
from pai.budget.line import Refusal
from pai.dialect.openai import ChatRequest, Refused, StreamMeter, read_tokens
from pai.gateway.desk import Desk, Turned
from pai.gateway.headers import client_headers, upstream_headers
from pai.gateway.metering import Call, StreamTap
from pai.gateway.refusal import Failure, Passed
from pai.gateway.retry import backoff_seconds, is_retryable, may_be_billed, pause_seconds
from pai.gateway.routes import AgentRoutes, Route
from pai.ir.ledger import split_subject
from pai.wire.client import ClientPool, UpstreamResponse
from pai.wire.exchange import Exchange
from pai.wire.message import ClientGone, Headers, Outcome, PayloadTooLarge, UpstreamError, first
from pai.wire.upstream import StaleConnection

MOST_ANSWER_BYTES = 64 * 1024 * 1024
_MOST_ERROR_BYTES = 1024 * 1024
_BUSY_RETRY_SECONDS = 5
_BAD_CREDENTIAL = frozenset({401, 402})
_BUSY_STATUS = frozenset({429, 503, 529})
_EVENT_STREAM = b"text/event-stream"


@dataclass(frozen=True, slots=True)
class _Again:
    """The attempt failed in a way that may pass. seconds: pause before the next."""

    seconds: float


class Job:
    """See the module. own: headers of every answer to this request."""

    __slots__ = (
        "_agent",
        "_desk",
        "_exchange",
        "_own",
        "_pool",
        "_ratio",
        "_request",
        "_route",
    )

    def __init__(
        self,
        desk: Desk,
        pool: ClientPool,
        exchange: Exchange,
        agent: AgentRoutes,
        route: Route,
        request: ChatRequest,
        ratio: LearnedRatio,
        own: Headers,
    ) -> None:
        self._desk, self._pool, self._exchange = desk, pool, exchange
        self._agent, self._route, self._request = agent, route, request
        self._ratio = ratio
        self._own = [*own, route.model_header]

    async def run(self, ask: Ask) -> Failure | None:
        """Answer the request, or return why this route can't. Raises ClientGone."""
        route = self._route
        if route.endpoint is None:
            message = f"model '{route.name}': {route.unserved}"
            return Failure(Refused.UNSUPPORTED_VENDOR, message, "model", next_route=True)
        if route.max_per_request is not None:
            within = fit(route.max_per_request, ask, ask.useful)
            if within is None:
                return _over_limit(route, ask)
            if within.cap < ask.cap:
                ask = ask._replace(cap=within.cap)
        number = 1
        while True:
            result = await self._attempt(ask, number)
            if not isinstance(result, _Again):
                return result
            await self._sleep(result.seconds)
            number += 1

    async def _attempt(self, ask: Ask, number: int) -> Failure | _Again | None:
        held = self._desk.try_reserve(self._route.subjects, ask)
        if held is None:
            try:
                held = await self._desk.reserve(self._route.subjects, ask, self._exchange)
            except Turned as turned:
                return self._turned(turned)
        call = Call(self._desk, self._agent, self._route, self._request, self._ratio, held)
        try:
            return await self._send(call, number)
        finally:
            call.abandon(monotonic())

    async def _send(self, call: Call, number: int) -> Failure | _Again | None:
        route, exchange = self._route, self._exchange
        assert route.endpoint is not None
        body = self._request.body_for(route.binding.model, call.held.fit.cap, route.cap_field)
        headers = upstream_headers(exchange.head.headers, route.authorization)
        try:
            response = await self._pool.send(
                *(route.endpoint, b"POST", route.target, headers, body),
                owner=exchange,
                on_send=call.leave,
            )
        except UpstreamError as error:
            call.settle_broken(monotonic())
            return self._after(error, number, sent=bool(call.sent))
        call.seen(monotonic())
        if response.head.status >= 300:
            return await self._refused(call, response, number)
        return await self._answer(call, response)

    def _after(self, error: UpstreamError, number: int, *, sent: bool) -> Failure | _Again:
        """Say what follows an attempt without answer; what was sent may have been done."""
        retry = self._route.binding.retry
        if number >= retry.max_attempts or error.kind == "refused":
            return self._broken(error.message)
        if isinstance(error, StaleConnection):
            return _Again(0.0)
        if sent:
            return self._broken(error.message)
        return _Again(backoff_seconds(retry, number, random.random()))

    async def _answer(self, call: Call, response: UpstreamResponse) -> Failure | None:
        headers = response.head.headers
        if first(headers, b"content-encoding") not in (None, b"identity"):
            response.abort()
            call.settle_unmetered(monotonic())
            return self._broken("it compresses answers although it was asked not to")
        own = [*self._own, (b"x-pai-max-tokens", b"%d" % call.held.fit.cap)]
        passed = client_headers(headers, self._route.redactor, own)
        kind = first(headers, b"content-type") or b""
        if kind[: len(_EVENT_STREAM)].lower() == _EVENT_STREAM:
            await self._stream(call, response, passed)
            return None
        return await self._whole(call, response, passed)

    async def _stream(self, call: Call, response: UpstreamResponse, headers: Headers) -> None:
        meter = StreamMeter(keeps_usage=self._request.wants_usage)
        tap = StreamTap(call, meter, self._route.redactor, monotonic)
        outcome = Outcome.UPSTREAM_BROKEN
        try:
            outcome = await self._exchange.relay(response, headers=headers, tap=tap)
        finally:
            call.settle_stream(meter, monotonic(), whole=outcome is Outcome.COMPLETE)

    async def _whole(
        self, call: Call, response: UpstreamResponse, headers: Headers
    ) -> Failure | None:
        try:
            body = await response.read(MOST_ANSWER_BYTES)
        except PayloadTooLarge as error:
            call.settle_unmetered(monotonic())
            return self._broken(error.message)
        except UpstreamError as error:
            call.settle_interrupted(0, monotonic())
            return self._broken(error.message)
        tokens = read_tokens(body)
        if tokens is None:
            call.settle_unmetered(monotonic())
        else:
            call.settle_measured(tokens, monotonic())
        if self._route.redactor is not None:
            body = self._route.redactor.replace(body)
        self._exchange.answer(response.head.status, headers, body)
        return None

    async def _refused(
        self, call: Call, response: UpstreamResponse, number: int
    ) -> Failure | _Again:
        """The vendor says no; it bills nothing for that, unless it only gave up waiting."""
        status, headers = response.head.status, response.head.headers
        if may_be_billed(status):
            call.settle_interrupted(0, monotonic())
        else:
            call.settle_free()
        try:
            body = await response.read(_MOST_ERROR_BYTES)
        except (UpstreamError, PayloadTooLarge):
            body = b""
        if is_retryable(status):
            pause = pause_seconds(self._route.binding.retry, number, random.random(), headers)
            if pause is not None:
                return _Again(pause)
        return self._final(status, headers, body)

    def _final(self, status: int, headers: Headers, body: bytes) -> Failure:
        name = self._route.name
        if status in _BAD_CREDENTIAL:
            message = f"the vendor of model '{name}' does not accept the platform's credential"
            return Failure(Refused.VENDOR_REFUSES_KEY, message, next_route=True)
        if status < 400:
            return self._broken("it answered with a redirect, which is never followed")
        if status >= 500:
            why = Refused.VENDOR_BUSY if status in _BUSY_STATUS else Refused.VENDOR_BROKEN
            message = f"the vendor of model '{name}' answered {status}"
            return Failure(why, message, next_route=True)
        redactor = self._route.redactor
        passed = Passed(
            status,
            client_headers(headers, redactor, self._own),
            body if redactor is None else redactor.replace(body),
        )
        message = f"the vendor of model '{name}' answered {status}"
        return Failure(
            Refused.VENDOR_BUSY, message, next_route=status in _BUSY_STATUS, passed=passed
        )

    def _broken(self, reason: str) -> Failure:
        message = f"the vendor of model '{self._route.name}' gave no answer: {reason}"
        return Failure(Refused.VENDOR_BROKEN, message, next_route=True)

    def _turned(self, turned: Turned) -> Failure:
        kind, _ = split_subject(turned.subject)
        whose = f"model '{self._route.name}'" if kind == "model" else "this agent"
        if turned.refusal is Refusal.SPENT:
            message = f"the daily token budget of {whose} is spent; it starts anew at 00:00 UTC"
            seconds = self._desk.seconds_to_midnight()
            return Failure(Refused.BUDGET_SPENT, message, None, seconds, next_route=kind == "model")
        if turned.refusal is Refusal.BUSY:
            message = f"running requests hold what is left of the daily token budget of {whose}"
            return Failure(Refused.BUDGET_BUSY, message, None, _BUSY_RETRY_SECONDS)
        message = "the token budget can't be checked now: the control process is out of reach"
        return Failure(Refused.BUDGET_UNAVAILABLE, message, None, _BUSY_RETRY_SECONDS)

    async def _sleep(self, seconds: float) -> None:
        """Pause between attempts. Raises ClientGone at once when nobody waits any more."""
        gone = asyncio.Event()
        self._exchange.on_client_gone(gone.set)
        try:
            async with asyncio.timeout(seconds):
                await gone.wait()
        except TimeoutError:
            return
        raise ClientGone


def _over_limit(route: Route, ask: Ask) -> Failure:
    message = (
        f"the request may cost {ask.least(ask.useful)} tokens;"
        f" maxPerRequest allows {route.max_per_request} for model '{route.name}'"
    )
    return Failure(Refused.OVER_REQUEST_LIMIT, message, "max_tokens")
