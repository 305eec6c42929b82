"""How a call is settled, at a desk that has nobody behind it."""

import json
from typing import Any

import pytest
from tests.fakes.exchange import exchange_with
from tests.unit.gateway.test_routes import binding, table

from pai.budget.book import Reservation
from pai.budget.estimate import LearnedRatio
from pai.budget.fit import Fit
from pai.budget.price import Tokens
from pai.dialect.openai import CHAT_CLIENT, StreamMeter, read_request
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Begun, Event
from pai.gateway import metering
from pai.gateway.asked import Asked
from pai.gateway.desk import Desk
from pai.gateway.metering import Call, StreamTap, TranslatingMeter
from pai.ir.ledger import Lease, SettleAnswer, SettleCall, Usage
from pai.providers.redact import Redactor
from pai.wire.errors import BodyEnd
from pai.wire.feed import ControlLink

DAY = "2026-01-01"


PLENTY = 1_000_000


class Books:
    """A real desk with a lease on each budget, nobody behind it, and what it would tell."""

    def __init__(self) -> None:
        self.desk = Desk(ControlLink.__new__(ControlLink), "w1")

    def reserve(self, subjects: tuple[str, str]) -> Reservation:
        book = self.desk.account.book
        book.accept([Lease(subject, DAY, PLENTY, None, 0) for subject in subjects])
        return book.reserve(subjects, DAY, Fit(100, 2_000, 1), 0.0)

    def told(self) -> SettleCall:
        """Return what was settled since the last time."""
        account = self.desk.account
        batch = account.batch()
        account.acknowledge(SettleAnswer(0.0, batch.sequence), DAY)
        return batch


@pytest.fixture
async def books() -> Books:
    return Books()


@pytest.fixture
async def call(books: Books) -> Call:
    agent = table(binding("one")).agent(b"Bearer agent-token")
    assert agent is not None
    held = books.reserve(agent.routes[0].subjects)
    request = read_request(b'{"messages":[]}')
    asked = Asked(exchange_with(), agent, CHAT_CLIENT, request, [])
    made = Call(books.desk, asked, agent.routes[0], LearnedRatio(), held)
    made.sent = 10.0
    return made


def usage_of(books: Books) -> Usage:
    told = books.told()
    [usage] = told.usages
    assert [charge.spent for charge in told.charges] == [usage.input + usage.output] * 2
    return usage


def test_measured_figures_are_charged_with_their_cost(call: Call, books: Books) -> None:
    call.seen(10.5)
    call.settle_measured(Tokens(80, 20, 10, 5), 11.0)
    usage = usage_of(books)
    assert (usage.input, usage.cached, usage.output, usage.reasoning) == (80, 10, 20, 5)
    assert (usage.first_byte_ms, usage.duration_ms, usage.estimated) == (500, 1000, 0)
    assert (usage.agent, usage.model, usage.day) == ("ns/a", "ns/one", DAY)
    assert usage.cost_microusd > 0


def test_a_call_is_settled_once(call: Call, books: Books) -> None:
    call.settle_free()
    call.settle_measured(Tokens(1, 1), 11.0)
    call.abandon()
    assert not any(charge.spent for charge in books.told().charges)
    assert books.told().usages == ()


def test_silence_before_the_first_text_is_charged(call: Call, books: Books) -> None:
    call.seen(10.0)  # a head alone shows no output
    call.settle_interrupted(0, 10.25)
    usage = usage_of(books)
    assert (usage.output, usage.estimated) == (256 + 1000, 1)


def test_between_the_first_and_the_last_text_only_what_was_seen_counts(
    call: Call, books: Books
) -> None:
    call.text_seen(10.0)
    call.text_seen(99.0)
    call.settle_interrupted(300, 99.0)
    assert usage_of(books).output == 300 + 256


def test_what_was_left_behind_is_charged_and_what_never_left_is_not(
    call: Call, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "monotonic", lambda: 10.0)
    call.abandon()
    assert usage_of(books).output == 256
    unsent = made_again(call, books)
    unsent.abandon()
    assert unsent.held.settled
    assert not any(charge.spent for charge in books.told().charges)


def made_again(call: Call, books: Books) -> Call:
    """Return a call like `call` that never left."""
    held = books.reserve(call._route.subjects)
    return Call(books.desk, call._asked, call._route, call._ratio, held)


def delta(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def test_a_stream_with_final_figures_is_measured_even_if_cut_after_them(
    call: Call, books: Books
) -> None:
    meter = StreamMeter(keeps_usage=False)
    tap = StreamTap(call, meter, None, lambda: 10.0)
    tap.feed(delta(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3}))
    call.settle_stream(meter, 11.0)
    assert usage_of(books).estimated == 0


def test_a_cut_stream_is_charged_its_text_and_never_less_than_it_admitted(
    call: Call, books: Books
) -> None:
    meter = StreamMeter(keeps_usage=False)
    tap = StreamTap(call, meter, None, lambda: 10.0)
    running = {"prompt_tokens": 100, "completion_tokens": 1_500}
    tap.feed(delta(choices=[{"delta": {"content": "abc"}}], usage=running))
    call.settle_stream(meter, 10.0)
    assert usage_of(books).output == 1_500


def test_the_key_is_taken_out_of_streams_at_any_cut(call: Call) -> None:
    text = delta(choices=[{"delta": {"content": "key sk-canary-123456 !"}}])
    for cut in range(len(text)):
        meter = StreamMeter(keeps_usage=False)
        tap = StreamTap(call, meter, Redactor((b"sk-canary-123456",), b"dummy"), lambda: 10.0)
        out = tap.feed(text[:cut]) + tap.feed(text[cut:]) + tap.finish()
        assert out == text.replace(b"sk-canary-123456", b"dummy")


class Reader:
    """Reads a stream of which every chunk is an event, but `bad`."""

    tokens = Tokens(5, 6)
    text_bytes = 3
    complete = True

    def feed(self, chunk: bytes) -> list[Event]:
        if chunk == b"bad":
            raise UnreadableError("not a stream")
        return [Begun(each, "m") for each in chunk.decode().split()]

    def finish(self) -> list[Event]:
        return [Begun("last", "m")]


class Writer:
    def write(self, event: Event) -> bytes:
        return event.id.encode() if isinstance(event, Begun) else b"!"

    def finish(self) -> bytes:
        return b"."


def test_events_are_written_as_they_come() -> None:
    meter = TranslatingMeter(Reader(), Writer())
    assert [meter.feed(b"a"), meter.feed(b"b c"), meter.feed(b"")] == [b"a", b"bc", b""]
    assert meter.finish() == b"last."
    assert (meter.tokens, meter.text_bytes, meter.complete) == (Tokens(5, 6), 3, True)


def test_a_stream_that_cant_be_read_ends_as_broken_and_is_not_believed() -> None:
    meter = TranslatingMeter(Reader(), Writer())
    with pytest.raises(BodyEnd) as end:
        meter.feed(b"bad")
    assert end.value.last == b"!."
    assert (meter.finish(), meter.complete, meter.unreadable) == (b"", False, True)
