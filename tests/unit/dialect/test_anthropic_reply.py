import json
from typing import Any

import pytest

from pai.budget.price import Tokens
from pai.dialect.anthropic import MESSAGES_CLIENT, MESSAGES_VENDOR
from pai.dialect.anthropic.request import read_request
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Choice, Reply, Stop, Vectors

READING = read_request(b'{"messages":[]}')


def message(*content: Any, **more: Any) -> bytes:
    return json.dumps({"id": "msg_1", "model": "m", "content": content, **more}).encode()


def written(*parts: Any, **more: Any) -> dict[str, Any]:
    reply = Reply(id="r", model="m", choices=(Choice(parts=parts, **more),))
    found: dict[str, Any] = json.loads(MESSAGES_CLIENT.reply(reply, READING))
    return found


def test_an_answer_is_read_with_all_that_others_know() -> None:
    """Source: the example of https://platform.claude.com/docs/en/api/messages/create."""
    given = message(
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
        {"type": "text", "text": "Hi! My name is Claude.", "citations": None},
        {"type": "server_tool_use", "id": 5},
        {"type": "brand_new", "text": 5},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        stop_reason="tool_use",
        usage={"input_tokens": 10, "output_tokens": 5},
    )
    assert MESSAGES_VENDOR.reply(given) == Reply(
        id="msg_1",
        model="m",
        choices=(
            Choice(
                parts=(
                    Thinking(text="hm", seal="sig", vendor="anthropic"),
                    Thinking(seal="enc", vendor="anthropic", hidden=True),
                    Text(text="Hi! My name is Claude."),
                    ToolCall(id="toolu_1", name="f", arguments='{"a": 1}'),
                ),
                stop=Stop.TOOL,
            ),
        ),
        tokens=Tokens(10, 5),
    )


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"content":5}',
        message(5),
        message({"type": "text"}),
        message({"text": "x"}),
        message({"type": "tool_use", "id": "t"}),
    ],
)
def test_what_is_no_message_can_not_be_read(given: bytes) -> None:
    with pytest.raises(UnreadableError):
        MESSAGES_VENDOR.reply(given)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", Stop.END),
        ("max_tokens", Stop.LENGTH),
        ("model_context_window_exceeded", Stop.LENGTH),
        ("stop_sequence", Stop.SEQUENCE),
        ("pause_turn", Stop.PAUSE),
        ("refusal", Stop.REFUSAL),
        ("brand_new", None),
        (None, None),
    ],
)
def test_stop_reasons_are_read(reason: str | None, stop: Stop | None) -> None:
    given = message(stop_reason=reason, stop_sequence="END")
    assert MESSAGES_VENDOR.reply(given).choices == (Choice(stop=stop, sequence="END"),)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (Stop.END, "end_turn"),
        (Stop.LENGTH, "max_tokens"),
        (Stop.SEQUENCE, "stop_sequence"),
        (Stop.TOOL, "tool_use"),
        (Stop.PAUSE, "pause_turn"),
        (Stop.REFUSAL, "refusal"),
        (Stop.FILTER, "refusal"),
        (None, "end_turn"),
    ],
)
def test_stop_reasons_are_written(stop: Stop | None, reason: str) -> None:
    assert written(stop=stop)["stop_reason"] == reason


def test_an_answer_that_calls_a_tool_ends_so_whatever_the_vendor_says() -> None:
    call = ToolCall(id="c", name="f")
    assert written(call, stop=Stop.END)["stop_reason"] == "tool_use"
    assert written(call)["stop_reason"] == "tool_use"
    assert written(call, stop=Stop.LENGTH)["stop_reason"] == "max_tokens"


def test_an_answer_is_written_whole() -> None:
    parts = (
        Thinking(text="hm", seal="sig", vendor="anthropic"),
        Thinking(text="so", seal="sig", vendor="gemini"),
        Thinking(text="plain", vendor="openai"),
        Thinking(seal="enc", vendor="openai", hidden=True),
        Text(text="hi"),
        ToolCall(id="c", name="f", arguments='{"a":1.50}', seal="sig", vendor="gemini"),
        ToolCall(id="d", name="g", arguments='{"cut":'),
    )
    assert written(*parts, stop=Stop.SEQUENCE, sequence="END") == {
        "id": "msg_r",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "thinking", "thinking": "so", "signature": "gemini:sig"},
            {"type": "thinking", "thinking": "plain", "signature": ""},
            {"type": "redacted_thinking", "data": "openai:enc"},
            {"type": "text", "text": "hi"},
            {"type": "tool_use", "id": "c-ps-g-c2ln", "name": "f", "input": {"a": 1.5}},
            {"type": "tool_use", "id": "d", "name": "g", "input": {"input": '{"cut":'}},
        ],
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }


def test_an_answer_without_choices_is_empty() -> None:
    found = json.loads(MESSAGES_CLIENT.reply(Reply(id="msg_1", model="m", choices=()), READING))
    assert (found["id"], found["content"], found["stop_reason"]) == ("msg_1", [], "end_turn")


def test_there_are_no_embeddings() -> None:
    with pytest.raises(UnreadableError):
        MESSAGES_VENDOR.vectors(b"{}", "m")
    with pytest.raises(TypeError):
        MESSAGES_CLIENT.vectors(Vectors(model="m", vectors=()), READING)
