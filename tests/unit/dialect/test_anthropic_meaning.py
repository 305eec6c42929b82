import json
from typing import Any

import pytest
from msgspec import Raw

from pai.dialect.anthropic.request import read_request
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
from pai.dialect.refused import BadRequestError, UnsupportedError

EPHEMERAL = {"type": "ephemeral", "ttl": "1h"}
TEXT = {"type": "text", "text": "t"}


def meaning(**fields: Any) -> Conversation:
    given = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, **fields}
    return read_request(json.dumps(given).encode()).meaning()


def parts(*content: dict[str, Any], role: str = "user") -> tuple[Any, ...]:
    return meaning(messages=[{"role": role, "content": list(content)}]).turns[0].parts


def refused(**fields: Any) -> BadRequestError:
    with pytest.raises(BadRequestError) as error:
        meaning(**fields)
    return error.value


def test_a_coding_agents_request_is_read_whole() -> None:
    """As Claude Code sends it: https://code.claude.com/docs/en/llm-gateway."""
    found = meaning(
        model="claude-sonnet-5",
        system=[
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.9; cch=0f3e1;"},
            {"type": "text", "text": "You are helpful.", "cache_control": EPHEMERAL},
        ],
        messages=[
            {"role": "user", "content": [TEXT, {**TEXT, "cache_control": EPHEMERAL}]},
            {"role": "system", "content": "later"},
            {"role": "assistant", "content": "ok"},
        ],
        tools=[
            {
                "name": "Bash",
                "description": "Runs",
                "input_schema": {"type": "object"},
                "cache_control": EPHEMERAL,
                "eager_input_streaming": True,
            }
        ],
        metadata={"user_id": "u"},
        max_tokens=32_000,
        thinking={"type": "adaptive"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        output_config={"effort": "medium", "task_budget": {"type": "tokens", "total": 9}},
        stream=True,
        temperature=1,
        speed=None,
    )
    assert found == Conversation(
        turns=(
            Turn("user", (Text(text="t"), Text(text="t", cache=True))),
            Turn("user", (Text(text="later"),)),
            Turn("assistant", (Text(text="ok"),)),
        ),
        system=(Text(text="You are helpful.", cache=True),),
        tools=(Tool(name="Bash", description="Runs", schema=found.tools[0].schema, cache=True),),
        temperature=1.0,
        reasoning=Reasoning(effort="medium", shown=True),
        stream=True,
        advisory=(
            "context_management",
            "metadata",
            "output_config.task_budget",
            "tools.eager_input_streaming",
            "x-anthropic-billing-header",
        ),
    )
    assert json.loads(bytes(found.tools[0].schema)) == {"type": "object"}


def test_what_looks_like_the_clients_name_but_says_more_stays() -> None:
    text = "x-anthropic-billing-header: cc_version=1; You are an agent."
    assert meaning(system=[{"type": "text", "text": text}]).system == (Text(text=text),)


def test_system_words_before_anyone_spoke_are_instructions() -> None:
    found = meaning(
        system="a",
        messages=[{"role": "system", "content": [TEXT]}, {"role": "user", "content": "hi"}],
    )
    assert found.system == (Text(text="a"), Text(text="t"))
    assert meaning(system="").system == ()


def test_a_passing_word_of_the_system_passes_with_the_next_user_message() -> None:
    passing = {"role": "system", "content": "now", "clear_at": "next_user_message"}
    user, answer = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "ok"}
    assert len(meaning(messages=[user, passing, answer]).turns) == 3
    assert len(meaning(messages=[user, passing, answer, user]).turns) == 3
    setting = {"role": "system", "output_config": {"effort": "low"}}
    assert meaning(messages=[user, setting]).advisory == ("messages.output_config",)


def test_all_content_that_others_know() -> None:
    assert parts(
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y"}, "cache_control": {}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "BB"},
            "title": "paper",
            "context": "about",
        },
        {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        {"type": "document", "source": {"type": "text", "data": "words"}, "title": "note"},
        {"type": "document", "source": {"type": "content", "content": "words"}},
        {"type": "document", "source": {"type": "content", "content": [TEXT]}, "title": "note"},
        {"type": "search_result", "source": "https://x", "title": "found", "content": [TEXT]},
    ) == (
        Media(sort="image", media_type="image/png", data="AA"),
        Media(sort="image", url="https://x/y", cache=True),
        Text(text="about"),
        Media(sort="file", media_type="application/pdf", data="BB", name="paper"),
        Media(sort="file", media_type="application/pdf", url="https://x/y.pdf"),
        Text(text="note\nwords"),
        Text(text="words"),
        Text(text="note"),
        Text(text="t"),
        Text(text="found\nhttps://x\nt"),
    )


def test_tool_calls_and_results_with_what_their_ids_carry() -> None:
    call = {"type": "tool_use", "id": "c-ps-g-c2ln", "name": "f", "input": {"a": 1.50}}
    assert parts({**call, "caller": {"type": "direct"}}, role="assistant") == (
        ToolCall(id="c", name="f", arguments='{"a": 1.5}', seal="sig", vendor="gemini"),
    )
    result = {"type": "tool_result", "tool_use_id": "c-ps-g-c2ln"}
    found = {"type": "tool_reference", "tool_name": "g"}
    assert parts(
        {**result, "content": [TEXT, found], "is_error": True, "cache_control": {}},
        {**result, "content": "plain"},
        result,
    ) == (
        ToolResult(
            id="c",
            parts=(Text(text="t"), Text(text="tool 'g' is at hand")),
            failed=True,
            cache=True,
        ),
        ToolResult(id="c", parts=(Text(text="plain"),)),
        ToolResult(id="c"),
    )


