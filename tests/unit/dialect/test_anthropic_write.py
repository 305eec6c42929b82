import json
from base64 import b64encode
from typing import Any

import pytest
from msgspec import Raw

from pai.dialect.anthropic import MESSAGES_VENDOR, count_request
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
    Written,
)
from pai.dialect.refused import BadRequestError, UnsupportedError

OLD, NEW, NEWEST = "claude-opus-4-1", "claude-sonnet-4-5", "claude-opus-5-5"
USER = Turn("user", (Text(text="hi"),))
SCHEMA = Raw(
    b'{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"required":["a"]}'
)
MARK = {"type": "ephemeral"}


def written(model: str = NEW, cap: int = 9, **fields: Any) -> Written:
    return MESSAGES_VENDOR.write(Conversation(**{"turns": (USER,), **fields}), model, cap)


def body(model: str = NEW, cap: int = 9, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written(model, cap, **fields).body)
    return found


def content(*parts: Part, role: Any = "user") -> Any:
    turns = (Turn(role, parts),) if role == "user" else (USER, Turn(role, parts), USER)
    return body(turns=turns)["messages"][-1 if role == "user" else 1]["content"]


def refused(model: str = NEW, **fields: Any) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as error:
        written(model, **fields)
    return error.value


def test_the_least_request() -> None:
    assert body() == {
        "model": NEW,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": 9,
    }
    assert body(stream=True)["stream"] is True


def test_turns_alternate_results_come_first_and_nothing_is_empty() -> None:
    turns = (
        Turn("user", (Text(text=" \n"),)),
        USER,
        Turn("user", (Text(text="there"),)),
        Turn("assistant", ()),
        Turn(
            "assistant", (Thinking(text="x", seal="s", vendor="gemini"), ToolCall(id="c", name="f"))
        ),
        Turn("assistant", (Text(text="calling "),)),
        Turn("user", (Text(text="well"), ToolResult(id="c", parts=(Text(text=" "),)))),
    )
    assert body(turns=turns)["messages"] == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "there"}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c", "name": "f", "input": {}},
                {"type": "text", "text": "calling "},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c"},
                {"type": "text", "text": "well"},
            ],
        },
    ]


def test_the_beginning_of_an_answer_ends_without_whitespace() -> None:
    begun = (USER, Turn("assistant", (Text(text="It is \n"),)))
    assert body(turns=begun)["messages"][-1]["content"][0]["text"] == "It is"
    assert refused("claude-sonnet-4-6", turns=begun).param == "messages"


def test_a_conversation_of_nothing_is_refused() -> None:
    assert "at least one message" in refused(turns=()).message
    assert "at least one message" in refused(turns=(Turn("user", (Text(text=""),)),)).message


def test_own_thoughts_go_back_unchanged() -> None:
    assert content(
        Thinking(text="a", seal="s", vendor="anthropic"),
        Thinking(seal="h", vendor="anthropic", hidden=True, cache=True),
        Thinking(text="unsigned", vendor="anthropic"),
        Thinking(text="b", seal="s", vendor="openai"),
        Text(text="ok"),
        role="assistant",
    ) == [
        {"type": "thinking", "thinking": "a", "signature": "s"},
        {"type": "redacted_thinking", "data": "h"},
        {"type": "text", "text": "ok"},
    ]


@pytest.mark.parametrize(
    ("arguments", "free_form", "expected"),
    [
        ('{"a":1.50}', False, {"a": 1.5}),
        ("", False, {}),
        (" ", False, {}),
        ('{"a":', False, {"input": '{"a":'}),
        ("[1]", False, {"input": "[1]"}),
        ("ls -l", True, {"input": "ls -l"}),
        ('{"a":1}', True, {"input": '{"a":1}'}),
        ("", True, {"input": ""}),
    ],
)
def test_arguments_are_an_object(arguments: str, free_form: bool, expected: Any) -> None:
    call = ToolCall(id="c", name="f", arguments=arguments, free_form=free_form)
    assert content(call, role="assistant")[0]["input"] == expected


def test_ids_are_legal_and_still_tell_calls_from_each_other() -> None:
    ids = ["functions.f:0", "functions_f_0", "functions.f.0", ""]
    calls = content(*(ToolCall(id=each, name="f") for each in ids), role="assistant")
    results = content(*(ToolResult(id=each) for each in ids))
    legal = [each["id"] for each in calls]
    assert legal == [each["tool_use_id"] for each in results]
    assert len(set(legal)) == len(ids)
    assert legal[1] == "functions_f_0"
    assert all(each.replace("_", "").replace("-", "").isalnum() for each in legal)


