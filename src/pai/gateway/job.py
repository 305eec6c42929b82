"""One request on one route: reserve, send, pass the answer on, settle; again where it is worth it.

Every attempt starts from the agent's clean request. Every way out settles the reservation.
"""

import asyncio
import random
from dataclasses import dataclass
from time import monotonic
from typing import Final

from pai.budget.estimate import LearnedRatio
from pai.budget.fit import Ask, fit
from pai.dialect.conversation import Texts
from pai.dialect.refused import BadRequestError, Refused, UnreadableError
from pai.dialect.sides import Meter
from pai.gateway.asked import Asked
from pai.gateway.desk import Desk, Turned
from pai.gateway.exact_count import counted_within, reserve
from pai.gateway.gate import Gate
from pai.gateway.headers import (
    advice_left_out,
    client_headers,
    translated_headers,
    upstream_headers,
)
from pai.gateway.metering import Call, StreamTap, TranslatingMeter
from pai.gateway.pools import Pools
from pai.gateway.refusal import JSON, Failure, Passed, failure_of
from pai.gateway.retry import backoff_seconds, is_retryable, may_be_billed, pause_seconds
from pai.gateway.routes import Route
from pai.gateway.verdicts import (
    broken,
    crowded,
    over_limit,
    refused_by_vendor,
    resting,
    turned_away,
    unanswered,
)
from pai.gateway.ways import Way
from pai.wire.client import UpstreamResponse
from pai.wire.errors import ClientGone, PayloadTooLarge, UpstreamError
from pai.wire.message import Headers, Outcome, first
from pai.wire.upstream import StaleConnection

MOST_ANSWER_BYTES: Final = 64 * 1024 * 1024
_MOST_ERROR_BYTES: Final = 1024 * 1024
_EVENT_STREAM: Final = b"text/event-stream"
# What failures of a connection are called in metrics.
_KINDS: Final = {"connect": "unreachable", "tls": "unreachable", "protocol": "broken"}


@dataclass(frozen=True, slots=True)
class _Again:
    """The attempt failed in a way that may pass. seconds: pause before the next."""

    seconds: float


