from typing import Any

import pytest
from msgspec import Raw
from tests.unit.dialect.openai_chats import USER, chat, meaning

from pai.dialect.conversation import OutputFormat, Reasoning, Text, Turn
from pai.dialect.openai import CHAT_CLIENT, BadRequestError
from pai.dialect.refused import UnsupportedError
from pai.dialect.sides import Call


def test_a_plain_request_means_what_it_says() -> None:
    talk = CHAT_CLIENT.read(Call(b'{"messages":[{"role":"user","content":"hi"}]}')).meaning()
    assert talk == meaning()
    assert meaning().turns == (Turn("user", (Text(text="hi"),)),)
    assert meaning().answers == 1
    assert meaning().advisory == ()


def test_sampling_and_stops_are_read() -> None:
    talk = meaning(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=-0.1,
        stop="END",
        n=3,
        stream=True,
        logprobs=True,
        top_logprobs=2,
        parallel_tool_calls=False,
        modalities=["text"],
    )
    assert (talk.temperature, talk.top_p, talk.top_k, talk.seed) == (0.5, 0.9, 40, 7)
    assert (talk.presence_penalty, talk.frequency_penalty) == (0.1, -0.1)
    assert (talk.stops, talk.answers, talk.stream) == (("END",), 3, True)
    assert (talk.top_logprobs, talk.parallel_tools) == (2, False)
    assert meaning(stop=["a", "b"]).stops == ("a", "b")
    assert meaning(logprobs=True).top_logprobs == 0
    assert meaning(logprobs=False).top_logprobs is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"reasoning_effort": "low"}, Reasoning(effort="low")),
        ({"reasoning": {"effort": "high"}}, Reasoning(effort="high", shown=True)),
        ({"reasoning": {"max_tokens": 900}}, Reasoning(budget_tokens=900, shown=True)),
        ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning(effort="low")),
        ({"reasoning": {"enabled": False}}, Reasoning(effort="none")),
        ({"reasoning": {"enabled": True}}, Reasoning(effort="medium", shown=True)),
        ({"reasoning": {"enabled": True, "effort": "low"}}, Reasoning(effort="low", shown=True)),
        ({"include_reasoning": True}, Reasoning(shown=True)),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, Reasoning(budget_tokens=5)),
        ({"thinking": {"type": "disabled"}}, Reasoning(effort="none")),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, Reasoning(effort="low")),
    ],
)
def test_every_way_to_ask_for_reasoning_is_read(fields: Any, expected: Any) -> None:
    assert meaning(**fields).reasoning == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, OutputFormat()),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "strict": True}},
            OutputFormat(name="a", schema=Raw(b"{}"), strict=True),
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "description": "b"}},
            OutputFormat(name="a", description="b"),
        ),
    ],
)
def test_output_formats_are_read(wanted: Any, expected: Any) -> None:
    assert meaning(response_format=wanted).output == expected


def test_advice_is_named() -> None:
    talk = meaning(
        {"role": "user", "content": "hi", "name": "eve"},
        metadata={"a": "b"},
        user="u",
        store=True,
        service_tier="flex",
        prompt_cache_key="k",
        verbosity="low",
        prediction={"type": "content", "content": "x"},
        provider={"order": ["a"]},
        stream=True,
        stream_options={"include_obfuscation": False, "include_usage": True},
    )
    assert talk.advisory == (
        *("messages.name", "metadata", "prediction", "prompt_cache_key", "provider"),
        *("service_tier", "store", "stream_options.include_obfuscation", "user", "verbosity"),
    )


def test_what_asks_for_nothing_is_passed_over() -> None:
    assert meaning(logit_bias={}, plugins=[], audio=None, unheard_of=None) == meaning()
    assert meaning(store=False, metadata={}).advisory == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("logit_bias", {"5": 1}),
        ("web_search_options", {"search_context_size": "low"}),
        ("plugins", [{"id": "web"}]),
        ("audio", {"voice": "alloy"}),
        ("modalities", ["text", "audio"]),
        ("moderation", {"model": "m"}),
        ("unheard_of", 1),
        ("response_format", {"type": "grammar"}),
        ("tools", [{"type": "web_search"}]),
    ],
)
def test_what_no_other_vendor_has_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(UnsupportedError) as caught:
        meaning(**{field: value})
    assert caught.value.param == field
    assert caught.value.message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", "warm"),
        ("top_logprobs", 3),
        ("response_format", {"type": "json_schema"}),
        ("response_format", "json"),
        ("tool_choice", "sometimes"),
        ("tool_choice", {"type": "function"}),
        ("function_call", "sometimes"),
        ("tools", [{"type": "function"}]),
        ("tools", [{"type": "custom"}]),
        ("stop", 5),
    ],
)
def test_what_is_not_of_the_apis_shape_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(BadRequestError) as caught:
        meaning(**{field: value})
    assert not isinstance(caught.value, UnsupportedError)
    assert caught.value.param == field


def test_a_request_without_messages_means_nothing() -> None:
    request = chat(USER)
    assert request.fields
    with pytest.raises(BadRequestError):
        CHAT_CLIENT.read(Call(b"{}")).meaning()
    with pytest.raises(BadRequestError) as caught:
        CHAT_CLIENT.read(Call(b'{"messages":[]}')).meaning()
    assert caught.value.param == "messages"
