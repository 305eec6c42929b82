import json
from typing import Any

import pytest
from tests.unit.dialect.gemini_answers import events_of
from tests.unit.dialect.gemini_calls import SSE, request

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.gemini import GENERATE_CLIENT
from pai.dialect.gemini.usage import usage_of
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
    TokenLogprob,
)

TOKENS = Tokens(12, 7, 3, 2)
NAMES = {"modelVersion": "m", "responseId": "r"}
TEXT: list[Event] = [
    Begun("r", "m"),
    PartBegun(0, 0, Text(text="")),
    Delta(0, 0, "Hel"),
    Delta(0, 0, "lo \u00e9"),
    PartEnded(0, 0),
    Ended(0, Stop.END),
    Counted(TOKENS),
]


def stream(events: list[Event], *, sse: bool = True) -> bytes:
    asked = request(method="streamGenerateContent", query=SSE if sse else {})
    writer = GENERATE_CLIENT.writer(asked)
    return b"".join(map(writer.write, events)) + writer.finish()


def pieces(events: list[Event]) -> list[Any]:
    found = stream(events).split(b"\r\n\r\n")
    assert found.pop() == b""
    return [json.loads(each.removeprefix(b"data: ")) for each in found]


def parts(*events: Event) -> list[Any]:
    """Return the parts that are told, but for the last piece."""
    shown = pieces([Begun("r", "m"), *events])[:-1]
    return [part for each in shown for part in each["candidates"][0]["content"]["parts"]]


def test_a_text_goes_out_piece_by_piece() -> None:
    first, second, last = pieces(TEXT)
    assert first == {
        "candidates": [
            {"content": {"parts": [{"text": "Hel"}], "role": "model"}, "index": 0},
        ],
        **NAMES,
    }
    assert second["candidates"][0]["content"]["parts"] == [{"text": "lo \u00e9"}]
    assert last == {
        "candidates": [
            {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": usage_of(TOKENS),
        **NAMES,
    }


def test_nothing_waits_for_the_figures() -> None:
    asked = request(method="streamGenerateContent", query=SSE)
    writer = GENERATE_CLIENT.writer(asked)
    for each in TEXT[:2]:
        assert writer.write(each) == b""
    assert b"Hel" in writer.write(TEXT[2])


def test_without_events_asked_for_it_is_a_json_array() -> None:
    whole = json.loads(stream(TEXT, sse=False))
    assert whole == pieces(TEXT)
    broken = json.loads(stream([*TEXT[:3], Broken("no")], sse=False))
    assert broken[1]["error"]["message"] == "no"
    assert json.loads(stream([Broken("no", True)], sse=False))[0]["error"]["code"] == 503
    asked = request(method="streamGenerateContent")
    assert GENERATE_CLIENT.stream_type(asked) == b"application/json"
    asked = request(method="streamGenerateContent", query=SSE)
    assert GENERATE_CLIENT.stream_type(asked) == b"text/event-stream"


def test_a_stream_of_nothing() -> None:
    (only,) = pieces([])
    assert only == {"candidates": []}
    assert json.loads(stream([], sse=False)) == [{"candidates": []}]


def test_a_call_goes_out_when_it_is_whole() -> None:
    call = ToolCall(id="c", name="f", arguments="", seal="S", vendor="gemini")
    assert parts(
        PartBegun(0, 0, call), Delta(0, 0, '{"a":'), Delta(0, 0, "1}"), PartEnded(0, 0)
    ) == [{"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}, "thoughtSignature": "S"}]


@pytest.mark.parametrize(
    ("call", "said", "args"),
    [
        (ToolCall(id="c", name="f"), "", {}),
        (ToolCall(id="c", name="f", arguments='{"a":1}'), "", {"a": 1}),
        (ToolCall(id="c", name="f"), '{"a":2}', {"a": 2}),
        (ToolCall(id="c", name="f", arguments="", free_form=True), "ls", {"input": "ls"}),
        (ToolCall(id="c", name="f", arguments="", free_form=True), "", {"input": ""}),
        (ToolCall(id="c", name="f", arguments=""), "{brok", {"input": "{brok"}),
    ],
)
def test_arguments_of_any_kind(call: ToolCall, said: str, args: Any) -> None:
    (part,) = parts(PartBegun(0, 0, call), Delta(0, 0, said), PartEnded(0, 0))
    assert part["functionCall"]["args"] == args


def test_a_call_may_be_sealed_late() -> None:
    call = ToolCall(id="c", name="f", arguments="", vendor="gemini")
    (part,) = parts(PartBegun(0, 0, call), Delta(0, 0, "{}", seal="S"), PartEnded(0, 0))
    assert part["thoughtSignature"] == "S"


def test_thoughts_come_with_their_seals() -> None:
    assert parts(
        PartBegun(0, 0, Thinking(text="h", vendor="anthropic")),
        Delta(0, 0, "m"),
        Delta(0, 0, seal="S"),
        PartEnded(0, 0),
        PartBegun(0, 1, Thinking(seal="T", vendor="gemini", hidden=True)),
        PartEnded(0, 1),
        PartBegun(0, 2, Thinking(vendor="gemini")),
        Delta(0, 2, "x"),
        Delta(0, 2, seal="U"),
        PartEnded(0, 2),
        PartBegun(0, 3, Thinking(text="y")),
        PartEnded(0, 3),
    ) == [
        {"text": "h", "thought": True},
        {"text": "m", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": "cGFpLXNlYWw6YW50aHJvcGljOlM="},
        {"text": "", "thoughtSignature": "T"},
        {"text": "x", "thought": True},
        {"text": "", "thoughtSignature": "U", "thought": True},
        {"text": "y", "thought": True},
    ]


def test_logprobs_come_with_their_text() -> None:
    likely = (TokenLogprob("a", -1.0),)
    (first, _) = pieces(
        [Begun("r", "m"), PartBegun(0, 0, Text(text="")), Delta(0, 0, "a", logprobs=likely)]
    )
    (shown,) = first["candidates"]
    assert shown["logprobsResult"]["chosenCandidates"] == [{"token": "a", "logProbability": -1.0}]
    assert shown["content"]["parts"] == [{"text": "a"}]


def test_several_candidates_end_in_the_last_piece() -> None:
    two: list[Event] = [
        *TEXT[:-2],
        PartBegun(1, 0, Text(text="x")),
        PartEnded(1, 0),
        Ended(0, Stop.END),
        Ended(1, Stop.LENGTH),
    ]
    last = pieces(two)[-1]
    assert [(each["index"], each["finishReason"]) for each in last["candidates"]] == [
        (0, "STOP"),
        (1, "MAX_TOKENS"),
    ]
    assert "usageMetadata" not in last


def test_what_belongs_to_no_part_is_passed_over() -> None:
    assert parts(Delta(0, 0, "x"), PartEnded(0, 0)) == []


def test_a_broken_stream_has_no_end() -> None:
    found = pieces([*TEXT[:3], Broken("no")])
    assert len(found) == 2
    assert found[1]["error"] == {
        "code": 503,
        "message": "no",
        "status": "UNAVAILABLE",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "VENDOR_BROKEN",
                "domain": "pai.io",
            }
        ],
    }


def test_what_is_written_is_read_back() -> None:
    assert events_of(stream(TEXT)) == TEXT