def test_media() -> None:
    text = b64encode("wörds".encode()).decode()
    parts = (
        Media(sort="image", media_type="image/png", data="AA"),
        Media(sort="image", url="https://x/y", cache=True),
        Media(sort="file", media_type="application/pdf", data="BB", name="paper"),
        Media(sort="file", url="https://x/y.pdf"),
        Media(sort="file", media_type="text/markdown", data=text),
    )
    expected = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
        {
            "type": "image",
            "source": {"type": "url", "url": "https://x/y"},
            "cache_control": MARK,
        },
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "BB"},
            "title": "paper",
        },
        {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "wörds"},
        },
    ]
    assert content(*parts) == expected
    result = ToolResult(id="c", parts=(Text(text="see", cache=True), *parts), failed=True)
    assert content(result) == [
        {
            "type": "tool_result",
            "tool_use_id": "c",
            "content": [{"type": "text", "text": "see", "cache_control": MARK}, *expected],
            "is_error": True,
        }
    ]


@pytest.mark.parametrize(
    "media",
    [
        Media(sort="image", media_type="image/tiff", data="AA"),
        Media(sort="audio", media_type="audio/wav", data="AA"),
        Media(sort="video", url="https://x"),
        Media(sort="file", media_type="application/zip", data="AA"),
        Media(sort="file", file_id="file-1"),
    ],
)
def test_media_that_anthropic_lacks_is_refused(media: Media) -> None:
    assert refused(turns=(Turn("user", (media,)),)).param == "messages"


def test_media_in_an_answer_is_refused() -> None:
    picture = Media(sort="image", url="https://x")
    assert refused(turns=(USER, Turn("assistant", (picture,)), USER)).param == "messages"


@pytest.mark.parametrize("data", ["!", b64encode(b"\xff").decode(), "A"])
def test_a_text_file_that_is_none_is_refused(data: str) -> None:
    file = Media(sort="file", media_type="application/json", data=data)
    with pytest.raises(BadRequestError):
        written(turns=(Turn("user", (file,)),))


def test_wished_resolution_is_named() -> None:
    low = Media(sort="image", url="https://x", detail="low")
    auto = Media(sort="image", url="https://x", detail="auto")
    assert written(turns=(Turn("user", (low,)),)).dropped == ("detail",)
    assert written(turns=(Turn("user", (ToolResult(id="c", parts=(low,)),)),)).dropped == (
        "detail",
    )
    assert written(turns=(Turn("user", (auto,)),)).dropped == ()


def test_system_and_tools() -> None:
    tools = (
        Tool(name="f", description="does", schema=SCHEMA, cache=True),
        Tool(name="g"),
    )
    found = body(system=(Text(text="s", cache=True), Text(text=" ")), tools=tools)
    assert found["system"] == [{"type": "text", "text": "s", "cache_control": MARK}]
    assert found["tools"] == [
        {
            "name": "f",
            "description": "does",
            "input_schema": json.loads(bytes(SCHEMA)),
            "cache_control": MARK,
        },
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert "tool_choice" not in found


def test_the_last_four_cache_marks_stay() -> None:
    marked = [Text(text=str(each), cache=True) for each in range(4)]
    found = written(
        tools=(Tool(name="f", cache=True),),
        system=(Text(text="s", cache=True),),
        turns=(Turn("user", tuple(marked)),),
    )
    assert found.dropped == ("cache_control",)
    sent = json.loads(found.body)
    assert "cache_control" not in sent["tools"][0]
    assert "cache_control" not in sent["system"][0]
    assert all(each["cache_control"] == MARK for each in sent["messages"][0]["content"])


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("any"), None, {"type": "any"}),
        (
            ToolChoice("tool", "f"),
            False,
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        (ToolChoice("none"), False, {"type": "none"}),
    ],
)
def test_tool_choice(choice: Any, parallel: bool | None, expected: Any) -> None:
    found = body(tools=(Tool(name="f"),), tool_choice=choice, parallel_tools=parallel)
    assert found.get("tool_choice") == expected
    assert "tool_choice" not in body(tool_choice=choice, parallel_tools=parallel)


def test_a_choice_among_some_tools_leaves_those() -> None:
    tools = (Tool(name="f"), Tool(name="g"))
    found = body(tools=tools, tool_choice=ToolChoice("auto", names=("g",)))
    assert [each["name"] for each in found["tools"]] == ["g"]


def test_a_model_that_can_not_be_forced_is_not() -> None:
    tools = (Tool(name="f"),)
    for choice in (ToolChoice("any"), ToolChoice("tool", "f")):
        assert refused(NEWEST, tools=tools, tool_choice=choice).param == "tool_choice"
    assert body(NEWEST, tools=tools, tool_choice=ToolChoice("none"))["tool_choice"]


