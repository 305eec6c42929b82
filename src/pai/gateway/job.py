"""One request on one route: reserve, send, pass the answer on, settle; again where it is worth it.

Every attempt starts from the agent's clean request. Every way out settles the reservation.
"""

import asyncio
import random
from dataclasses import dataclass
from time import monotonic
from typing import Final

from pai.budget.book import Reservation
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
_PLAIN: Final = (None, b"identity")  # content codings that can be metered
_Written = tuple[Headers, bytes, tuple[str, ...]]
"""Headers and body for a vendor, and what they leave out."""
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
                ask = ask.capped_at(within.cap)
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
                held = self._desk.try_reserve(self._route.subjects, ask)
                if held is None:
                    waited = await self._wait_for_tokens(way, ask)
                    if isinstance(waited, Failure):
                        return waited
                    held = waited
                call = Call(self._desk, self._asked, self._route, self._ratio, held)
                try:
                    result = await self._send(way, call, number)
                finally:
                    call.abandon()
            finally:
                if not breaker.closed:
                    breaker.gave_up()
            if not isinstance(result, _Again):
                return result
            await self._sleep(result.seconds)
            number += 1

    async def _wait_for_tokens(self, way: Way, ask: Ask) -> Reservation | Failure:
        try:
            return await reserve(self._desk, self._pools, self._asked, self._route, way, ask)
        except Turned as turned:
            self._desk.telemetry.refused(self._asked.agent.id, turned.refusal.value)
            return turned_away(self._route, turned, self._desk.seconds_to_midnight())

    async def _send(self, way: Way, call: Call, number: int) -> Failure | _Again | None:
        """Make one attempt: send the request, pass the answer on."""
        asked, route = self._asked, self._route
        assert route.endpoint is not None
        written = self._written(way, call)
        if isinstance(written, Failure):
            return written
        headers, body, dropped = written
        try:
            response = await self._pools.of(route.binding.timeouts).send(
                route.endpoint,
                b"POST",
                way.target_for(asked),
                headers,
                body,
                # A vendor may bill a whole answer that nobody waits for any more: its figures
                # come at its end. A stream that is cut off, it ends where it notices.
                owner=asked.exchange if asked.reading.stream else None,
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
        if first(response.head.headers, b"content-encoding") not in _PLAIN:
            response.abort()
            call.settle_unmetered(monotonic())
            return broken(route, "it compresses answers although it was asked not to")
        if self._is_stream(way, response):
            await self._stream(way, call, response, dropped)
            return None
        answer = response.whole(MOST_ANSWER_BYTES)
        if answer is None:
            read = await self._read(call, response)
            if isinstance(read, Failure):
                return read
            answer = read
        return self._answer(way, call, response, answer, dropped)

    def _written(self, way: Way, call: Call) -> _Written | Failure:
        """Return the request for the vendor; a Failure, with nothing to pay, if it has no form."""
        asked, route, cap = self._asked, self._route, call.held.fit.cap
        reading, sent = asked.reading, asked.exchange.head.headers
        if way.native:
            body = reading.body_for(route.binding.model, cap, route.cap_field)
            return upstream_headers(sent, way.key, way.defaults), body, ()
        try:
            written = way.vendor.write(asked.meaning, route.binding.model, cap)
        except BadRequestError as refused:
            call.settle_free()
            return failure_of(refused)
        return translated_headers(sent, way.key, way.defaults), written.body, written.dropped

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

    def _is_stream(self, way: Way, response: UpstreamResponse) -> bool:
        """Say whether the answer passes on as it comes; a vendor may stream unasked."""
        if not way.native:
            return self._asked.reading.stream
        kind = first(response.head.headers, b"content-type") or b""
        return kind[: len(_EVENT_STREAM)].lower() == _EVENT_STREAM or (
            self._asked.reading.stream and way.streams_json
        )

    def _answer(
        self,
        way: Way,
        call: Call,
        response: UpstreamResponse,
        body: bytes,
        dropped: tuple[str, ...],
    ) -> Failure | None:
        """Charge a whole answer and send it on."""
        tokens = way.vendor.tokens(body)
        if tokens is None:
            call.settle_unmetered(monotonic())
        else:
            call.settle_measured(tokens, monotonic())
        exchange, head = self._asked.exchange, response.head
        if way.native:
            exchange.answer(head.status, self._passed(call, head.headers), self._redacted(body))
            return None
        try:
            body = self._translated(way, body)
        except UnreadableError as error:
            message = f"the answer of model '{self._route.name}' can't be read: {error}"
            return Failure(Refused.VENDOR_BROKEN, message)  # it was billed: not asked for again
        exchange.answer(200, [JSON, *self._told(call, dropped)], self._redacted(body))
        return None

    def _translated(self, way: Way, body: bytes) -> bytes:
        """Return an answer in the client's dialect. Raises UnreadableError."""
        asked = self._asked
        if isinstance(asked.meaning, Texts):
            vectors = way.vendor.vectors(body, self._route.binding.model)
            return asked.client.vectors(vectors, asked.reading)
        return asked.client.reply(way.vendor.reply(body), asked.reading)

    def _passed(self, call: Call, headers: Headers) -> Headers:
        """Return the vendor's headers as far as they pass, and our own."""
        return client_headers(headers, self._route.redactor, self._own_of(call))

    def _own_of(self, call: Call) -> Headers:
        return [*self._own, (b"x-pai-max-tokens", b"%d" % call.held.fit.cap)]

    def _told(self, call: Call, dropped: tuple[str, ...]) -> Headers:
        """Return the headers of a translated answer; of the vendor's none pass."""
        own = self._own_of(call)
        names = [*dropped, *advice_left_out(self._asked.exchange.head.headers)]
        if names:
            text = ", ".join(sorted(set(names)))
            own.append((b"x-pai-dropped", text.encode("ascii", "replace")))
        return own

    async def _stream(
        self, way: Way, call: Call, response: UpstreamResponse, dropped: tuple[str, ...]
    ) -> None:
        asked = self._asked
        meter: Meter
        if way.native:
            meter = way.meter_for(asked)
            headers = self._passed(call, response.head.headers)
        else:
            meter = TranslatingMeter(way.vendor.reader(), asked.client.writer(asked.reading))
            kind = (b"content-type", asked.client.stream_type(asked.reading))
            headers = [kind, *self._told(call, dropped)]
        tap = StreamTap(call, meter, self._route.redactor, monotonic)
        outcome = Outcome.UPSTREAM_BROKEN
        try:
            outcome = await asked.exchange.relay(response, headers=headers, tap=tap)
        finally:
            try:
                if outcome is not Outcome.COMPLETE:
                    meter.finish()
            finally:
                call.settle_stream(meter, monotonic())

    async def _read(self, call: Call, response: UpstreamResponse) -> bytes | Failure:
        """Wait for the whole answer."""
        try:
            return await response.read(MOST_ANSWER_BYTES)
        except PayloadTooLarge as too_large:
            call.settle_unmetered(monotonic())
            return broken(self._route, too_large.message)
        except UpstreamError as error:
            call.settle_interrupted(0, monotonic())
            return broken(self._route, error.message)

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
