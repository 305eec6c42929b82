import json
from typing import Any

import pytest

from pai.budget.price import Tokens
from pai.dialect.anthropic.reader import MessagesReader
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import (
    Begun,
    Broken,
    Counted,
    Delta,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Stop,
)
from pai.dialect.sse import MOST_EVENT_BYTES


def event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def start(**usage: Any) -> bytes:
    message = {"id": "msg_1", "type": "message", "model": "m", "content": [], "usage": usage}
    return event("message_start", message=message)


def block(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def delta(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def last(reason: str | None = "end_turn", **usage: Any) -> bytes:
    fields = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=fields, usage=usage)


STOP = event("message_stop")


def read(*chunks: bytes) -> tuple[list[Event], MessagesReader]:
    reader = MessagesReader()
    events = [each for chunk in chunks for each in reader.feed(chunk)]
    return events + reader.finish(), reader


def test_the_published_example() -> None:
    """Source: https://platform.claude.com/docs/en/build-with-claude/streaming (tool use)."""
    events, reader = read(
        start(input_tokens=472, output_tokens=2),
        event("ping"),
        block(0, "text", text=""),
        delta(0, "text_delta", text="Okay"),
        delta(0, "text_delta", text=", let's"),
        stop(0),
        block(1, "tool_use", id="toolu_01", name="get_weather", input={}),
        delta(1, "input_json_delta", partial_json=""),
        delta(1, "input_json_delta", partial_json='{"location":'),
        delta(1, "input_json_delta", partial_json=' "San Francisco"}'),
        stop(1),
        last("tool_use", output_tokens=89),
        STOP,
    )
    assert events == [
        Begun("msg_1", "m"),
        Counted(Tokens(472, 2)),
        PartBegun(0, 0, Text(text="")),
        Delta(0, 0, "Okay"),
        Delta(0, 0, ", let's"),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="toolu_01", name="get_weather", arguments="")),
        Delta(0, 1, '{"location":'),
        Delta(0, 1, ' "San Francisco"}'),
        PartEnded(0, 1),
        Counted(Tokens(472, 89)),
        Ended(0, Stop.TOOL),
    ]
    assert (reader.tokens, reader.complete) == (Tokens(472, 89), True)
    assert reader.text_bytes == len('Okay, let\'s{"location": "San Francisco"}')


def test_thoughts_shown_and_hidden() -> None:
    events, reader = read(
        start(),
        block(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="h\u00e9"),
        delta(0, "signature_delta", signature="sig"),
        stop(0),
        block(1, "redacted_thinking", data="enc"),
        delta(1, "text_delta", text="?"),
        stop(1),
        block(2, "redacted_thinking", data=5),
        stop(2),
        last(),
        STOP,
    )
    assert events[1:-1] == [
        PartBegun(0, 0, Thinking(vendor="anthropic")),
        Delta(0, 0, "h\u00e9"),
        Delta(0, 0, "", "sig"),
        PartEnded(0, 0),
        PartBegun(0, 1, Thinking(seal="enc", vendor="anthropic", hidden=True)),
        PartEnded(0, 1),
        PartBegun(0, 2, Thinking(vendor="anthropic", hidden=True)),
        PartEnded(0, 2),
    ]
    assert (reader.text_bytes, reader.tokens, reader.complete) == (3, None, False)


def test_a_call_without_arguments_has_none_in_it() -> None:
    events, _ = read(
        start(), block(0, "tool_use", id="t", name="f", input={}), stop(0), last(), STOP
    )
    assert events[2:4] == [Delta(0, 0, "{}"), PartEnded(0, 0)]
    events, _ = read(start(), block(0, "tool_use", id="t", name="f", input={"a": 1}), last(), STOP)
    assert events[2:4] == [Delta(0, 0, '{"a": 1}'), PartEnded(0, 0)]


def test_what_others_do_not_know_is_passed_over() -> None:
    events, _ = read(
        start(),
        event("brand_new", index="x", usage=[]),
        event("ping"),
        b": comment\n\n",
        block(0, "server_tool_use", id="s", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json="{}"),
        stop(0),
        block(1, "web_search_tool_result", text=5),
        stop(1),
        block(2, "text", text="a"),
        delta(2, "citations_delta", citation={}),
        delta(7, "brand_new_delta", text=5),
        delta(7, "text_delta", text="?"),
        event("content_block_start", index=3),
        event("content_block_delta", index=3),
        last(),
        STOP,
        start(),
    )
    assert events == [
        Begun("msg_1", "m"),
        PartBegun(0, 0, Text(text="")),
        Delta(0, 0, "a"),
        PartEnded(0, 0),
        Ended(0, Stop.END),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        b"data: {\n\n",
        b"data: \xff\n\n",
        event("message_delta", delta=5),
        event("content_block_start", index="x", content_block={"type": "text"}),
        delta(0, "text_delta", text=5),
        event("content_block_start", content_block=5),
    ],
)
def test_what_can_not_be_read_breaks_the_stream(odd: bytes) -> None:
    events, reader = read(start(), block(0, "text", text=""), odd, last(), STOP)
    assert isinstance(events[-1], Broken)
    assert sum(isinstance(each, Broken) for each in events) == 1
    assert not reader.complete


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        (
            {"type": "overloaded_error", "message": "Overloaded"},
            Broken("Overloaded", overloaded=True),
        ),
        ({"type": "api_error", "message": "x" * 9_999}, Broken("x" * 1_000)),
        ({}, Broken("the vendor gave no reason")),
        (None, Broken("the vendor gave no reason")),
    ],
)
def test_a_vendors_failure_in_mid_stream(error: Any, broken: Broken) -> None:
    events, _ = read(start(), event("error", error=error), last())
    assert events == [Begun("msg_1", "m"), broken]


def test_a_stream_that_ends_early_is_broken() -> None:
    for cut in ([], [start()], [start(), last(None)]):
        events, reader = read(*cut)
        assert isinstance(events[-1], Broken)
        assert not reader.complete


def test_a_stream_may_end_without_its_last_event_but_not_without_a_reason() -> None:
    events, reader = read(start(input_tokens=1), last(output_tokens=2), last("max_tokens"))
    assert events[-1] == Ended(0, Stop.END)
    assert reader.complete
    events, reader = read(start(), STOP)
    assert events[-1] == Ended(0, None)
    assert not reader.complete


def test_the_last_event_may_come_without_its_end() -> None:
    events, _ = read(start(), last().rstrip(b"\n"))
    assert events[-1] == Ended(0, Stop.END)


def test_lying_figures_are_passed_over() -> None:
    events, reader = read(start(input_tokens=5, output_tokens=1), last(output_tokens=-7), STOP)
    assert (reader.tokens, reader.complete) == (Tokens(5, 1), False)
    assert events[-1] == Ended(0, Stop.END)
    _, silent = read(event("message_start"), event("message_delta"), STOP)
    assert silent.tokens is None


def test_an_endless_event_is_no_event() -> None:
    reader = MessagesReader()
    with pytest.raises(UnreadableError):
        reader.feed(b"data: " + b"x" * (MOST_EVENT_BYTES + 1))
