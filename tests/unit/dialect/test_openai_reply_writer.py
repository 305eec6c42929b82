import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from tests.unit.dialect.openai_chats import chat
from tests.unit.dialect.test_openai_chunk_writer import CUSTOM, FUNCTION

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.openai import CHAT_CLIENT
from pai.dialect.reply import Choice, Reply, Stop, TokenLogprob, Vectors


def written(*parts: Any, tokens: Tokens | None = None, **choice: Any) -> dict[str, Any]:
    fields = choice.pop("fields", {})
    reply = Reply(
        id="msg_1", model="claude", choices=(Choice(parts=parts, **choice),), tokens=tokens
    )
    body = CHAT_CLIENT.reply(reply, chat(**fields))
    ChatCompletion.model_validate_json(body, strict=True)
    found: dict[str, Any] = json.loads(body)
    return found


def message(*parts: Any, **choice: Any) -> Any:
    return written(*parts, **choice)["choices"][0]["message"]


def test_the_plainest_answer() -> None:
    assert written(Text(text="hi"), stop=Stop.END, tokens=Tokens(3, 2, reasoning=1)) == {
        "id": "chatcmpl-msg_1",
        "object": "chat.completion",
        "created": 0,
        "model": "claude",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    }
    assert written()["usage"] is None
    assert message()["content"] == ""


def test_calls_and_thoughts() -> None:
    call = ToolCall(id="c1", name="look", arguments='{"a":1}')
    signed = ToolCall(id="c2", name="look", seal="s", vendor="gemini")
    told = message(Thinking(text="hm"), call, signed)
    assert told["content"] is None
    assert told["reasoning_content"] == "hm"
    assert told["reasoning_details"][0]["format"] == "unknown"
    assert told["tool_calls"] == [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "look", "arguments": '{"a":1}'},
        },
        {"id": "c2-ps-g-cw", "type": "function", "function": {"name": "look", "arguments": "{}"}},
    ]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (None, "stop"),
        (Stop.LENGTH, "length"),
        (Stop.SEQUENCE, "stop"),
        (Stop.FILTER, "content_filter"),
        (Stop.REFUSAL, "content_filter"),
        (Stop.PAUSE, "stop"),
    ],
)
def test_why_it_ended(stop: Stop | None, reason: str) -> None:
    assert written(Text(text="a"), stop=stop)["choices"][0]["finish_reason"] == reason


def test_the_answer_is_told_as_the_client_knows_calls() -> None:
    call = ToolCall(id="c1", name="look", arguments="{}")
    legacy = written(call, call, stop=Stop.TOOL, fields={"functions": [FUNCTION]})["choices"][0]
    assert legacy["message"]["function_call"] == {"name": "look", "arguments": "{}"}
    assert "tool_calls" not in legacy["message"]
    assert legacy["finish_reason"] == "function_call"
    wrapped = ToolCall(id="c1", name="patch", arguments='{"input":"x"}')
    free = ToolCall(id="c2", name="patch", arguments="y", free_form=True)
    told = message(wrapped, free, fields={"tools": [CUSTOM]})["tool_calls"]
    assert [each["custom"]["input"] for each in told] == ["x", "y"]


def test_logprobs_are_told() -> None:
    told = written(Text(text="a"), logprobs=(TokenLogprob("a", -0.5),))["choices"][0]["logprobs"]
    assert told["content"] == [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]


def test_an_answers_own_id_stays() -> None:
    reply = Reply(id="chatcmpl-9", model="m", choices=(Choice(),))
    assert json.loads(CHAT_CLIENT.reply(reply, chat()))["id"] == "chatcmpl-9"


def test_a_chat_is_not_answered_with_embeddings() -> None:
    with pytest.raises(TypeError):
        CHAT_CLIENT.vectors(Vectors(model="m", vectors=()), chat())
