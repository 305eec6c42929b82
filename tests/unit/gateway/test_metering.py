"""How a call is settled, on a desk that only writes down what it is told."""

import json
from typing import Any, cast

import pytest
from tests.unit.gateway.test_routes import binding, table

from pai.budget.account import Account
from pai.budget.book import Reservation
from pai.budget.estimate import LearnedRatio
from pai.budget.fit import Fit
from pai.budget.price import Tokens
from pai.dialect.openai import CHAT_CLIENT, StreamMeter, read_request
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Begun, Event
from pai.gateway.asked import Asked
from pai.gateway.desk import Desk
from pai.gateway.metering import Call, StreamTap, TranslatingMeter
from pai.gateway.spans import Spans
from pai.gateway.telemetry import Telemetry
from pai.ir.ledger import Usage
from pai.providers.redact import Redactor
from pai.wire.exchange import Exchange
from pai.wire.message import BodyEnd

DAY = "2026-01-01"


class Notebook:
    def __init__(self) -> None:
        self.account = Account("w1")
        self.settled: list[int] = []
        self.telemetry = Telemetry()
        self.spans = Spans("w1")

    def settle(self, reservation: Reservation, tokens: int) -> None:
        if not reservation.settled:
            reservation.settled = True
            self.settled.append(tokens)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def call(notebook: Notebook) -> Call:
    agent = table(binding("one")).agent(b"Bearer agent-token")
    assert agent is not None
    keys = tuple((subject, DAY) for subject in agent.routes[0].subjects)
    held = Reservation(keys, Fit(100, 2_000, 1))
    request = read_request(b'{"messages":[]}')
    asked = Asked(cast(Exchange, None), agent, CHAT_CLIENT, request, [])
    desk = cast(Desk, notebook)
    made = Call(desk, asked, agent.routes[0], LearnedRatio(), held)
    made.sent = 10.0
    return made


def usage_of(notebook: Notebook) -> Usage:
    [tokens] = notebook.settled
    [usage] = notebook.account.batch().usages
    assert tokens == usage.input + usage.output
    return usage


def test_measured_figures_are_charged_with_their_cost(call: Call, notebook: Notebook) -> None:
    call.seen(10.5)
    call.settle_measured(Tokens(80, 20, 10, 5), 11.0)
    usage = usage_of(notebook)
    assert (usage.input, usage.cached, usage.output, usage.reasoning) == (80, 10, 20, 5)
    assert (usage.first_byte_ms, usage.duration_ms, usage.estimated) == (500, 1000, 0)
    assert (usage.agent, usage.model, usage.day) == ("ns/a", "ns/one", DAY)
    assert usage.cost_microusd > 0


def test_a_call_is_settled_once(call: Call, notebook: Notebook) -> None:
    call.settle_free()
    call.settle_measured(Tokens(1, 1), 11.0)
    call.abandon(12.0)
    assert notebook.settled == [0]
    assert notebook.account.batch().usages == ()


def test_silence_before_the_first_text_is_charged(call: Call, notebook: Notebook) -> None:
    call.seen(10.0)  # a head alone shows no output
    call.settle_interrupted(0, 10.25)
    usage = usage_of(notebook)
    assert (usage.output, usage.estimated) == (256 + 1000, 1)


def test_between_the_first_and_the_last_text_only_what_was_seen_counts(
    call: Call, notebook: Notebook
) -> None:
    call.text_seen(10.0)
    call.text_seen(99.0)
    call.settle_interrupted(300, 99.0)
    assert usage_of(notebook).output == 300 + 256


def test_what_was_left_behind_is_charged_and_what_never_left_is_not(
    call: Call, notebook: Notebook
) -> None:
    call.abandon(10.0)
    assert usage_of(notebook).output == 256
    unsent = made_again(call, notebook)
    unsent.abandon(99.0)
    assert notebook.settled[1:] == [0]


def made_again(call: Call, notebook: Notebook) -> Call:
    """Return a call like `call` that never left."""
    held = Reservation(call.held.keys, call.held.fit)
    desk = cast(Desk, notebook)
    return Call(desk, call._asked, call._route, call._ratio, held)


def delta(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def test_a_stream_with_final_figures_is_measured_even_if_cut_after_them(
    call: Call, notebook: Notebook
) -> None:
    meter = StreamMeter(keeps_usage=False)
    tap = StreamTap(call, meter, None, lambda: 10.0)
    tap.feed(delta(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3}))
    call.settle_stream(meter, 11.0)
    assert usage_of(notebook).estimated == 0


def test_a_cut_stream_is_charged_its_text_and_never_less_than_it_admitted(
    call: Call, notebook: Notebook
) -> None:
    meter = StreamMeter(keeps_usage=False)
    tap = StreamTap(call, meter, None, lambda: 10.0)
    running = {"prompt_tokens": 100, "completion_tokens": 1_500}
    tap.feed(delta(choices=[{"delta": {"content": "abc"}}], usage=running))
    call.settle_stream(meter, 10.0)
    assert usage_of(notebook).output == 1_500


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
