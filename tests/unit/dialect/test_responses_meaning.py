import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from pai.dialect.conversation import (
    Conversation,
    Media,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from pai.dialect.openai.tools import FREE_FORM_SCHEMA
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.responses import RESPONSES_CLIENT
from pai.dialect.seal import sealed_id
from pai.dialect.sides import Call


def meaning(**fields: Any) -> Conversation:
    body = msgspec.json.encode({"model": "m", "input": "hi", **fields})
    return RESPONSES_CLIENT.read(Call(body)).meaning()


def turns(*items: dict[str, Any]) -> tuple[Turn, ...]:
    return meaning(input=list(items)).turns


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def refused(**fields: Any) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        meaning(**fields)
    return caught.value


def wrong(**fields: Any) -> BadRequestError:
    with pytest.raises(BadRequestError) as caught:
        meaning(**fields)
    assert not isinstance(caught.value, UnsupportedError)
    return caught.value


HI = Turn("user", (Text(text="hi"),))


def test_a_string_is_the_users_turn() -> None:
    assert meaning() == Conversation(turns=(HI,))


def test_instructions_come_first_and_later_ones_keep_their_place() -> None:
    read = meaning(
        instructions="be brief",
        input=[
            {"role": "developer", "content": [{"type": "input_text", "text": "a"}]},
            {"role": "system", "content": "b"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "yes"},
            {"role": "developer", "content": "now in French"},
            {"role": "user", "content": ""},
        ],
    )
    assert read.system == (Text(text="be brief"), Text(text="a"), Text(text="b"))
    assert read.turns == (
        HI,
        Turn("assistant", (Text(text="yes"),)),
        Turn("user", (Text(text="now in French"),)),
    )


def test_of_nothing_but_instructions_the_last_is_the_users() -> None:
    read = meaning(input=[{"role": "system", "content": "a"}, {"role": "system", "content": "hi"}])
    assert (read.system, read.turns) == ((Text(text="a"),), (HI,))


def test_parts_of_messages() -> None:
    assert turns(
        user(
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "high"},
            {"type": "input_image", "image_url": "https://x.test/a", "detail": "auto"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,BB", "filename": "f"},
            {"type": "input_file", "file_data": "BB", "filename": "f.txt"},
            {"type": "input_file", "file_data": "BB"},
            {"type": "input_file", "file_url": "https://x.test/f", "filename": "f"},
            {"type": "input_audio", "input_audio": {"data": "CC", "format": "mp3"}},
        ),
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "b"}, {"type": "refusal", "refusal": "no"}],
        },
    ) == (
        Turn(
            "user",
            (
                Text(text="a", cache=True),
                Media(sort="image", media_type="image/png", data="AAAA", detail="high"),
                Media(sort="image", url="https://x.test/a"),
                Media(sort="file", media_type="application/pdf", data="BB", name="f"),
                Media(sort="file", media_type="text/plain", data="BB", name="f.txt"),
                Media(sort="file", media_type="application/pdf", data="BB"),
                Media(sort="file", url="https://x.test/f", name="f"),
                Media(sort="audio", media_type="audio/mpeg", data="CC"),
            ),
        ),
        Turn("assistant", (Text(text="b"), Text(text="no"))),
    )


def test_calls_and_results_with_what_they_carry() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"a":1}'}
    signed = {**call, "call_id": sealed_id("d", "gemini", "SIG"), "namespace": "mcp__x"}
    picture = {"type": "input_image", "image_url": "https://x.test/a"}
    assert turns(
        {"role": "user", "content": "hi"},
        call,
        signed,
        {"type": "custom_tool_call", "call_id": "e", "name": "patch", "input": "*** x"},
        {"type": "function_call_output", "call_id": "c", "output": "ok", "name": "look"},
        {"type": "function_call_output", "call_id": signed["call_id"], "output": [picture]},
        {"type": "custom_tool_call_output", "call_id": "e", "output": None},
        {"role": "user", "content": "hi"},
    ) == (
        HI,
        Turn(
            "assistant",
            (
                ToolCall(id="c", name="look", arguments='{"a":1}'),
                ToolCall(
                    id="d", name="mcp__x__look", arguments='{"a":1}', seal="SIG", vendor="gemini"
                ),
                ToolCall(id="e", name="patch", arguments="*** x", free_form=True),
            ),
        ),
        Turn(
            "user",
            (
                ToolResult(id="c", name="look", parts=(Text(text="ok"),)),
                ToolResult(id="d", parts=(Media(sort="image", url="https://x.test/a"),)),
                ToolResult(id="e"),
                Text(text="hi"),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("", "{}"),
        ('{"a": [1]}', '{"a": [1]}'),
        ('{"a": ', '{"arguments":"{\\"a\\": "}'),
        ("[1]", '{"arguments":"[1]"}'),
        (None, "{}"),
    ],
)
def test_arguments_are_an_object_whatever_the_model_wrote(sent: str | None, read: str) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "n", "arguments": sent}
    part = turns(call)[0].parts[0]
    assert isinstance(part, ToolCall)
    assert part.arguments == read
    assert isinstance(json.loads(part.arguments), dict)


