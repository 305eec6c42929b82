"""Streams as the official client puts them together."""

import json
from typing import Any

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.unit.dialect.openai_chats import chat

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.openai import CHAT_CLIENT
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

BEGUN = Begun("msg_1", "claude")
FUNCTION = {"name": "look", "parameters": {"type": "object"}}
CUSTOM = {"type": "custom", "custom": {"name": "patch"}}


def write(*events: Event, **fields: Any) -> list[Any]:
    """Return the data of the stream's events."""
    writer = CHAT_CLIENT.writer(chat(stream=True, **fields))
    sent = b"".join(map(writer.write, events)) + writer.finish()
    lines = sent.decode().split("\n\n")
    assert lines[-1] == ""
    assert all(line.startswith("data: ") for line in lines[:-1])
    return [
        each if each == "[DONE]" else json.loads(each) for each in (li[6:] for li in lines[:-1])
    ]


def accumulate(*events: Event, **fields: Any) -> ChatCompletion:
    state = ChatCompletionStreamState()
    data = write(BEGUN, *events, **fields)
    assert data[-1] == "[DONE]"
    for each in data[:-1]:
        assert list(state.handle_chunk(ChatCompletionChunk.model_validate(each)))
    return state.get_final_completion()


def text(said: str, part: int = 0, choice: int = 0) -> list[Event]:
    begun = PartBegun(choice, part, Text(text=""))
    return [begun, *(Delta(choice, part, each) for each in said), PartEnded(choice, part)]


def test_text_usage_and_end() -> None:
    counted = Counted(Tokens(7, 2, cached=3, reasoning=1, written=2))
    events = [*text("hi"), Ended(0, Stop.END), counted]
    final = accumulate(*events, stream_options={"include_usage": True})
    assert final.id == "chatcmpl-msg_1"
    assert (final.model, final.created) == ("claude", 0)
    assert final.choices[0].message.content == "hi"
    assert final.choices[0].message.role == "assistant"
    assert final.choices[0].finish_reason == "stop"
    assert final.usage is not None
    assert (final.usage.prompt_tokens, final.usage.total_tokens) == (7, 9)
    details = final.usage.prompt_tokens_details
    assert details is not None
    assert (details.cached_tokens, details.cache_write_tokens) == (3, 2)
    data = write(BEGUN, *events, stream_options={"include_usage": True})
    assert [each["usage"] for each in data[:-2]] == [None] * (len(data) - 2)
    assert data[-2]["choices"] == []


def test_usage_is_told_only_where_it_is_wanted_and_known() -> None:
    events = [BEGUN, *text("hi"), Ended(0, Stop.END)]
    told = write(*events, Counted(Tokens(7, 2)))
    assert all("usage" not in each for each in told[:-1])
    unknown = write(*events, stream_options={"include_usage": True})
    assert unknown[-2]["choices"][0]["finish_reason"] == "stop"


def test_the_first_chunk_leaves_at_once() -> None:
    first = write(BEGUN)[0]
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "", "refusal": None},
            "logprobs": None,
            "finish_reason": None,
        }
    ]


def test_calls_are_put_together_again() -> None:
    final = accumulate(
        PartBegun(0, 0, ToolCall(id="c1", name="look", arguments="")),
        Delta(0, 0, '{"a"'),
        Delta(0, 0, ":1}"),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="c2", name="look", seal="s", vendor="gemini")),
        PartEnded(0, 1),
        PartBegun(0, 2, ToolCall(id="c3", name="look", arguments='{"b":2}')),
        PartEnded(0, 2),
        Ended(0, Stop.END),
    )
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    assert [each.function.arguments for each in calls if each.type == "function"] == [
        '{"a":1}',
        "{}",
        '{"b":2}',
    ]
    assert [each.id for each in calls] == ["c1", "c2-ps-g-cw", "c3"]
    assert final.choices[0].finish_reason == "tool_calls"


def test_a_seal_that_comes_late_goes_into_a_detail() -> None:
    call = ToolCall(id="c1", name="look", arguments="", vendor="gemini")
    final = accumulate(
        PartBegun(0, 0, call),
        Delta(0, 0, "{}"),
        Delta(0, 0, "", "s"),
        PartEnded(0, 0),
        Ended(0, Stop.TOOL),
    )
    assert final.choices[0].message.model_dump()["reasoning_details"] == [
        {
            "type": "reasoning.encrypted",
            "index": 0,
            "format": "google-gemini-v1",
            "id": "c1",
            "data": "s",
        }
    ]


