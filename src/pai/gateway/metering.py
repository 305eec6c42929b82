"""What a call cost: from the vendor's figures where there are any, else from our bounds."""

from collections.abc import Callable
from time import monotonic

from pai.budget.book import Reservation
from pai.budget.estimate import LearnedRatio
from pai.budget.interrupted import Seen, interrupted, unmetered
from pai.budget.price import Tokens, cost_microusd
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Broken
from pai.dialect.sides import EventReader, EventWriter, Meter
from pai.gateway.asked import Asked
from pai.gateway.desk import Desk
from pai.gateway.routes import Route
from pai.providers.redact import Redactor
from pai.wire.errors import BodyEnd
from pai.wire.message import first


class Call:
    """One request at a vendor: its reservation, its times, and how it is settled.

    Times are seconds of the monotonic clock. It is settled once; what comes later changes nothing.
    """

    __slots__ = (
        "_asked",
        "_desk",
        "_ratio",
        "_route",
        "first",
        "held",
        "sent",
        "text_first",
        "text_last",
    )

    def __init__(
        self,
        desk: Desk,
        asked: Asked,
        route: Route,
        ratio: LearnedRatio,
        held: Reservation,
    ) -> None:
        self._desk, self._asked, self._route = desk, asked, route
        self._ratio = ratio
        self.held = held
        self.sent = self.first = self.text_first = self.text_last = 0.0

    def leave(self) -> None:
        """Note that the request leaves for the vendor now: from here on it may be billed."""
        self.sent = monotonic()

    def seen(self, now: float) -> None:
        """Note that the answer begins."""
        self.first = now

    def text_seen(self, now: float) -> None:
        """Note that output is here."""
        self.text_first = self.text_first or now
        self.text_last = now

    def abandon(self) -> None:
        """Settle what nothing else has settled: the job was cancelled or failed."""
        if not self.held.settled:
            self.settle_broken(monotonic())

    def settle_broken(self, now: float, error: str = "broken") -> None:
        """No answer came: charge what may have been billed, which is nothing if it never left."""
        if self.sent:
            self.settle_interrupted(0, now, error=error)
        else:
            self.settle_free()

    def settle_free(self, error: str = "") -> None:
        """Nothing was billed. error: one of `telemetry.ERRORS`, when the vendor was asked."""
        if self.sent and not self.held.settled:
            self._observe(Tokens(), 0, monotonic(), error)
        self._desk.settle(self.held, 0)

    def settle_measured(self, tokens: Tokens, now: float) -> None:
        """Charge the vendor's own figures."""
        self._ratio.learn(self._asked.reading.shape, tokens.input)
        self._settle(tokens, now, estimated=False)

    def settle_unmetered(self, now: float) -> None:
        """Charge the whole reservation: the answer is complete, its figures are not."""
        self._settle(unmetered(self.held.fit), now, estimated=True)

    def settle_interrupted(
        self,
        text_bytes: int,
        now: float,
        known: Tokens | None = None,
        error: str = "interrupted",
    ) -> None:
        """Charge what was seen, what may have been unseen, and the input."""
        since_text = now - self.text_last if self.text_last else 0.0
        silent = (self.text_first or now) - self.sent + since_text
        fit, seen = self.held.fit, Seen(text_bytes, silent)
        if self._asked.reading.shape.unbounded:  # input may still grow
            tokens = interrupted(fit, seen)
            if known is not None and known.total > tokens.total:
                tokens = known
        else:
            tokens = interrupted(fit, seen, known)
        self._settle(tokens, now, estimated=True, error=error)

    def settle_stream(self, meter: Meter | EventReader, now: float) -> None:
        """Charge a stream that has ended, or was broken off; `meter` has been finished."""
        if isinstance(meter, TranslatingMeter) and meter.unreadable:
            self.settle_unmetered(now)
        elif meter.tokens is not None and meter.complete:
            self.settle_measured(meter.tokens, now)
        else:
            self.settle_interrupted(meter.text_bytes, now, meter.tokens)

    def _settle(self, tokens: Tokens, now: float, *, estimated: bool, error: str = "") -> None:
        if self.held.settled:
            return
        price, sent = self._route.price, self.sent
        cost = 0 if price is None else cost_microusd(tokens, price)
        sums = (
            1,
            tokens.input,
            tokens.cached,
            tokens.output,
            tokens.reasoning,
            cost,
            int(estimated),
            int(((self.first or now) - sent) * 1000),
            int((now - sent) * 1000),
        )
        self._desk.settle(self.held, tokens.input + tokens.output)
        day = self.held.keys[0][1]
        self._desk.account.add_usage(self._asked.agent.id, self._route.binding.id, day, sums)
        self._observe(tokens, cost, now, error)

    def _observe(self, tokens: Tokens, cost: int, now: float, error: str) -> None:
        """Count the call in metrics and traces."""
        asked, desk, sent = self._asked, self._desk, self.sent
        key = (asked.agent.id, self._route.binding.id, asked.client.name)
        first_seconds = self.text_first - sent if self.text_first else 0.0
        desk.telemetry.observe(key, tokens, cost, now - sent, first_seconds, error)
        if desk.spans.on:
            parent = first(asked.exchange.head.headers, b"traceparent")
            desk.spans.add(parent, key, tokens, cost, now - sent, first_seconds, error)