@pytest.mark.parametrize(
    ("item", "thinking"),
    [
        (
            {"summary": [{"type": "summary_text", "text": "a"}, {"text": "b"}]},
            Thinking(text="a\n\nb"),
        ),
        ({"content": [{"type": "reasoning_text", "text": "a"}]}, Thinking(text="a")),
        (
            {"summary": [], "encrypted_content": "gAAA"},
            Thinking(seal="gAAA", vendor="openai", hidden=True),
        ),
        (
            {"summary": [{"text": "a"}], "encrypted_content": "gAAA"},
            Thinking(text="a", seal="gAAA", vendor="openai"),
        ),
        (
            {"summary": [{"text": "a"}], "encrypted_content": "anthropic:S:1"},
            Thinking(text="a", seal="S:1", vendor="anthropic"),
        ),
        ({"encrypted_content": "anthropic:S"}, Thinking(seal="S", vendor="anthropic")),
        (
            {"encrypted_content": "anthropic.hidden:S"},
            Thinking(seal="S", vendor="anthropic", hidden=True),
        ),
        ({"encrypted_content": "gemini:S"}, Thinking(seal="S", vendor="gemini")),
        ({"encrypted_content": "x:S"}, Thinking(seal="x:S", vendor="openai", hidden=True)),
    ],
)
def test_thoughts_come_back_with_their_seal(item: dict[str, Any], thinking: Thinking) -> None:
    assert turns({"type": "reasoning", **item}) == (Turn("assistant", (thinking,)),)


def test_empty_thoughts_are_none() -> None:
    assert turns({"type": "reasoning", "summary": []}, user({"type": "text", "text": "hi"})) == (
        HI,
    )


def test_functions_free_form_tools_and_namespaces() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    inner = {"type": "function", "name": "log", "description": "d"}
    read = meaning(
        tools=[
            {"type": "function", "name": "a", "parameters": {"type": "object"}, "strict": True},
            {"type": "custom", "name": "patch", "description": "p", "format": grammar},
            {"type": "custom", "name": "say", "format": {"type": "text"}},
            {"type": "namespace", "name": "mcp__git", "tools": [inner]},
            {"type": "namespace", "name": "web__", "tools": [{"type": "custom", "name": "go"}]},
            {"type": "namespace", "name": "empty"},
        ],
        input=[
            {"type": "additional_tools", "role": "developer", "tools": [inner]},
            {"type": "additional_tools", "role": "developer"},
            {"role": "user", "content": "hi"},
        ],
        tool_choice="auto",
        parallel_tool_calls=False,
    )
    told = "p\nThe input must match this lark grammar:\nstart: x"
    assert read.tools == (
        Tool(name="a", schema=Raw(b'{"type":"object"}'), strict=True),
        Tool(name="patch", description=told, schema=FREE_FORM_SCHEMA),
        Tool(name="say", schema=FREE_FORM_SCHEMA),
        Tool(name="mcp__git__log", description="d"),
        Tool(name="web__go", schema=FREE_FORM_SCHEMA),
        Tool(name="log", description="d"),
    )
    assert read.parallel_tools is False
    assert read.tool_choice == ToolChoice("auto")
    assert read.advisory == ("tools.format",)


