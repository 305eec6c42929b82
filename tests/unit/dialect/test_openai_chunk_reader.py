import json
from typing import Any

import pytest

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.openai import CHAT_VENDOR
from pai.dialect.openai.choice_reader import MOST_HELD_BYTES
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
    TokenLogprob,
)

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
DONE = b"data: [DONE]\n\n"
BEGUN = Begun("chatcmpl-1", "m")


def event(**fields: Any) -> bytes:
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", **fields}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def delta(index: int = 0, reason: str | None = None, **fields: Any) -> bytes:
    return event(choices=[{"index": index, "delta": fields, "finish_reason": reason}])


def piece(index: int | None, text: str | None, call_id: str | None = None, name: str = "") -> Any:
    function = {"arguments": text, "name": name or None}
    return {"index": index, "id": call_id, "type": "function", "function": function}


def calls(*pieces: Any, **more: Any) -> bytes:
    return delta(tool_calls=list(pieces), **more)


def read(*chunks: bytes) -> list[Event]:
    reader = CHAT_VENDOR.reader()
    out: list[Event] = []
    for chunk in chunks:
        out.extend(reader.feed(chunk))
    return out + reader.finish()


def test_text_is_told_as_it_comes() -> None:
    reader = CHAT_VENDOR.reader()
    first = reader.feed(delta(role="assistant", content="", refusal=None))
    assert first == [BEGUN]
    assert reader.feed(delta(content="Hel")) == [
        PartBegun(0, 0, Text(text="")),
        Delta(0, 0, "Hel"),
    ]
    assert reader.feed(b": ping\n\n" + delta(content="lo \u00e9")) == [Delta(0, 0, "lo \u00e9")]
    assert reader.feed(delta(reason="stop")) == [PartEnded(0, 0), Ended(0, Stop.END)]
    assert not reader.complete
    assert reader.feed(event(choices=[], usage=USAGE) + DONE) == [Counted(Tokens(7, 2))]
    assert reader.finish() == []
    assert (reader.tokens, reader.complete, reader.text_bytes) == (Tokens(7, 2), True, 8)


def test_thoughts_stand_before_text() -> None:
    assert read(
        delta(reasoning_content="h"),
        delta(reasoning="m"),
        delta(content="ok"),
        delta(reason="stop"),
    ) == [
        BEGUN,
        PartBegun(0, 0, Thinking()),
        Delta(0, 0, "h"),
        Delta(0, 0, "m"),
        PartEnded(0, 0),
        PartBegun(0, 1, Text(text="")),
        Delta(0, 1, "ok"),
        PartEnded(0, 1),
        Ended(0, Stop.END),
    ]


def test_details_carry_seals() -> None:
    claude = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    hidden = {"type": "reasoning.encrypted", "data": "x", "format": "openai-responses-v1"}
    assert read(
        delta(reasoning="h", reasoning_details=[{**claude, "text": "h"}]),
        delta(reasoning_details=[{**claude, "text": "m"}]),
        delta(reasoning_details=[{**claude, "signature": "s"}]),
        delta(reasoning_details=[{**claude, "index": 1, "text": "n"}]),
        delta(reasoning_details=[hidden, {"type": "reasoning.new"}]),
        delta(reasoning_content="o"),
        delta(reason="stop"),
    ) == [
        BEGUN,
        PartBegun(0, 0, Thinking(vendor="anthropic")),
        Delta(0, 0, "h"),
        Delta(0, 0, "m"),
        Delta(0, 0, "", "s"),
        PartEnded(0, 0),
        PartBegun(0, 1, Thinking(vendor="anthropic")),
        Delta(0, 1, "n"),
        PartEnded(0, 1),
        PartBegun(0, 2, Thinking(seal="x", vendor="openai", hidden=True)),
        PartEnded(0, 2),
        PartBegun(0, 3, Thinking()),
        Delta(0, 3, "o"),
        PartEnded(0, 3),
        Ended(0, Stop.END),
    ]


