import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from pai.dialect.conversation import (
    Conversation,
    OutputFormat,
    Reasoning,
    Text,
    Texts,
    Tool,
    ToolChoice,
    Turn,
)
from pai.dialect.openai import CHAT_VENDOR
from pai.dialect.refused import UnsupportedError

ASKED = Conversation(turns=(Turn("user", (Text(text="hi"),)),))
LOOK, TAKE = Tool(name="look", description="Looks.", schema=Raw(b'{"a":1}')), Tool(name="take")


def write(model: str = "gpt-4o", **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    talk = msgspec.structs.replace(ASKED, **fields)
    written = CHAT_VENDOR.write(talk, model, 99)
    return json.loads(written.body), written.dropped


def test_the_plainest_request() -> None:
    assert write() == (
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 99},
        (),
    )
    assert write("gpt-5.1")[0]["max_completion_tokens"] == 99


def test_a_stream_always_asks_for_its_usage() -> None:
    request, _ = write(stream=True)
    assert request["stream"] is True
    assert request["stream_options"] == {"include_usage": True}


def test_answers_stops_seed_and_sampling() -> None:
    request, dropped = write(
        answers=2,
        stops=("a", "b"),
        seed=7,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        presence_penalty=0.5,
        frequency_penalty=0.0,
        top_logprobs=3,
        advisory=("metadata",),
    )
    assert (request["n"], request["stop"], request["seed"]) == (2, ["a", "b"], 7)
    assert (request["temperature"], request["top_p"]) == (0.5, 0.9)
    assert request["presence_penalty"] == 0.5
    assert "frequency_penalty" not in request
    assert (request["logprobs"], request["top_logprobs"]) == (True, 3)
    assert dropped == ("metadata", "top_k")
    assert "top_logprobs" not in write(top_logprobs=0)[0]


def test_reasoning_models_are_sent_no_sampling_parameters() -> None:
    request, dropped = write("gpt-5.1", temperature=0.5, top_p=0.9)
    assert request.keys() == {"model", "messages", "max_completion_tokens"}
    assert dropped == ("temperature", "top_p")


@pytest.mark.parametrize(
    ("model", "wanted", "level", "dropped"),
    [
        ("gpt-5.1", Reasoning(effort="high"), "high", ()),
        ("gpt-5.1", Reasoning(budget_tokens=2_048), "low", ()),
        ("gpt-5.1", Reasoning(shown=True), None, ()),
        ("gpt-4o", Reasoning(effort="high"), None, ("reasoning",)),
        ("gpt-4o", Reasoning(budget_tokens=9_000), None, ("reasoning",)),
        ("gpt-4o", Reasoning(effort="none"), None, ()),
    ],
)
def test_effort_is_sent_where_it_is_known(
    model: str, wanted: Reasoning, level: str | None, dropped: tuple[str, ...]
) -> None:
    request, named = write(model, reasoning=wanted)
    assert request.get("reasoning_effort") == level
    assert named == dropped


def test_tools_and_their_choice() -> None:
    request, _ = write(tools=(LOOK, TAKE), tool_choice=ToolChoice("any"), parallel_tools=False)
    assert request["tools"] == [
        {
            "type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": {"a": 1}},
        },
        {
            "type": "function",
            "function": {"name": "take", "parameters": {"type": "object", "properties": {}}},
        },
    ]
    assert request["tool_choice"] == "required"
    assert request["parallel_tool_calls"] is False
    strict = write("o3", tools=(Tool(name="a", strict=True),), parallel_tools=False)[0]
    assert strict["tools"][0]["function"]["strict"] is True
    assert "parallel_tool_calls" not in strict
    assert "tool_choice" not in strict
    assert "parallel_tool_calls" not in write(tools=(LOOK,), parallel_tools=True)[0]
    named = write(tools=(LOOK,), tool_choice=ToolChoice("tool", "look"))[0]
    assert named["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert "tool_choice" not in write(tool_choice=ToolChoice("auto"))[0]


def test_of_allowed_tools_only_those_are_shown() -> None:
    some = ToolChoice("any", names=("take",))
    request, _ = write(tools=(LOOK, TAKE), tool_choice=some)
    assert [each["function"]["name"] for each in request["tools"]] == ["take"]
    assert request["tool_choice"] == "required"


def test_cache_marks_go_to_those_who_know_them() -> None:
    tool, system = Tool(name="a", cache=True), (Text(text="s", cache=True), Text(text="t"))
    mark = {"type": "ephemeral"}
    request, dropped = write("anthropic/claude", tools=(tool,), system=system)
    assert request["tools"][0]["cache_control"] == mark
    assert request["messages"][0]["content"] == [
        {"type": "text", "text": "s", "cache_control": mark},
        {"type": "text", "text": "t"},
    ]
    assert dropped == ()
    request, dropped = write(tools=(tool,), system=system)
    assert request["messages"][0] == {"role": "system", "content": "s\n\nt"}
    assert "cache_control" not in request["tools"][0]
    assert dropped == ("cache_control",)


@pytest.mark.parametrize(
    ("output", "written"),
    [
        (OutputFormat(), {"type": "json_object"}),
        (
            OutputFormat(schema=Raw(b"{}")),
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}},
        ),
        (
            OutputFormat(schema=Raw(b"{}"), name="n", description="d", strict=True),
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {}, "description": "d", "strict": True},
            },
        ),
    ],
)
def test_output_formats_are_written(output: OutputFormat, written: dict[str, Any]) -> None:
    assert write(output=output)[0]["response_format"] == written


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        ("gpt-4o", {"stops": tuple("abcde")}, "stop"),
        ("gpt-5.1", {"top_logprobs": 1}, "logprobs"),
        ("gpt-4o", {"tools": (LOOK,), "tool_choice": ToolChoice("any", names=("x",))}, None),
    ],
)
def test_what_the_api_lacks_is_refused_by_name(
    model: str, fields: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        write(model, **fields)
    assert caught.value.param == (param or "tool_choice")


def test_texts_to_embed_are_no_chat() -> None:
    with pytest.raises(UnsupportedError):
        CHAT_VENDOR.write(Texts(texts=("a",)), "gpt-4o", 1)