def test_a_search_for_tools_that_the_client_runs_is_a_function() -> None:
    finder = {"type": "tool_search", "execution": "client", "description": "d", "parameters": {}}
    look = {"type": "function", "name": "look"}
    call = {"type": "tool_search_call", "call_id": "c", "arguments": {"q": "x"}}
    output = {"type": "tool_search_output", "call_id": "c", "status": "completed", "tools": [look]}
    read = meaning(
        tools=[finder, {**finder, "parameters": None}, look],
        input=[
            {"role": "user", "content": "hi"},
            {**call, "execution": "client"},
            {**output, "execution": "client"},
        ],
    )
    search = ToolCall(id="c", name="tool_search", arguments='{"q":"x"}')
    text = Text(text='[{"type":"function","name":"look"}]')
    assert read.tools == (
        Tool(name="tool_search", description="d", schema=Raw(b"{}")),
        Tool(name="look"),
    )
    assert read.turns == (
        HI,
        Turn("assistant", (search,)),
        Turn("user", (ToolResult(id="c", name="tool_search", parts=(text,)),)),
    )
    bare = meaning(tools=[{"type": "tool_search", "execution": "client"}])
    assert bare.tools == (Tool(name="tool_search"),)
    for item in (call, output, {**call, "execution": "server"}):
        assert refused(input=[item]).param == "input"
    assert refused(tools=[{"type": "tool_search"}]).param == "tools"


def test_tools_of_openais_own_are_refused_by_name() -> None:
    for kind in ("web_search", "file_search", "code_interpreter", "mcp", "local_shell", "computer"):
        error = refused(tools=[{"type": kind}])
        assert error.param == "tools"
        assert f"'{kind}'" in error.message
    assert "'mcp'" in refused(tools=[{"type": "namespace", "tools": [{"type": "mcp"}]}]).message


def test_the_search_that_codex_always_offers_is_left_out_and_named() -> None:
    search = {"type": "web_search", "external_web_access": False}
    look = {"type": "function", "name": "look"}
    read = meaning(tools=[search, look], tool_choice="auto")
    assert (read.tools, read.advisory) == ((Tool(name="look"),), ("tools.web_search",))
    alone = meaning(tools=[search], tool_choice="auto", parallel_tool_calls=True)
    assert (alone.tools, alone.tool_choice, alone.parallel_tools) == ((), None, None)
    assert refused(tools=[search, look], tool_choice="required").param == "tools"
    patch = {"type": "custom", "name": "p", "format": {"type": "grammar", "definition": "x"}}
    assert meaning(tools=[patch], tool_choice="required").tool_choice == ToolChoice("any")


@pytest.mark.parametrize(
    ("sent", "choice"),
    [
        (None, None),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("any")),
        ({"type": "function", "name": "look"}, ToolChoice("tool", "look")),
        ({"type": "custom", "name": "look"}, ToolChoice("tool", "look")),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "look"}],
            },
            ToolChoice("auto", names=("look",)),
        ),
        ({"type": "allowed_tools", "mode": "required"}, ToolChoice("any")),
    ],
)
def test_the_choice_of_tools(sent: Any, choice: ToolChoice | None) -> None:
    tools = [{"type": "function", "name": "look"}]
    assert meaning(tools=tools, tool_choice=sent).tool_choice == choice


@pytest.mark.parametrize(
    "sent", [{"type": "file_search"}, {"type": "allowed_tools", "tools": [{"type": "mcp"}]}]
)
def test_a_choice_of_openais_own_tools_is_refused(sent: Any) -> None:
    assert refused(tools=[{"type": "function", "name": "look"}], tool_choice=sent).param == (
        "tool_choice"
    )


