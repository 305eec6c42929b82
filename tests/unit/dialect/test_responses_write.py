import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from pai.dialect.conversation import (
    Conversation,
    Media,
    OutputFormat,
    Part,
    Reasoning,
    Text,
    Texts,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from pai.dialect.refused import UnsupportedError
from pai.dialect.responses import RESPONSES_VENDOR
from pai.dialect.sides import VendorSide

HI = Turn("user", (Text(text="hi"),))
HI_ITEM = {"role": "user", "content": [{"type": "input_text", "text": "hi"}]}
LOOK = Tool(name="look")


def write(model: str = "gpt-5.2", **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    written = RESPONSES_VENDOR.write(Conversation(**{"turns": (HI,), **fields}), model, 100)
    return json.loads(written.body), written.dropped


def items(*turns: Turn) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = write(turns=turns)[0]["input"]
    return found


def refused(model: str = "gpt-5.2", **fields: Any) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        write(model, **fields)
    return caught.value


def test_it_is_a_vendor_side() -> None:
    vendor: VendorSide = RESPONSES_VENDOR
    assert vendor.name == "openai.responses"
    assert vendor.target("/v1", "m", stream=True) == b"/v1/responses"
    assert vendor.key("sk-x") == (b"authorization", b"Bearer sk-x")
    assert vendor.error_text(b'{"error": {"message": "no"}}') == "no"


def test_nothing_is_stored_and_reasoning_comes_back() -> None:
    assert write() == (
        {
            "model": "gpt-5.2",
            "input": [HI_ITEM],
            "max_output_tokens": 100,
            "store": False,
            "include": ["reasoning.encrypted_content"],
        },
        (),
    )
    assert "include" not in write("gpt-4.1")[0]


def test_instructions_and_stream() -> None:
    system = (Text(text="a", cache=True), Text(text="b"))
    body, dropped = write(system=system, stream=True, advisory=("user", "metadata"))
    assert (body["instructions"], body["stream"]) == ("a\n\nb", True)
    assert dropped == ("cache_control", "metadata", "user")


def test_turns_become_items_in_their_order() -> None:
    picture = Media(sort="image", media_type="image/png", data="AAAA", detail="low")
    assert items(
        HI,
        Turn(
            "assistant",
            (
                Thinking(text="hm", seal="gAAA", vendor="openai"),
                Thinking(seal="gBBB", vendor="openai", hidden=True),
                Thinking(text="left out"),
                Thinking(text="left out", seal="S", vendor="anthropic"),
                Text(text="a"),
                Text(text="b"),
                ToolCall(id="c", name="look", arguments='{"a":1}'),
                ToolCall(id="d", name="patch", arguments="*** x", free_form=True),
                Text(text="c"),
            ),
        ),
        Turn(
            "user",
            (
                ToolResult(id="c", parts=(Text(text="ok"),)),
                ToolResult(id="d", parts=(Text(text="no"),), failed=True),
                ToolResult(id="e"),
                ToolResult(id="f", parts=(Text(text="see"), picture)),
                ToolResult(id="g", parts=(picture,), failed=True),
                Text(text="hi"),
            ),
        ),
    ) == [
        HI_ITEM,
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "gAAA",
        },
        {"type": "reasoning", "summary": [], "encrypted_content": "gBBB"},
        {
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "a"},
                {"type": "output_text", "text": "b"},
            ],
        },
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"a":1}'},
        {
            "type": "function_call",
            "call_id": "d",
            "name": "patch",
            "arguments": '{"input":"*** x"}',
        },
        {"role": "assistant", "content": [{"type": "output_text", "text": "c"}]},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
        {"type": "function_call_output", "call_id": "d", "output": "Error: no"},
        {"type": "function_call_output", "call_id": "e", "output": ""},
        {
            "type": "function_call_output",
            "call_id": "f",
            "output": [
                {"type": "input_text", "text": "see"},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,AAAA",
                    "detail": "low",
                },
            ],
        },
        {
            "type": "function_call_output",
            "call_id": "g",
            "output": [
                {"type": "input_text", "text": "Error:"},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,AAAA",
                    "detail": "low",
                },
            ],
        },
        HI_ITEM,
    ]


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (
            Media(sort="image", url="https://x.test/a"),
            {"type": "input_image", "image_url": "https://x.test/a", "detail": "auto"},
        ),
        (
            Media(sort="file", media_type="application/pdf", data="AA"),
            {
                "type": "input_file",
                "filename": "document.pdf",
                "file_data": "data:application/pdf;base64,AA",
            },
        ),
        (
            Media(sort="file", url="https://x.test/f", name="f"),
            {"type": "input_file", "file_url": "https://x.test/f"},
        ),
    ],
)
def test_media(media: Media, part: dict[str, Any]) -> None:
    assert items(Turn("user", (media,))) == [{"role": "user", "content": [part]}]


