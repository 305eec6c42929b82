import json
from typing import Any

import pytest

from pai.budget.price import Tokens
from pai.dialect.anthropic import MESSAGES_CLIENT
from pai.dialect.anthropic.request import read_request
from pai.dialect.conversation import Text, Thinking, ToolCall
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

READING = read_request(b'{"messages":[],"stream":true}')
BEGUN = Begun("r", "m")
NO_USAGE = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}


def write(*events: Event) -> list[Any]:
    """Return the data of the events written; each must carry its name."""
    writer = MESSAGES_CLIENT.writer(READING)
    out = b"".join(map(writer.write, events)) + writer.finish()
    found = []
    for each in out.decode().split("\n\n")[:-1]:
        name, data = each.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def test_a_whole_stream() -> None:
    assert MESSAGES_CLIENT.stream_type(READING).startswith(b"text/event-stream")
    found = write(
        BEGUN,
        PartBegun(0, 0, Text(text="")),
        Delta(0, 0, "h\u00e9\n"),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="c", name="f", arguments="", seal="sig", vendor="gemini")),
        Delta(0, 1, '{"a"'),
        Delta(0, 1, ""),
        Delta(0, 1, ":1}"),
        PartEnded(0, 1),
        Ended(0, Stop.TOOL),
        Counted(Tokens(100, 20, 30, 5, 10)),
    )
    assert found == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_r",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": NO_USAGE,
            },
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "h\u00e9\n"},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "c-ps-g-c2ln", "name": "f", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"a"'},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": ":1}"},
        },
        {"type": "content_block_stop", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {
                "input_tokens": 60,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 30,
                "output_tokens": 20,
                "output_tokens_details": {"thinking_tokens": 5},
            },
        },
        {"type": "message_stop"},
    ]


def thoughts(*events: Event) -> list[Any]:
    return write(BEGUN, *events)[1:-2]


def test_a_thought_is_signed_at_its_end() -> None:
    assert thoughts(
        PartBegun(0, 0, Thinking(text="a", seal="early", vendor="gemini")),
        Delta(0, 0, "b"),
        Delta(0, 0, "", "late"),
        PartEnded(0, 0),
    ) == [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "a"},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "b"},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": "gemini:late"},
        },
        {"type": "content_block_stop", "index": 0},
    ]


def test_a_hidden_thought_is_its_seal() -> None:
    hidden = Thinking(seal="enc", vendor="openai", hidden=True)
    assert thoughts(PartBegun(0, 0, hidden), Delta(0, 0, "?", "x"), PartEnded(0, 0)) == [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "redacted_thinking", "data": "openai:enc"},
        },
        {"type": "content_block_stop", "index": 0},
    ]


def test_what_is_known_at_the_beginning_is_said_at_once() -> None:
    call = ToolCall(id="c", name="f", arguments='{"a":1}')
    whole = ToolCall(id="c", name="f")
    kinds = [
        each.get("delta", {}).get("text") or each.get("delta", {}).get("partial_json")
        for each in thoughts(
            PartBegun(0, 0, Text(text="a")), PartBegun(0, 1, call), PartBegun(0, 2, whole)
        )
    ]
    assert kinds == [None, "a", None, None, '{"a":1}', None, None, None]


def test_events_leave_at_once() -> None:
    writer = MESSAGES_CLIENT.writer(READING)
    assert writer.write(BEGUN).startswith(b"event: message_start\n")
    assert writer.write(PartBegun(0, 0, Text(text=""))) != b""
    assert writer.write(Delta(0, 0, "a")) != b""


def test_figures_known_early_are_said_early() -> None:
    found = write(Counted(Tokens(7, 1)), BEGUN)
    assert found[0]["message"]["usage"] == {**NO_USAGE, "input_tokens": 7, "output_tokens": 1}


@pytest.mark.parametrize(("overloaded", "kind"), [(True, "overloaded_error"), (False, "api_error")])
def test_a_failure_ends_the_stream(overloaded: bool, kind: str) -> None:
    broken = Broken("why", overloaded=overloaded)
    found = write(BEGUN, broken, PartBegun(0, 0, Text(text="")), Ended(0, Stop.END))
    assert found[1:] == [{"type": "error", "error": {"type": kind, "message": "why"}}]


def test_a_stream_that_never_began_has_no_end() -> None:
    assert write() == []
    assert write(Ended(0, Stop.END)) == []


def test_other_choices_are_not_written() -> None:
    found = write(
        BEGUN,
        PartBegun(1, 0, Text(text="x")),
        Delta(1, 0, "x"),
        PartEnded(1, 0),
        Ended(1, Stop.LENGTH),
    )
    assert [each["type"] for each in found] == ["message_start", "message_delta", "message_stop"]
    assert found[1]["delta"]["stop_reason"] == "end_turn"


def test_the_sequence_that_was_met() -> None:
    found = write(BEGUN, Ended(0, Stop.SEQUENCE, "END"))
    assert found[1]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