def test_thoughts_are_text_and_details() -> None:
    hidden = Thinking(seal="x", vendor="openai", hidden=True)
    final = accumulate(
        PartBegun(0, 0, Thinking(vendor="anthropic")),
        Delta(0, 0, "h"),
        Delta(0, 0, "m"),
        Delta(0, 0, "", "s"),
        PartEnded(0, 0),
        PartBegun(0, 1, hidden),
        PartEnded(0, 1),
        PartBegun(0, 2, Thinking()),
        Delta(0, 2),
        PartEnded(0, 2),
        *text("ok", 3),
        Ended(0, Stop.END),
    )
    message = final.choices[0].message.model_dump()
    assert message["content"] == "ok"
    assert message["reasoning_content"] == "hm"
    claude = {"format": "anthropic-claude-v1", "text": "hm", "signature": "s"}
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, **claude},
        {"type": "reasoning.encrypted", "index": 1, "format": "openai-responses-v1", "data": "x"},
    ]


def test_logprobs_go_with_their_text() -> None:
    likely = (TokenLogprob("h\u00e9", -0.5, (("h\u00e9", -0.5),)),)
    final = accumulate(
        PartBegun(0, 0, Text(text="")),
        Delta(0, 0, "h\u00e9", "", likely),
        PartEnded(0, 0),
        Ended(0, Stop.SEQUENCE),
    )
    told = final.choices[0].logprobs
    assert told is not None
    assert told.content is not None
    assert told.content[0].bytes == list("h\u00e9".encode())
    assert told.content[0].top_logprobs[0].token == "h\u00e9"
    assert final.choices[0].finish_reason == "stop"


def test_several_choices() -> None:
    final = accumulate(
        *text("a"), Ended(0, Stop.END), *text("b", choice=1), Ended(1, Stop.END), Ended(2, None)
    )
    assert [each.message.content for each in final.choices] == ["a", "b", ""]


def test_a_part_may_begin_with_text() -> None:
    begun = PartBegun(0, 0, Text(text="hi"))
    final = accumulate(begun, PartEnded(0, 0), Ended(0, Stop.SEQUENCE))
    assert final.choices[0].message.content == "hi"


def test_clients_of_the_first_days_get_one_function_call() -> None:
    events: list[Event] = [
        PartBegun(0, 0, ToolCall(id="c1", name="look", arguments="")),
        Delta(0, 0, '{"a":1}', "seal"),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="c2", name="look", arguments="")),
        Delta(0, 1, "{}"),
        PartEnded(0, 1),
        Ended(0, Stop.TOOL),
    ]
    final = accumulate(*events, functions=[FUNCTION])
    called = final.choices[0].message.function_call
    assert called is not None
    assert (called.name, called.arguments) == ("look", '{"a":1}')
    assert final.choices[0].message.tool_calls is None
    assert final.choices[0].finish_reason == "function_call"


def test_a_free_form_call_is_told_whole() -> None:
    events: list[Event] = [
        BEGUN,
        PartBegun(0, 0, ToolCall(id="c1", name="patch", arguments="")),
        Delta(0, 0, '{"inp'),
        Delta(0, 0, 'ut":"*** x"}'),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="c2", name="patch", arguments="y", free_form=True)),
        PartEnded(0, 1),
    ]
    told = [
        each["choices"][0]["delta"]["tool_calls"][0]
        for each in write(*events, tools=[CUSTOM])[1:-1]
    ]
    assert told == [
        {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** x"}},
        {"index": 1, "id": "c2", "type": "custom", "custom": {"name": "patch", "input": "y"}},
    ]


def test_a_broken_stream_has_an_error_and_no_end() -> None:
    data = write(BEGUN, Broken("boom"))
    assert data[-1]["error"] == {
        "message": "boom",
        "type": "server_error",
        "param": None,
        "code": "upstream_error",
    }
    assert write(Broken("later", overloaded=True))[0]["error"]["code"] == "upstream_unavailable"


def test_deltas_of_no_part_are_passed_over() -> None:
    assert write(BEGUN, Delta(0, 0, "x"), Delta(5, 0, "x"), PartEnded(0, 0), PartEnded(5, 0))[
        1:
    ] == ["[DONE]"]


def test_the_stream_is_of_events() -> None:
    assert CHAT_CLIENT.stream_type(chat(stream=True)) == b"text/event-stream"