class StreamTap:
    """Meters a stream on its way to the client, and takes the vendor's key out of it."""

    def __init__(
        self, call: Call, meter: Meter, redactor: Redactor | None, clock: Callable[[], float]
    ) -> None:
        self._call, self._meter, self._clock = call, meter, clock
        self._redactor = None if redactor is None else redactor.fresh()

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of the vendor; return those for the client. Raises BodyEnd."""
        before = self._meter.text_bytes
        try:
            passed = self._meter.feed(chunk)
        except BodyEnd as end:
            if self._redactor is None:
                raise
            raise BodyEnd(self._redactor.feed(end.last) + self._redactor.finish()) from None
        if self._meter.text_bytes > before:
            self._call.text_seen(self._clock())
        return passed if self._redactor is None else self._redactor.feed(passed)

    def finish(self) -> bytes:
        """Return what was held back."""
        rest = self._meter.finish()
        return (
            rest if self._redactor is None else self._redactor.feed(rest) + self._redactor.finish()
        )


class TranslatingMeter:
    """A vendor's stream in the client's dialect; counts like any meter."""

    def __init__(self, reader: EventReader, writer: EventWriter) -> None:
        self._reader, self._writer = reader, writer
        self.unreadable = self._cut = False
        self._unread_bytes = 0  # since the last event

    @property
    def tokens(self) -> Tokens | None:
        """The vendor's last figures."""
        return self._reader.tokens

    @property
    def text_bytes(self) -> int:
        """Bytes of output seen; where the stream was cut in an event, those of the event too."""
        seen = self._reader.text_bytes
        return seen + self._unread_bytes if self._cut else seen

    @property
    def complete(self) -> bool:
        """Whether the vendor has given its final figures."""
        return self._reader.complete and not self.unreadable

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of the vendor; return those for the client.

        Raises BodyEnd when they can't be read: nobody knows what the rest means or costs.
        """
        self._unread_bytes += len(chunk)
        try:
            events = self._reader.feed(chunk)
        except UnreadableError as error:
            self.unreadable = True
            broken = Broken(f"the vendor's stream can't be read: {error}")
            raise BodyEnd(self._writer.write(broken) + self._writer.finish()) from error
        if events:
            self._unread_bytes = 0
        write = self._writer.write
        return write(events[0]) if len(events) == 1 else b"".join(map(write, events))

    def finish(self) -> bytes:
        """Return the end of the stream; nothing when it came with what can't be read."""
        if self.unreadable:
            return b""
        events = self._reader.finish()
        self._cut = self._cut or any(isinstance(each, Broken) for each in events)
        return b"".join(map(self._writer.write, events)) + self._writer.finish()