@pytest.mark.parametrize(
    "turn",
    [
        Turn("user", (Media(sort="audio", media_type="audio/wav", data="AA"),)),
        Turn("user", (Media(sort="video", url="https://x.test/v"),)),
        Turn("user", (Media(sort="file"),)),
        Turn("user", (Media(sort="image", file_id="file-1"),)),
        Turn("assistant", (Media(sort="image", url="https://x.test/a"),)),
    ],
)
def test_media_without_a_place_are_refused(turn: Turn) -> None:
    assert refused(turns=(turn,)).param == "input"


@pytest.mark.parametrize(
    "part",
    [
        Text(text="a", cache=True),
        ToolCall(id="c", name="n", cache=True),
        ToolResult(id="c", cache=True),
        ToolResult(id="c", parts=(Text(text="a", cache=True),)),
    ],
)
def test_cache_marks_are_named(part: Part) -> None:
    turn = Turn("assistant" if isinstance(part, Text | ToolCall) else "user", (part,))
    assert write(turns=(turn,))[1] == ("cache_control",)


def test_tools() -> None:
    tool = Tool(
        name="a", description="d", schema=Raw(b'{"type":"object"}'), strict=True, cache=True
    )
    body, dropped = write(tools=(tool, LOOK), parallel_tools=False)
    assert body["tools"] == [
        {
            "type": "function",
            "name": "a",
            "description": "d",
            "parameters": {"type": "object"},
            "strict": True,
        },
        {
            "type": "function",
            "name": "look",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
    ]
    assert body["parallel_tool_calls"] is False
    assert dropped == ("cache_control",)
    assert "parallel_tool_calls" not in write("o3", tools=(LOOK,), parallel_tools=False)[0]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("any"), "required"),
        (ToolChoice("tool", "look"), {"type": "function", "name": "look"}),
        (
            ToolChoice("any", names=("look",)),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "look"}],
            },
        ),
    ],
)
def test_the_choice_of_tools(choice: ToolChoice, sent: Any) -> None:
    assert write(tools=(LOOK,), tool_choice=choice)[0]["tool_choice"] == sent


@pytest.mark.parametrize(
    ("output", "sent"),
    [
        (OutputFormat(), {"type": "json_object"}),
        (
            OutputFormat(schema=Raw(b"{}")),
            {"type": "json_schema", "name": "answer", "schema": {}},
        ),
        (
            OutputFormat(schema=Raw(b"{}"), name="n", description="d", strict=True),
            {
                "type": "json_schema",
                "name": "n",
                "description": "d",
                "strict": True,
                "schema": {},
            },
        ),
    ],
)
def test_the_format_of_the_answer(output: OutputFormat, sent: Any) -> None:
    assert write(output=output)[0]["text"] == {"format": sent}


@pytest.mark.parametrize(
    ("model", "reasoning", "sent", "dropped"),
    [
        ("gpt-5.2", None, None, ()),
        ("gpt-5.2", Reasoning(effort="high"), {"effort": "high"}, ()),
        (
            "gpt-5.2",
            Reasoning(budget_tokens=8192, shown=True),
            {"effort": "medium", "summary": "auto"},
            (),
        ),
        ("gpt-5.2", Reasoning(), None, ()),
        ("gpt-5.2", Reasoning(effort="strange"), None, ("reasoning",)),
        ("o3", Reasoning(effort="max"), {"effort": "high"}, ()),
        ("gpt-4.1", Reasoning(effort="high"), None, ("reasoning",)),
        ("gpt-4.1", Reasoning(effort="none"), None, ()),
    ],
)
def test_the_wish_for_thoughts(
    model: str, reasoning: Reasoning | None, sent: Any, dropped: tuple[str, ...]
) -> None:
    body, named = write(model, reasoning=reasoning)
    assert (body.get("reasoning"), named) == (sent, dropped)


def test_sampling_is_for_models_that_do_not_reason() -> None:
    wanted = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "seed": 1,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.1,
    }
    body, dropped = write("gpt-4.1", **wanted)
    assert (body["temperature"], body["top_p"]) == (0.5, 0.9)
    assert dropped == ("frequency_penalty", "seed", "top_k")
    body, dropped = write("gpt-5.2", **wanted)
    assert "temperature" not in body
    assert dropped == ("frequency_penalty", "seed", "temperature", "top_k", "top_p")


def test_log_probabilities() -> None:
    body, _ = write("gpt-4.1", top_logprobs=2)
    assert (body["include"], body["top_logprobs"]) == (["message.output_text.logprobs"], 2)
    assert refused("gpt-5.2", top_logprobs=0).param == "logprobs"


def test_what_the_api_lacks_is_refused() -> None:
    assert refused(stops=("END",)).param == "stop"
    assert refused(answers=2).param == "n"
    with pytest.raises(UnsupportedError):
        RESPONSES_VENDOR.write(Texts(texts=("a",)), "gpt-5.2", 100)


def test_the_body_is_json_whatever_is_in_it() -> None:
    text = 'quote " and \u2028 and \x00'
    body, _ = write(turns=(Turn("user", (Text(text=text),)),))
    assert body["input"][0]["content"][0]["text"] == text
    assert msgspec.json.decode(json.dumps(body))
