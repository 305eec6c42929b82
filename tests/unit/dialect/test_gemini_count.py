import json
from typing import Any

import pytest
from tests.unit.dialect.gemini_calls import USER, sent

from pai.dialect.conversation import Conversation, Text, Turn
from pai.dialect.gemini import (
    CountRequest,
    count_answer,
    count_request,
    count_target,
    read_count,
    read_count_answer,
)
from pai.dialect.refused import BadRequestError
from pai.dialect.sides import Call

HI = (Turn("user", (Text(text="hi"),)),)


def count(**fields: Any) -> CountRequest:
    return read_count(Call(json.dumps(fields).encode(), "fast", "countTokens"))


def test_bare_contents() -> None:
    found = count(contents=[USER], model="models/x")
    assert (found.model, found.shape.messages) == ("fast", 1)
    assert found.meaning().turns == HI
    assert sent(found.count_body_for("gemini-3-flash")) == {"contents": [USER]}


@pytest.mark.parametrize("name", ["generateContentRequest", "generate_content_request"])
def test_a_whole_request(name: str) -> None:
    whole = {"model": "models/x", "contents": [USER], "tools": [{"googleSearch": {}}]}
    found = count(**{name: whole})
    assert (found.shape.messages, found.shape.unbounded) == (1, 1)
    assert sent(found.count_body_for("gemini-3-flash")) == {
        name: {**whole, "model": "models/gemini-3-flash"}
    }
    assert count(**{name: {"contents": [USER]}}).meaning().turns == HI


@pytest.mark.parametrize(
    "fields",
    [
        {"contents": [USER], "generateContentRequest": {"contents": [USER]}},
        {"generateContentRequest": {}, "generate_content_request": {}},
        {"GenerateContentRequest": {}},
        {"generateContentRequest": 5},
    ],
)
def test_what_could_slip_past_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        count(**fields)


def test_a_conversation_is_written_for_google() -> None:
    talk = Conversation(turns=HI, system=(Text(text="s", cache=True),))
    written = count_request(talk, "gemini-3-flash")
    assert written.dropped == ("cache_control",)
    assert sent(written.body) == {
        "generateContentRequest": {
            "model": "models/gemini-3-flash",
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "systemInstruction": {"parts": [{"text": "s"}]},
        }
    }
    assert count_target("", "m") == b"/v1beta/models/m:countTokens"


def test_counts_are_written_and_read() -> None:
    assert read_count_answer(count_answer(42)) == 42
    for body in (b"", b"{}", b'{"totalTokens":-1}', b'{"totalTokens":"9"}', b'{"totalTokens":1e9}'):
        assert read_count_answer(body) is None