@pytest.mark.parametrize(
    ("sent", "output"),
    [
        (None, None),
        ({"format": {"type": "text"}}, None),
        ({"format": {"type": "json_object"}}, OutputFormat()),
        (
            {"format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}},
            OutputFormat(name="n", schema=Raw(b'{"a":1}'), strict=True),
        ),
    ],
)
def test_the_format_of_the_answer(sent: Any, output: OutputFormat | None) -> None:
    assert meaning(text=sent).output == output


@pytest.mark.parametrize(
    ("sent", "reasoning"),
    [
        (None, None),
        ({"effort": None, "summary": None}, None),
        ({"effort": "high"}, Reasoning(effort="high")),
        ({"summary": "auto"}, Reasoning(shown=True)),
        ({"effort": "low", "generate_summary": "auto"}, Reasoning(effort="low", shown=True)),
    ],
)
def test_the_wish_for_thoughts(sent: Any, reasoning: Reasoning | None) -> None:
    assert meaning(reasoning=sent).reasoning == reasoning


def test_sampling_and_log_probabilities() -> None:
    read = meaning(temperature=0.5, top_p=1, top_logprobs=3, stream=True)
    assert (read.temperature, read.top_p, read.top_logprobs, read.stream) == (0.5, 1.0, 3, True)
    assert meaning(include=["message.output_text.logprobs"]).top_logprobs == 0
    assert meaning(top_logprobs=0, include=None).top_logprobs is None


def test_advice_is_left_out_and_named() -> None:
    read = meaning(
        metadata={"a": "b"},
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        prompt_cache_retention="24h",
        prompt_cache_options={"ttl": "30m"},
        service_tier="auto",
        store=True,
        stream_options={"include_obfuscation": False},
        truncation="auto",
        max_tool_calls=3,
        client_metadata={"x": "y"},
        context_management=[{"type": "compaction"}],
        text={"verbosity": "low"},
        include=["reasoning.encrypted_content", "file_search_call.results"],
        reasoning={"effort": "low", "context": "all_turns", "mode": "pro"},
    )
    assert read.advisory == (
        "client_metadata",
        "context_management",
        "include",
        "max_tool_calls",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning.context",
        "reasoning.mode",
        "safety_identifier",
        "service_tier",
        "store",
        "stream_options",
        "text.verbosity",
        "truncation",
        "user",
    )


def test_what_codex_notes_on_its_turns_is_named() -> None:
    noted = {**user({"type": "input_text", "text": "hi"}), "id": "msg_1"}
    noted["internal_chat_message_metadata_passthrough"] = {"turn_id": "t"}
    read = meaning(input=[noted])
    assert read.turns == (Turn("user", (Text(text="hi"),)),)
    assert read.advisory == ("input.internal_chat_message_metadata_passthrough",)


def test_what_says_nothing_is_not_named() -> None:
    read = meaning(
        metadata={},
        background=False,
        store=False,
        truncation="disabled",
        user=None,
        include=["reasoning.encrypted_content"],
        reasoning={"effort": "low", "context": "auto", "mode": "standard"},
        prompt_cache_options=None,
        conversation=None,
        moderation=None,
    )
    assert read.advisory == ()


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_stored_state_is_refused_with_a_way_out(field: str) -> None:
    error = refused(**{field: "x_1"})
    assert error.param == field
    assert "send the whole input with store: false" in error.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"moderation": {"model": "omni"}}, "moderation"),
        ({"some_beta": 1}, "some_beta"),
        ({"prompt_cache_options": {"prewarm": True}}, "prompt_cache_options"),
        ({"text": {"format": {"type": "grammar"}}}, "text"),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "input"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input"),
        ({"input": [user({"type": "input_image", "file_id": "file-1"})]}, "input"),
        ({"input": [user({"type": "input_video"})]}, "input"),
        (
            {
                "input": [
                    {"role": "assistant", "content": [{"type": "input_image", "image_url": "u"}]}
                ]
            },
            "input",
        ),
    ],
)
def test_what_no_other_vendor_has_is_refused(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": [{"role": "king", "content": "x"}]}, "input"),
        ({"input": [{"role": "user", "content": {"type": "input_text"}}]}, "input"),
        ({"input": [{"role": 3, "content": "x"}]}, "input"),
        ({"input": [{"type": "function_call", "name": "n"}]}, "input"),
        ({"input": [{"type": "function_call_output", "output": "n"}]}, "input"),
        ({"input": [user({"type": "input_image"})]}, "input"),
        ({"input": [user({"type": "input_file"})]}, "input"),
        (
            {"input": [{"type": "additional_tools", "tools": [{"type": "function", "name": 1}]}]},
            "input",
        ),
        ({"tools": [{"type": "function", "name": 1}]}, "tools"),
        ({"tools": [{"type": "function", "name": "a"}], "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [{"type": "function", "name": "a"}], "tool_choice": 3}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"temperature": "hot"}, "temperature"),
        ({"reasoning": {"effort": 3}}, "reasoning"),
        ({"include": "all"}, "include"),
    ],
)
def test_what_is_not_of_the_shape_is_refused(fields: dict[str, Any], param: str) -> None:
    assert wrong(**fields).param == param