def test_another_vendors_thought_is_another_thought() -> None:
    text = {"type": "reasoning.text", "text": "a"}
    hidden = {"type": "reasoning.encrypted", "data": "x"}
    events = read(
        delta(reasoning_details=[{**text, "format": "anthropic-claude-v1"}]),
        delta(reasoning_details=[{**text, "format": "openai-responses-v1"}]),
        delta(reasoning_details=[hidden]),
        delta(reasoning_details=[text]),
        delta(reasoning_details=[text]),
        delta(reason="stop"),
    )
    begun = [each.begun for each in events if isinstance(each, PartBegun)]
    assert begun == [
        Thinking(vendor="anthropic"),
        Thinking(vendor="openai"),
        Thinking(seal="x", hidden=True),
        Thinking(),
    ]


def test_calls_are_told_one_after_the_other() -> None:
    reader = CHAT_VENDOR.reader()
    assert reader.feed(calls(piece(0, "", "c1", "a")))[1:] == [
        PartBegun(0, 0, ToolCall(id="c1", name="a", arguments=""))
    ]
    assert reader.feed(calls(piece(0, '{"x":'))) == [Delta(0, 0, '{"x":')]
    assert reader.feed(calls(piece(0, "1}"))) == [Delta(0, 0, "1}")]
    assert reader.feed(calls(piece(1, "", "c2", "b"))) == [
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="c2", name="b", arguments="")),
    ]
    assert reader.feed(delta(reason="tool_calls")) == [
        Delta(0, 1, "{}"),
        PartEnded(0, 1),
        Ended(0, Stop.TOOL),
    ]


def test_mixed_pieces_of_calls_are_put_in_order() -> None:
    assert read(
        calls(piece(0, '{"x":{}', "c1", "a"), piece(1, '{"y":', "c2", "b")),
        calls(piece(1, "2"), piece(0, ',"z":"}"')),
        calls(piece(0, "}")),
        calls(piece(1, "}"), reason="stop"),
    )[1:] == [
        PartBegun(0, 0, ToolCall(id="c1", name="a", arguments="")),
        Delta(0, 0, '{"x":{}'),
        Delta(0, 0, ',"z":"}"'),
        Delta(0, 0, "}"),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="c2", name="b", arguments="")),
        Delta(0, 1, '{"y":'),
        Delta(0, 1, "2"),
        Delta(0, 1, "}"),
        PartEnded(0, 1),
        Ended(0, Stop.TOOL),
    ]


def test_a_call_that_never_becomes_whole_is_told_at_the_end() -> None:
    events = read(
        calls(piece(0, '{"x":}', "c1", "a")),
        calls(piece(1, "{}", "c2", "b")),
        delta(content="and"),
        calls(piece(0, "late"), reason="length"),
    )
    assert [each.text for each in events if isinstance(each, Delta)] == [
        '{"x":}',
        "late",
        "{}",
        "and",
    ]
    assert events[-1] == Ended(0, Stop.LENGTH)


def test_what_comes_for_a_whole_call_adds_nothing() -> None:
    events = read(
        calls(piece(0, "{}", "c1", "a")),
        delta(content="x"),
        calls(piece(0, " ")),
        delta(reason="stop"),
    )
    assert [each.text for each in events if isinstance(each, Delta)] == ["{}", "x"]


def test_servers_that_count_all_calls_as_the_first_are_understood() -> None:
    for index in (0, None):
        events = read(
            calls(piece(index, "{}", "c1", "a")),
            calls(piece(index, '{"y"', "c2", "b")),
            calls(piece(index, ":1}")),
            delta(reason="tool_calls"),
        )
        begun = [each.begun for each in events if isinstance(each, PartBegun)]
        assert [each.id for each in begun if isinstance(each, ToolCall)] == ["c1", "c2"]
        assert [each.text for each in events if isinstance(each, Delta)] == [
            "{}",
            '{"y"',
            ":1}",
        ]


def test_calls_without_ids_get_one() -> None:
    events = read(
        calls(piece(0, "{}", None, "a")),
        calls(piece(1, "{}", None, "b")),
        delta(reason="tool_calls"),
    )
    ids = [
        each.begun.id
        for each in events
        if isinstance(each, PartBegun) and isinstance(each.begun, ToolCall)
    ]
    assert ids == ["call_chatcmpl-1_0_0", "call_chatcmpl-1_0_1"]


