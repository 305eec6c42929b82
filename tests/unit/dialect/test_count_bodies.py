"""Requests for an answer, made ones that count: what costs input is all there, nothing is added."""

import json
from typing import Any

import pytest
from openai.types.responses import input_token_count_params

from pai.dialect import anthropic, gemini, responses
from pai.dialect.responses import count as of_responses

TALK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ASKING: dict[str, Any] = {"model": "m", "input": "hi"}


def sent(body: bytes | None) -> Any:
    return None if body is None else json.loads(body)


@pytest.mark.parametrize(
    "costs",
    [
        {"system": "be kind"},
        {"tools": [{"name": "f", "input_schema": {}}], "tool_choice": {"type": "any"}},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
    ],
)
def test_anthropic_keeps_what_costs(costs: dict[str, Any]) -> None:
    free = {"max_tokens": 5, "stream": True, "temperature": 1, "metadata": {"user_id": "u"}}
    body = json.dumps({**TALK, **free, **costs}).encode()
    assert sent(anthropic.count_body_of(body, "m")) == {**TALK, **costs}


@pytest.mark.parametrize("name", ["container", "mcp_servers", "compaction", "output_format", "x"])
def test_anthropic_counts_nothing_unknown(name: str) -> None:
    assert anthropic.count_body_of(json.dumps({**TALK, name: {}}).encode(), "m") is None


def test_gemini_counts_the_request_as_it_is() -> None:
    body = {"contents": [], "systemInstruction": {"parts": []}, "model": "models/other"}
    assert sent(gemini.count_body_of(json.dumps(body).encode(), "fast")) == {
        "generateContentRequest": {**body, "model": "models/fast"}
    }


def test_responses_keeps_what_costs() -> None:
    costs = {"instructions": "x", "tools": [], "text": {}, "reasoning": {}, "truncation": "auto"}
    free = {"max_output_tokens": 5, "stream": True, "store": False, "include": [], "user": "u"}
    body = json.dumps({**ASKING, **free, **costs}).encode()
    assert sent(responses.count_body_of(body, "m")) == {**ASKING, **costs}


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt", "x"])
def test_responses_counts_nothing_that_is_stored_or_unknown(name: str) -> None:
    assert responses.count_body_of(json.dumps({**ASKING, name: "x"}).encode(), "m") is None


def test_openai_takes_all_that_it_is_asked_to_count() -> None:
    known = input_token_count_params.InputTokenCountParams.__annotations__
    assert known.keys() >= of_responses._COUNTED


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"object":"response.input_tokens","input_tokens":11}', 11),
        (b'{"input_tokens":-1}', None),
        (b'{"input_tokens":"11"}', None),
        (b'{"input_tokens":1.5}', None),
        (b'{"input_tokens":1e30}', None),
        (b"{}", None),
        (b"[" * 5000, None),
        (b"\xff", None),
    ],
)
def test_answers_of_openai(body: bytes, count: int | None) -> None:
    assert responses.read_count_answer(body) == count
    assert responses.count_target("/v1") == b"/v1/responses/input_tokens"