def test_thoughts_name_the_vendor_that_wants_them_back() -> None:
    assert parts(
        {"type": "thinking", "thinking": "a", "signature": "sig"},
        {"type": "thinking", "thinking": "b", "signature": "gemini:sig"},
        {"type": "thinking", "thinking": "c"},
        {"type": "redacted_thinking", "data": "openai:sig"},
        role="assistant",
    ) == (
        Thinking(text="a", seal="sig", vendor="anthropic"),
        Thinking(text="b", seal="sig", vendor="gemini"),
        Thinking(text="c"),
        Thinking(seal="sig", vendor="openai", hidden=True),
    )


def test_citations_of_earlier_answers_stay_behind_by_name() -> None:
    cited = {**TEXT, "citations": [{"type": "char_location"}]}
    assert meaning(messages=[{"role": "assistant", "content": [cited]}]).advisory == ("citations",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, "server_tool"),
        ({"type": "container_upload", "file_id": "f"}, "container_upload"),
        (
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "browser_state"}]},
            "browser_state",
        ),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "by its id"),
        ({"type": "document", "source": {"type": "file", "file_id": "f"}}, "by its id"),
        (
            {
                "type": "document",
                "source": {"type": "text", "data": "x"},
                "citations": {"enabled": True},
            },
            "cites",
        ),
        (
            {
                "type": "tool_use",
                "id": "t",
                "name": "f",
                "input": {},
                "caller": {"type": "code_execution_20260120"},
            },
            "Anthropic's own",
        ),
        (
            {"type": "tool_use", "id": "t", "name": "f", "input": {}, "toolset_name": "computer"},
            "Anthropic's own",
        ),
    ],
)
def test_content_that_only_anthropic_has_is_refused(content: dict[str, Any], words: str) -> None:
    plain = {"role": "user", "content": "hi"}
    error = refused(messages=[plain, {"role": "user", "content": [TEXT, content]}])
    assert isinstance(error, UnsupportedError)
    assert words in error.message


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "robot", "content": "x"}],
        [{"role": "user", "content": [{"type": "text", "text": 5}]}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t", "name": "f", "input": 1}],
            }
        ],
        [{"role": "system", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]}],
    ],
)
def test_messages_of_no_shape_are_refused(messages: Any) -> None:
    error = refused(messages=messages)
    assert not isinstance(error, UnsupportedError)
    assert error.param == "messages"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"container": "c"}, "container"),
        ({"mcp_servers": [{"url": "u"}]}, "mcp_servers"),
        ({"compaction": {}}, "compaction"),
        ({"brand_new": 1}, "brand_new"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools"),
        ({"tools": [{"name": "f", "allowed_callers": ["code_execution_20260120"]}]}, "tools"),
    ],
)
def test_fields_that_only_anthropic_has_are_refused(fields: dict[str, Any], param: str) -> None:
    error = refused(**fields)
    assert isinstance(error, UnsupportedError)
    assert error.param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "sometimes"}},
        {"output_config": {"effort": "none"}},
        {"output_config": {"effort": "huge"}},
        {"output_config": 5},
        {"tool_choice": {"type": "perhaps"}},
        {"stop_sequences": "x"},
        {"messages": 5},
    ],
)
def test_fields_of_no_shape_are_refused(fields: dict[str, Any]) -> None:
    assert not isinstance(refused(**fields), UnsupportedError)


def test_empty_ones_of_them_say_nothing() -> None:
    found = meaning(container=None, mcp_servers=[], brand_new=None, tools=[], system=None)
    assert found.advisory == ()


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("any"), False),
        (
            {"type": "tool", "name": "f", "disable_parallel_tool_use": False},
            ToolChoice("tool", "f"),
            None,
        ),
        ({"type": "none"}, ToolChoice("none"), None),
        (None, None, None),
    ],
)
def test_tool_choice(choice: Any, expected: ToolChoice | None, parallel: bool | None) -> None:
    found = meaning(tool_choice=choice)
    assert (found.tool_choice, found.parallel_tools) == (expected, parallel)


def test_tools_keep_what_others_know_and_name_the_rest() -> None:
    found = meaning(
        tools=[
            {"type": "custom", "name": "f", "strict": True, "defer_loading": True},
            {"name": "g", "input_examples": [{}], "allowed_callers": ["direct", "other"]},
            {"name": "h", "allowed_callers": ["direct"]},
        ]
    )
    assert found.tools == (Tool(name="f", strict=True), Tool(name="g"), Tool(name="h"))
    assert found.advisory == (
        "tools.allowed_callers",
        "tools.defer_loading",
        "tools.input_examples",
    )


def test_sampling_and_stops() -> None:
    found = meaning(stop_sequences=["a", "b"], temperature=0.5, top_p=0.25, top_k=7)
    assert (found.stops, found.temperature, found.top_p, found.top_k) == (("a", "b"), 0.5, 0.25, 7)


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_a_schema_for_the_answer_in_either_place(name: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    found = meaning(**{name: {"format": wanted} if name == "output_config" else wanted})
    assert found.output is not None
    assert found.output == OutputFormat(schema=found.output.schema, strict=True)
    assert isinstance(found.output.schema, Raw)
    assert json.loads(bytes(found.output.schema)) == {"type": "object"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"output_config": {}}, None),
        ({"output_config": {"effort": "max"}}, Reasoning(effort="max")),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2_000}},
            Reasoning(budget_tokens=2_000, shown=True),
        ),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": None},
            Reasoning(),
        ),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
            Reasoning(effort="none"),
        ),
        ({"thinking": {"type": "between_tools"}}, Reasoning(effort="none")),
    ],
)
def test_how_much_to_think(fields: dict[str, Any], expected: Reasoning | None) -> None:
    assert meaning(**fields).reasoning == expected