def test_a_call_waits_for_its_name() -> None:
    assert read(
        calls(piece(0, "{", "c1")),
        calls(piece(0, "}", None, "a")),
        calls(piece(1, "{}", "c2")),
        delta(reason="tool_calls"),
    )[1:] == [
        PartBegun(0, 0, ToolCall(id="c1", name="a", arguments="")),
        Delta(0, 0, "{"),
        Delta(0, 0, "}"),
        PartEnded(0, 0),
        Ended(0, Stop.TOOL),
    ]


def test_calls_of_the_first_days_are_calls() -> None:
    assert read(
        delta(function_call={"name": "a", "arguments": ""}),
        delta(function_call={"arguments": '{"x":1}'}),
        delta(reason="function_call"),
    )[1:] == [
        PartBegun(0, 0, ToolCall(id="call_chatcmpl-1_0_0", name="a", arguments="")),
        Delta(0, 0, '{"x":1}'),
        PartEnded(0, 0),
        Ended(0, Stop.TOOL),
    ]


def test_a_free_form_call_keeps_its_text() -> None:
    custom = {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "p", "input": "*** x"}}
    silent = {"index": 1, "id": "c2", "type": "custom", "custom": {"name": "q"}}
    assert read(calls(custom, silent), delta(reason="tool_calls"))[1:-1] == [
        PartBegun(0, 0, ToolCall(id="c1", name="p", arguments="", free_form=True)),
        Delta(0, 0, "*** x"),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="c2", name="q", arguments="", free_form=True)),
        PartEnded(0, 1),
    ]


def seal(call_id: str, data: str = "s") -> dict[str, Any]:
    kind = {"type": "reasoning.encrypted", "format": "google-gemini-v1"}
    return {**kind, "id": call_id, "data": data}


def test_a_seal_finds_its_call_whenever_it_comes() -> None:
    google = {"extra_content": {"google": {"thought_signature": "s0"}}}
    events = read(
        delta(reasoning_details=[seal("c2", "s2")]),
        calls({**piece(0, "{}", "c1", "a"), **google}),
        calls(piece(1, '{"x"', "c2", "b")),
        calls(piece(2, "{}", "c3", "c")),
        delta(reasoning_details=[seal("c3", "s3"), seal("c2", "late"), seal("none", "lost")]),
        calls(piece(1, ":1}"), reason="tool_calls"),
    )
    begun = [each.begun for each in events if isinstance(each, PartBegun)]
    assert begun[:1] == [ToolCall(id="c1", name="a", arguments="", seal="s0", vendor="gemini")]
    assert [getattr(each, "seal", "") for each in begun] == ["s0", "s2", "s3", "lost"]
    assert Delta(0, 1, "", "late") in events
    assert begun[-1] == Thinking(seal="lost", vendor="gemini", hidden=True)


def test_a_seal_for_a_call_that_waits_for_its_name() -> None:
    events = read(
        calls(piece(0, "{}", "c1")),
        delta(reasoning_details=[seal("c1")]),
        calls(piece(0, None, "c1", "a"), reason="tool_calls"),
    )
    assert events[1] == PartBegun(
        0, 0, ToolCall(id="c1", name="a", arguments="", seal="s", vendor="gemini")
    )


def test_a_refusal_is_text_and_says_so() -> None:
    assert read(delta(refusal="no"), delta(reason="stop"))[-2:] == [
        PartEnded(0, 0),
        Ended(0, Stop.REFUSAL),
    ]


def test_content_in_pieces_is_read() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    events = read(delta(content=[thinking]), delta(content=[{"type": "text", "text": "ok"}]), DONE)
    assert [each.begun for each in events if isinstance(each, PartBegun)] == [
        Thinking(),
        Text(text=""),
    ]


def test_several_choices_do_not_mix() -> None:
    events = read(
        delta(content="a"),
        delta(1, content="b"),
        delta(content="c"),
        delta(reason="stop"),
        delta(1, reason="length"),
        delta(content="after the end"),
        DONE,
    )
    assert [(each.choice, each.text) for each in events if isinstance(each, Delta)] == [
        (0, "a"),
        (1, "b"),
        (0, "c"),
    ]
    assert [each for each in events if isinstance(each, Ended)] == [
        Ended(0, Stop.END),
        Ended(1, Stop.LENGTH),
    ]