class Job:
    """See the module."""

    __slots__ = ("_asked", "_desk", "_own", "_pools", "_ratio", "_route")

    def __init__(
        self, desk: Desk, pools: Pools, asked: Asked, route: Route, ratio: LearnedRatio
    ) -> None:
        self._desk, self._pools, self._asked, self._route = desk, pools, asked, route
        self._ratio = ratio
        self._own = [*asked.own, route.model_header]

    def check(self, way: Way | None, ask: Ask) -> Ask | Failure:
        """Return what may be asked for on this route, or why nothing can."""
        route = self._route
        if way is None:
            why = route.unserved or f"its vendor has nothing like {self._asked.client.name}"
            message = f"model '{route.name}': {why}"
            return Failure(Refused.UNSUPPORTED_VENDOR, message, "model", next_route=True)
        if not way.native:
            try:
                self._asked.meaning  # noqa: B018 - nothing is reserved for what has no meaning
            except BadRequestError as error:
                return failure_of(error)
        if route.max_per_request is not None:
            within = fit(route.max_per_request, ask, ask.useful)
            if within is None:
                return over_limit(route, ask, self._asked.counted)
            if within.cap < ask.cap:
                ask = ask._replace(cap=within.cap)
        return ask

    async def check_counted(self, way: Way, ask: Ask, failure: Failure) -> Ask | Failure:
        """Check anew what was over `maxPerRequest`, by the vendor's count. Raises ClientGone."""
        limit = self._route.max_per_request
        if failure.refused is not Refused.OVER_REQUEST_LIMIT or limit is None:
            return failure
        counted = await counted_within(
            limit, self._desk, self._pools, self._asked, self._route, way, ask
        )
        return self.check(way, counted)

    @property
    def gates(self) -> list[Gate]:
        """Where the request may have to wait for others."""
        both = (self._asked.agent.gate, self._route.health.gate)
        return [gate for gate in both if gate.limit is not None]

    async def run_within(self, gates: list[Gate], way: Way, ask: Ask) -> Failure | None:
        """Do what `run` does, inside all gates. Raises ClientGone."""
        if not gates:
            return await self.run(way, ask)
        gate = gates[0]
        if not await gate.enter(self._asked.exchange, self._desk.wait_seconds):
            return crowded(self._route, agent=gate is self._asked.agent.gate)
        try:
            return await self.run_within(gates[1:], way, ask)
        finally:
            gate.leave()

    async def run(self, way: Way, ask: Ask) -> Failure | None:
        """Answer the request, or return why this route can't; see `check`. Raises ClientGone."""
        breaker = self._route.health.breaker
        number = 1
        while True:
            if not breaker.closed:
                seconds = breaker.wait_seconds(monotonic())
                if seconds:
                    return resting(self._route, seconds)
            try:
                result = await self._attempt(way, ask, number)
            finally:
                if not breaker.closed:
                    breaker.gave_up()
            if not isinstance(result, _Again):
                return result
            await self._sleep(result.seconds)
            number += 1

    async def _attempt(self, way: Way, ask: Ask, number: int) -> Failure | _Again | None:
        held = self._desk.try_reserve(self._route.subjects, ask)
        if held is None:
            try:
                held = await reserve(self._desk, self._pools, self._asked, self._route, way, ask)
            except Turned as turned:
                self._desk.telemetry.refused(self._asked.agent.id, turned.refusal.value)
                return turned_away(self._route, turned, self._desk.seconds_to_midnight())
        call = Call(self._desk, self._asked, self._route, self._ratio, held)
        try:
            return await self._send(way, call, number)
        finally:
            call.abandon(monotonic())

    async def _send(self, way: Way, call: Call, number: int) -> Failure | _Again | None:
        asked, route = self._asked, self._route
        exchange, reading = asked.exchange, asked.reading
        assert route.endpoint is not None
        cap, sent = call.held.fit.cap, exchange.head.headers
        dropped: tuple[str, ...] = ()
        if way.native:
            body = reading.body_for(route.binding.model, cap, route.cap_field)
            headers = upstream_headers(sent, way.key, way.defaults)
        else:
            try:
                written = way.vendor.write(asked.meaning, route.binding.model, cap)
            except BadRequestError as refused:
                call.settle_free()
                return failure_of(refused)
            body, dropped = written.body, written.dropped
            headers = translated_headers(sent, way.key, way.defaults)
        try:
            response = await self._pools.of(route.binding.timeouts).send(
                *(route.endpoint, b"POST", way.target_for(asked), headers, body),
                # A vendor may bill a whole answer that nobody waits for any more: its figures
                # come at its end. A stream that is cut off, it ends where it notices.
                owner=exchange if asked.reading.stream else None,
                on_send=call.leave,
            )
        except UpstreamError as error:
            call.settle_broken(monotonic(), _KINDS.get(error.kind, error.kind))
            route.health.breaker.failed(monotonic())
            return self._after(error, number, sent=bool(call.sent))
        call.seen(monotonic())
        if response.head.status >= 300:
            return await self._refused(way, call, response, number)
        route.health.breaker.succeeded()
        return await self._answer(way, call, response, dropped)

    def _after(self, error: UpstreamError, number: int, *, sent: bool) -> Failure | _Again:
        """Say what follows an attempt without answer; what was sent may have been done."""
        retry = self._route.binding.retry
        if number >= retry.max_attempts or error.kind == "refused":
            return unanswered(self._route, error)
        if isinstance(error, StaleConnection):
            return _Again(0.0)
        if sent:
            return unanswered(self._route, error)
        return _Again(backoff_seconds(retry, number, random.random()))

    async def _answer(
        self, way: Way, call: Call, response: UpstreamResponse, dropped: tuple[str, ...]
    ) -> Failure | None:
        headers = response.head.headers
        if first(headers, b"content-encoding") not in (None, b"identity"):
            response.abort()
            call.settle_unmetered(monotonic())
            return broken(self._route, "it compresses answers although it was asked not to")
        own = [*self._own, (b"x-pai-max-tokens", b"%d" % call.held.fit.cap)]
        if not way.native:
            return await self._translated(way, call, response, own, dropped)
        passed = client_headers(headers, self._route.redactor, own)
        kind = first(headers, b"content-type") or b""
        if kind[: len(_EVENT_STREAM)].lower() == _EVENT_STREAM or (
            self._asked.reading.stream and way.streams_json
        ):
            await self._stream(call, response, passed, way.meter_for(self._asked))
            return None
        body = await self._read(way, call, response)
        if isinstance(body, Failure):
            return body
        self._asked.exchange.answer(response.head.status, passed, self._redacted(body))
        return None

    async def _translated(
        self,
        way: Way,
        call: Call,
        response: UpstreamResponse,
        own: Headers,
        dropped: tuple[str, ...],
    ) -> Failure | None:
        """Answer in the client's dialect; of the vendor's headers none pass."""
        asked = self._asked
        names = [*dropped, *advice_left_out(asked.exchange.head.headers)]
        if names:
            own = [
                *own,
                (b"x-pai-dropped", ", ".join(sorted(set(names))).encode("ascii", "replace")),
            ]
        if asked.reading.stream:
            meter = TranslatingMeter(way.vendor.reader(), asked.client.writer(asked.reading))
            headers = [(b"content-type", asked.client.stream_type(asked.reading)), *own]
            await self._stream(call, response, headers, meter)
            return None
        body = await self._read(way, call, response)
        if isinstance(body, Failure):
            return body
        try:
            if isinstance(asked.meaning, Texts):
                vectors = way.vendor.vectors(body, self._route.binding.model)
                body = asked.client.vectors(vectors, asked.reading)
            else:
                body = asked.client.reply(way.vendor.reply(body), asked.reading)
        except UnreadableError as error:
            message = f"the answer of model '{self._route.name}' can't be read: {error}"
            return Failure(Refused.VENDOR_BROKEN, message)  # it was billed: not asked for again
        asked.exchange.answer(200, [JSON, *own], self._redacted(body))
        return None

    async def _stream(
        self, call: Call, response: UpstreamResponse, headers: Headers, meter: Meter
    ) -> None:
        tap = StreamTap(call, meter, self._route.redactor, monotonic)
        outcome = Outcome.UPSTREAM_BROKEN
        try:
            outcome = await self._asked.exchange.relay(response, headers=headers, tap=tap)
        finally:
            try:
                if outcome is not Outcome.COMPLETE:
                    meter.finish()
            finally:
                call.settle_stream(meter, monotonic())

    async def _read(self, way: Way, call: Call, response: UpstreamResponse) -> bytes | Failure:
        """Return the whole answer, its tokens charged."""
        try:
            body = await response.read(MOST_ANSWER_BYTES)
        except PayloadTooLarge as too_large:
            call.settle_unmetered(monotonic())
            return broken(self._route, too_large.message)
        except UpstreamError as error:
            call.settle_interrupted(0, monotonic())
            return broken(self._route, error.message)
        tokens = way.vendor.tokens(body)
        if tokens is None:
            call.settle_unmetered(monotonic())
        else:
            call.settle_measured(tokens, monotonic())
        return body

    def _redacted(self, body: bytes) -> bytes:
        redactor = self._route.redactor
        return body if redactor is None else redactor.replace(body)

    async def _refused(
        self, way: Way, call: Call, response: UpstreamResponse, number: int
    ) -> Failure | _Again:
        """The vendor says no; it bills nothing for that, unless it only gave up waiting."""
        status, headers = response.head.status, response.head.headers
        if may_be_billed(status):
            call.settle_interrupted(0, monotonic())
        else:
            call.settle_free("rate_limited" if status == 429 else "vendor_error")
        if status >= 500:
            self._route.health.breaker.failed(monotonic())
        else:
            self._route.health.breaker.succeeded()
        try:
            body = self._redacted(await response.read(_MOST_ERROR_BYTES))
        except (UpstreamError, PayloadTooLarge):
            body = b""
        if is_retryable(status):
            pause = pause_seconds(self._route.binding.retry, number, random.random(), headers)
            if pause is not None:
                return _Again(pause)
        if way.native:
            kept = client_headers(headers, self._route.redactor, self._own)
            return refused_by_vendor(self._route, status, headers, Passed(status, kept, body), "")
        text = way.vendor.error_text(body)
        return refused_by_vendor(self._route, status, headers, None, text)

    async def _sleep(self, seconds: float) -> None:
        """Pause between attempts. Raises ClientGone at once when nobody waits any more."""
        gone = asyncio.Event()
        self._asked.exchange.on_client_gone(gone.set)
        try:
            async with asyncio.timeout(seconds):
                await gone.wait()
        except TimeoutError:
            return
        raise ClientGone