def test_strict_tools_where_the_model_has_them() -> None:
    tools = (Tool(name="f", schema=SCHEMA, strict=True), Tool(name="g", strict=False))
    found = written(tools=tools)
    strict, other = json.loads(found.body)["tools"]
    assert strict["strict"] is True
    assert strict["input_schema"]["additionalProperties"] is False
    assert "strict" not in other
    assert found.dropped == ("schema.minimum",)
    old = written(OLD, tools=tools)
    assert old.dropped == ("tools.strict",)
    assert json.loads(old.body)["tools"][0]["input_schema"] == json.loads(bytes(SCHEMA))


def test_strict_tools_that_can_not_be_or_are_too_many() -> None:
    anything = Tool(name="f", schema=Raw(b'{"type":"object"}'), strict=True)
    assert written(tools=(anything,)).dropped == ("tools.strict",)
    many = tuple(Tool(name=f"f{each}", schema=SCHEMA, strict=True) for each in range(21))
    assert written(tools=many).dropped == ("tools.strict",)
    assert '"strict":true' in written(tools=many[1:]).body.decode()


def test_a_schema_for_the_answer() -> None:
    found = written(output=OutputFormat(schema=SCHEMA, description="sum"), reasoning=None)
    assert json.loads(found.body)["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "integer", "description": '{"minimum":1}'}},
                "required": ["a"],
                "additionalProperties": False,
                "description": "sum",
            },
        }
    }
    assert found.dropped == ("schema.minimum",)


@pytest.mark.parametrize(
    ("model", "output"),
    [(OLD, OutputFormat(schema=SCHEMA)), (NEW, OutputFormat())],
)
def test_a_format_that_can_not_be_kept_is_refused(model: str, output: OutputFormat) -> None:
    assert refused(model, output=output).param == "response_format"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"answers": 2}, "n"),
        ({"top_logprobs": 0}, "logprobs"),
        ({"stops": ("a", " \n")}, "stop"),
    ],
)
def test_what_anthropic_lacks_is_refused(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).param == param


def test_embeddings_are_refused() -> None:
    with pytest.raises(UnsupportedError):
        MESSAGES_VENDOR.write(Texts(texts=("a",)), NEW, 9)


@pytest.mark.parametrize(
    ("model", "fields", "sent", "dropped"),
    [
        (NEW, {"temperature": 0.5, "top_k": 3}, {"temperature": 0.5, "top_k": 3}, ()),
        (NEW, {"temperature": 1.0, "top_p": 1.0}, {}, ()),
        (NEW, {"temperature": 1.7}, {"temperature": 1.0}, ("temperature",)),
        (NEW, {"top_p": 0.5}, {"top_p": 0.5}, ()),
        (NEW, {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5}, ("top_p",)),
        (NEWEST, {"temperature": 0.5, "top_k": 3}, {}, ("temperature", "top_k")),
        (NEWEST, {"temperature": 1.0, "top_p": 1.0}, {}, ()),
        (NEW, {"seed": 0}, {}, ("seed",)),
        (NEW, {"presence_penalty": 0.0, "frequency_penalty": 0.0}, {}, ()),
        (
            NEW,
            {"presence_penalty": 1.0, "frequency_penalty": -1.0},
            {},
            ("frequency_penalty", "presence_penalty"),
        ),
    ],
)
def test_sampling(model: str, fields: Any, sent: Any, dropped: tuple[str, ...]) -> None:
    found = written(model, **fields)
    steering = {"temperature", "top_p", "top_k"}
    assert {k: v for k, v in json.loads(found.body).items() if k in steering} == sent
    assert found.dropped == dropped


def test_stops_and_what_the_client_named() -> None:
    found = written(stops=("a",), advisory=("metadata", "betas"))
    assert json.loads(found.body)["stop_sequences"] == ["a"]
    assert found.dropped == ("betas", "metadata")


def test_thinking_and_effort() -> None:
    wish = Reasoning(effort="high", shown=True)
    found = body("claude-sonnet-5", 9_000, reasoning=wish, output=OutputFormat(schema=SCHEMA))
    assert found["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert set(found["output_config"]) == {"effort", "format"}
    assert written(NEW, 100, reasoning=wish).dropped == ("reasoning",)


def test_the_thought_before_a_call_may_be_a_turn_of_its_own() -> None:
    turns = (
        USER,
        Turn("assistant", (Thinking(text="x", seal="s", vendor="anthropic"),)),
        Turn("assistant", (ToolCall(id="c", name="f"),)),
        Turn("user", (ToolResult(id="c"),)),
    )
    assert body(NEW, 9_000, turns=turns, reasoning=Reasoning(effort="low"))["thinking"]


def test_a_count_is_of_the_prompt_alone() -> None:
    asked = Conversation(
        turns=(USER,), system=(Text(text="s"),), temperature=0.5, stops=("a",), stream=True
    )
    assert json.loads(count_request(asked, NEW).body) == {
        "model": NEW,
        "system": [{"type": "text", "text": "s"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