def test_logprobs_go_with_their_text() -> None:
    content = [{"token": "a", "logprob": -0.5, "top_logprobs": []}]
    told = {"index": 0, "delta": {"content": "a"}, "logprobs": {"content": content}}
    events = read(event(choices=[told]), DONE)
    assert events[2] == Delta(0, 0, "a", "", (TokenLogprob("a", -0.5),))


def test_the_stop_sequence_that_was_met_is_told() -> None:
    last = {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "###"}
    assert read(delta(content="a"), event(choices=[last]))[-1] == Ended(0, Stop.SEQUENCE, "###")


def test_figures_in_the_last_chunk_with_text_and_after_the_end_are_final() -> None:
    last = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    reader = CHAT_VENDOR.reader()
    assert reader.feed(event(choices=[last], usage=USAGE))[-1] == Counted(Tokens(7, 2))
    assert reader.complete
    reader = CHAT_VENDOR.reader()
    running = {"index": 0, "delta": {"content": "a"}, "finish_reason": None}
    states = []
    reader.feed(event(choices=[running], usage=USAGE))
    states.append(reader.complete)
    reader.feed(delta(reason="stop"))
    assert states == [False]
    empty = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    low = {"prompt_tokens": 7, "completion_tokens": 1}
    assert reader.feed(event(choices=[empty], usage=low)) == [Counted(Tokens(7, 2))]
    assert reader.complete
    assert reader.feed(event(choices=[], usage={"prompt_tokens": -1})) == []


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        ({"message": "boom", "type": "server_error"}, Broken("boom")),
        ({"message": "later", "code": 503}, Broken("later", overloaded=True)),
        ({"message": "later", "type": "overloaded_error"}, Broken("later", overloaded=True)),
        ("boom", Broken("boom")),
        ({}, Broken("the vendor reports an error without a message")),
    ],
)
def test_an_error_in_mid_stream_breaks_it(error: Any, broken: Broken) -> None:
    assert read(delta(content="a"), event(error=error), delta(content="b"), DONE)[-1] == broken
    failed = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": error}
    assert read(delta(content="a"), event(choices=[failed]))[-1] == broken


def test_an_error_may_be_all_there_is() -> None:
    assert read(event(error={"message": "boom"})) == [Broken("boom")]


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (delta(content="a"),),
        (DONE,),
        (event(choices=[]), DONE),
        (delta(content="a", reason="stop"), delta(1, content="b")),
    ],
)
def test_a_stream_that_ends_early_is_broken(chunks: tuple[bytes, ...]) -> None:
    last = read(*chunks)[-1]
    assert isinstance(last, Broken)
    assert not last.overloaded


def test_a_server_that_never_says_why_it_stops_is_believed_at_the_end() -> None:
    assert read(delta(content="a"), DONE)[-1] == Ended(0, None)
    assert read(calls(piece(0, "{}", "c1", "a")), DONE)[-1] == Ended(0, Stop.TOOL)
    cut = delta(content="a", reason="stop")[:-2]
    assert read(cut)[-1] == Ended(0, Stop.END)


def test_extras_are_passed_over() -> None:
    extra: dict[str, Any] = {
        "annotations": [1],
        "images": [{}],
        "audio": {"id": "a"},
        "content": None,
    }
    bare = event(choices=[{"index": 0}])
    assert read(delta(**extra), event(x_groq={"id": 1}), bare, delta(reason="stop"))[1:] == [
        Ended(0, Stop.END)
    ]


@pytest.mark.parametrize(
    "sent",
    [
        b"data: {\n\n",
        b'data: {"choices":5}\n\n',
        b"data: \xff\n\n",
        b"data: " + b"[" * 9_000 + b"\n\n",
    ],
)
def test_what_is_no_chunk_is_told(sent: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(sent)


def test_what_is_held_is_bounded() -> None:
    reader = CHAT_VENDOR.reader()
    reader.feed(calls(piece(0, '{"x":', "c1", "a"), piece(1, "{", "c2", "b")))
    big = calls(piece(1, "x" * (MOST_HELD_BYTES // 8)))
    with pytest.raises(UnreadableError):
        for _ in range(9):
            reader.feed(big)
    with pytest.raises(UnreadableError):
        read(*(delta(index, content="a") for index in range(200)))
