import json
from typing import Any

import pytest

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.openai import CHAT_VENDOR
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Choice, Reply, Stop, TokenLogprob


def answer(message: dict[str, Any], **choice: Any) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
    }
    return json.dumps(body).encode()


def choice(message: dict[str, Any], **more: Any) -> Choice:
    return CHAT_VENDOR.reply(answer(message, **more)).choices[0]


def test_the_published_example_is_read() -> None:
    # https://platform.openai.com/docs/api-reference/chat/create
    body = {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-4.1-2025-04-14",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello! How can I assist you today?",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 10,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
    }
    assert CHAT_VENDOR.reply(json.dumps(body).encode()) == Reply(
        id="chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        model="gpt-4.1-2025-04-14",
        choices=(Choice(parts=(Text(text="Hello! How can I assist you today?"),), stop=Stop.END),),
        tokens=Tokens(19, 10),
    )


def test_calls_are_read_with_and_without_ids() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "a", "arguments": '{"x":1}'}},
        {"function": {"name": "b", "arguments": {"y": 2}}},
        {"id": "c3", "function": {"name": "c"}},
        {"id": "c4", "type": "custom", "custom": {"name": "d", "input": "free"}},
        {"id": "c5", "type": "hologram"},
    ]
    found = choice({"content": None, "tool_calls": calls})
    assert found.parts == (
        ToolCall(id="c1", name="a", arguments='{"x":1}'),
        ToolCall(id="call_chatcmpl-1_0_1", name="b", arguments='{"y": 2}'),
        ToolCall(id="c3", name="c"),
        ToolCall(id="c4", name="d", arguments="free", free_form=True),
    )
    assert found.stop is Stop.TOOL
    legacy = choice({"function_call": {"name": "a", "arguments": "{}"}})
    assert legacy.parts == (ToolCall(id="call_chatcmpl-1_0_0", name="a"),)


def test_signatures_of_calls_are_seals() -> None:
    google = {"google": {"thought_signature": "s1"}}
    detail = {"type": "reasoning.encrypted", "format": "google-gemini-v1", "id": "c2", "data": "s2"}
    function = {"name": "a", "arguments": "{}"}
    calls = [
        {"id": "c1", "function": function, "extra_content": google},
        {"id": "c2", "function": function, "extra_content": {}},
    ]
    found = choice({"tool_calls": calls, "reasoning_details": [detail]})
    assert found.parts == (
        ToolCall(id="c1", name="a", seal="s1", vendor="gemini"),
        ToolCall(id="c2", name="a", seal="s2", vendor="gemini"),
    )


def test_thoughts_are_read_in_every_spelling() -> None:
    expected = (Thinking(text="hm"), Text(text="ok"))
    assert choice({"content": "ok", "reasoning_content": "hm"}).parts == expected
    assert choice({"content": "ok", "reasoning": "hm"}).parts == expected
    pieces: list[Any] = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "odd"}]},
        {"type": "thinking", "thinking": "m"},
        {"type": "text", "text": "ok"},
        {"type": "reference", "reference_ids": [1]},
    ]
    assert choice({"content": pieces}).parts == expected


def test_why_it_ended() -> None:
    assert choice({"content": "a"}, finish_reason="length").stop is Stop.LENGTH
    assert choice({"content": "a"}, finish_reason="content_filter").stop is Stop.FILTER
    assert choice({"content": "a"}, finish_reason="eos").stop is Stop.END
    assert choice({"content": "a"}, finish_reason="brand_new").stop is None
    refused = choice({"content": None, "refusal": "no"})
    assert (refused.parts, refused.stop) == ((Text(text="no"),), Stop.REFUSAL)
    met = choice({"content": "a"}, stop_reason="###")
    assert (met.stop, met.sequence) == (Stop.SEQUENCE, "###")
    token = choice({"content": "a"}, stop_reason=128001)
    assert (token.stop, token.sequence) == (Stop.END, "")
    cut = choice({"content": "a"}, finish_reason="length", stop_reason="###")
    assert (cut.stop, cut.sequence) == (Stop.LENGTH, "")


def test_logprobs_are_read() -> None:
    top = [{"token": "a", "logprob": -0.1, "bytes": [97]}]
    content = [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": top}]
    found = choice({"content": "a"}, logprobs={"content": content, "refusal": None})
    assert found.logprobs == (TokenLogprob("a", -0.1, (("a", -0.1),)),)
    assert choice({"content": "a"}, logprobs={"content": None}).logprobs == ()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not a chat completion"),
        (b'{"choices":[{"message":5}]}', "not a chat completion"),
        (b'{"id":"x","choices":[]}', "no choices"),
        (b'{"error":{"message":"overloaded"}}', "overloaded"),
        (b'{"error":{}}', "without a message"),
        (b'{"choices":' + b"[" * 9_000 + b"]" * 9_000 + b"}", "not a chat completion"),
    ],
)
def test_what_is_no_answer_is_told(body: bytes, told: str) -> None:
    with pytest.raises(UnreadableError, match=told):
        CHAT_VENDOR.reply(body)
