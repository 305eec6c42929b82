import json
from typing import Any

import pytest
from msgspec import Raw
from tests.unit.dialect.gemini_calls import written

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
from pai.dialect.gemini import GENERATE_VENDOR
from pai.dialect.gemini.generation import generation_of
from pai.dialect.gemini.schema import googles, takes_arguments
from pai.dialect.refused import BadRequestError, UnsupportedError

NEW, OLD, NEWEST = "gemini-3-flash-preview", "gemini-2.0-flash", "gemini-pro-latest"
ASKED = Turn("user", (Text(text="hi"),))
TOOL = Tool(name="f", description="d", schema=Raw(b'{"type":"object","properties":{"a":{}}}'))
CALL = ToolCall(id="c1", name="f", arguments='{"a": 1}')


def talk(*parts: Part, **fields: Any) -> Conversation:
    """Return a talk whose last turn is the model's."""
    turns = (ASKED, Turn("assistant", parts)) if parts else (ASKED,)
    return Conversation(turns=turns, **fields)


def own(*parts: Part, model: str = NEW) -> list[dict[str, Any]]:
    found = written(talk(*parts), model)["contents"][-1]
    assert found["role"] == "model"
    assert isinstance(found["parts"], list)
    return found["parts"]


def users(*parts: Part, model: str = NEW) -> list[dict[str, Any]]:
    turns = (ASKED, Turn("assistant", (CALL,)), Turn("user", parts))
    found = written(Conversation(turns=turns), model)["contents"][-1]
    assert isinstance(found["parts"], list)
    return found["parts"]


def config(model: str = NEW, **fields: Any) -> dict[str, Any]:
    found = written(talk(**fields), model)["generationConfig"]
    assert isinstance(found, dict)
    assert found.pop("maxOutputTokens") == 100
    return found


def dropped(model: str = NEW, **fields: Any) -> tuple[str, ...]:
    return GENERATE_VENDOR.write(talk(**fields), model, 100).dropped


def test_a_plain_talk() -> None:
    assert written(talk(system=(Text(text="s"), Text(text="")))) == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {"maxOutputTokens": 100},
    }
    assert "systemInstruction" not in written(talk())


def test_one_speakers_turns_are_one_content_and_empty_ones_none() -> None:
    turns = (ASKED, Turn("user", (Text(text="b"),)), Turn("assistant", (Text(text=""),)), ASKED)
    contents = written(Conversation(turns=turns))["contents"]
    assert [each["role"] for each in contents] == ["user", "user"]
    assert contents[0]["parts"] == [{"text": "hi"}, {"text": "b"}]


def test_signatures_go_back_on_the_part_they_came_with() -> None:
    seal = Thinking(seal="S", vendor="gemini", hidden=True)
    signed = ToolCall(id="c1", name="f", arguments='{"a": 1}', seal="C", vendor="gemini")
    call = {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "C"}
    first = {"text": "a", "thoughtSignature": "S"}
    assert own(Text(text="a"), seal, Text(text="b"), signed) == [first, {"text": "b"}, call]
    # a client that tells thoughts before all else
    assert own(seal, Text(text="b"), Text(text="a")) == [{"text": "b"}, first]
    assert own(seal, signed) == [call, {"text": "", "thoughtSignature": "S"}]
    assert own(Text(text="a"), seal, seal) == [first, {"text": "", "thoughtSignature": "S"}]
    shown = Thinking(text="hm", seal="T", vendor="gemini")
    assert own(shown, signed) == [{"text": "hm", "thought": True, "thoughtSignature": "T"}, call]


def test_thoughts_of_others_and_without_seal_are_left_out() -> None:
    others = (Thinking(text="x", seal="S", vendor="anthropic"), Thinking(text="y"))
    assert own(*others, Text(text="a")) == [{"text": "a"}]


@pytest.mark.parametrize(
    ("model", "dummy"),
    [
        (NEW, True),
        (NEWEST, True),
        ("models/gemini-4-argon", True),
        ("gemini-2.5-pro", False),
        (OLD, False),
    ],
)
def test_only_the_first_of_parallel_calls_must_be_signed(model: str, dummy: bool) -> None:
    foreign = ToolCall(id="c2", name="g", seal="X", vendor="openai")
    first, second = own(CALL, foreign, model=model)
    assert first.get("thoughtSignature") == ("skip_thought_signature_validator" if dummy else None)
    assert "thoughtSignature" not in second


@pytest.mark.parametrize(
    "call",
    [
        ToolCall(id="c", name="f", arguments="ls -l", free_form=True),
        ToolCall(id="c", name="f", arguments="ls -l"),
        ToolCall(id="c", name="f", arguments='{"broken'),
        ToolCall(id="c", name="f", arguments="[1]"),
    ],
)
def test_arguments_that_are_no_object_become_one(call: ToolCall) -> None:
    (part,) = own(call)
    assert part["functionCall"]["args"] == {"input": call.arguments}


@pytest.mark.parametrize(
    ("text", "failed", "response"),
    [
        ("sunny", False, {"output": "sunny"}),
        ('{"t": 20}', False, {"t": 20}),
        ('{"output": 1, "t": 2}', False, {"output": '{"output": 1, "t": 2}'}),
        ("{broken", False, {"output": "{broken"}),
        ("no", True, {"error": "no"}),
    ],
)
def test_results_name_their_call_and_come_first(
    text: str, failed: bool, response: dict[str, Any]
) -> None:
    result = ToolResult(id="c1", parts=(Text(text=text),), failed=failed)
    assert users(Text(text="and?"), result) == [
        {"functionResponse": {"id": "c1", "name": "f", "response": response}},
        {"text": "and?"},
    ]


def test_what_a_tool_shows() -> None:
    picture = Media(sort="image", media_type="image/png", data="AAAA", detail="high")
    result = ToolResult(id="c1", parts=(Text(text="x"), picture))
    shown = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    (part,) = users(result)
    assert part["functionResponse"]["parts"] == [shown]
    response, word, after = users(result, model=OLD)
    assert "parts" not in response["functionResponse"]
    assert word == {"text": "What tool call c1 gave besides text:"}
    assert after == shown
    assert users(ToolResult(id="c1"), model=OLD)[0]["functionResponse"]["response"] == {
        "output": ""
    }


def test_a_result_without_its_call_is_refused() -> None:
    orphan = Conversation(turns=(Turn("user", (ToolResult(id="c9"),)),))
    with pytest.raises(UnsupportedError, match="c9"):
        written(orphan)


def test_a_result_of_the_models_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        own(ToolResult(id="c1", name="f"))


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (
            Media(sort="image", url="https://x/a.webp?size=1"),
            {"fileData": {"mimeType": "image/webp", "fileUri": "https://x/a.webp?size=1"}},
        ),
        (
            Media(sort="image", url="https://x/a"),
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x/a"}},
        ),
        (Media(sort="file", url="https://x/a"), {"fileData": {"fileUri": "https://x/a"}}),
        (
            Media(sort="file", data="AAAA", name="a.pdf"),
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
        ),
    ],
)
def test_media_by_url_and_inline(media: Media, part: dict[str, Any]) -> None:
    assert users(media) == [part]


@pytest.mark.parametrize(
    "media",
    [
        Media(sort="file", data="AAAA"),
        Media(sort="file", file_id="file-1"),
        Media(sort="image", url="http://x/a.png"),
    ],
)
def test_media_that_gemini_can_not_have_are_refused(media: Media) -> None:
    with pytest.raises(UnsupportedError):
        users(media)


def test_tools_and_their_choice() -> None:
    bare = Tool(name="g", schema=Raw(b'{"type":"object","properties":{}}'))
    found = written(talk(tools=(TOOL, bare)))
    assert "toolConfig" not in found
    assert found["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parametersJsonSchema": {"type": "object", "properties": {"a": {}}},
                },
                {"name": "g", "description": "g"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("choice", "calling", "tools"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}, ["f", "g"]),
        (ToolChoice("none"), {"mode": "NONE"}, ["f", "g"]),
        (ToolChoice("any"), {"mode": "ANY"}, ["f", "g"]),
        (
            ToolChoice("any", names=("g",)),
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
            ["f", "g"],
        ),
        (ToolChoice("tool", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}, ["f", "g"]),
        (ToolChoice("auto", names=("g",)), {"mode": "AUTO"}, ["g"]),
    ],
)
def test_choices(choice: ToolChoice, calling: dict[str, Any], tools: list[str]) -> None:
    found = written(talk(tools=(TOOL, Tool(name="g")), tool_choice=choice))
    assert found["toolConfig"] == {"functionCallingConfig": calling}
    assert [each["name"] for each in found["tools"][0]["functionDeclarations"]] == tools


def test_choices_that_gemini_can_not_keep_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="not there"):
        written(talk(tools=(TOOL,), tool_choice=ToolChoice("auto", names=("x",))))
    with pytest.raises(UnsupportedError) as caught:
        written(talk(tools=(TOOL,), parallel_tools=False))
    assert caught.value.param == "parallel_tool_calls"
    assert "tools" not in written(talk(parallel_tools=False))
    assert written(talk(tools=(TOOL,), parallel_tools=False, tool_choice=ToolChoice("none")))[
        "tools"
    ]


def test_output_in_json() -> None:
    schema = Raw(b'{"type":"object","properties":{"k":{"const":"x"}}}')
    assert config(output=OutputFormat(schema=schema)) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {
            "type": "object",
            "properties": {"k": {"type": "string", "enum": ["x"]}},
        },
    }
    assert config(output=OutputFormat()) == {"responseMimeType": "application/json"}
    assert config(output=OutputFormat(), tools=(TOOL,)) == config(output=OutputFormat())
    with pytest.raises(UnsupportedError) as caught:
        config("gemini-2.5-flash", output=OutputFormat(), tools=(TOOL,))
    assert caught.value.param == "response_format"


def test_sampling() -> None:
    sampling: dict[str, Any] = {
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 3,
        "seed": -(2**31),
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "stops": ("a", "b"),
        "answers": 2,
        "top_logprobs": 4,
    }
    asked = {
        "temperature": 0.0,
        "topP": 0.5,
        "topK": 3,
        "seed": -(2**31),
        "stopSequences": ["a", "b"],
        "candidateCount": 2,
        "responseLogprobs": True,
        "logprobs": 4,
    }
    assert config(OLD, **sampling) == {
        **asked,
        "presencePenalty": 0.5,
        "frequencyPenalty": 0.25,
    }
    assert config(**sampling) == asked
    assert dropped(**sampling) == ("frequency_penalty", "presence_penalty")
    assert config(seed=2**31, top_logprobs=0, presence_penalty=0.0) == {"responseLogprobs": True}
    assert dropped(seed=2**31, presence_penalty=0.0) == ("seed",)
    with pytest.raises(UnsupportedError) as caught:
        config(stops=("1", "2", "3", "4", "5", "6"))
    assert caught.value.param == "stop"


def test_advice_that_is_left_out_is_named() -> None:
    strict = Tool(name="f", strict=True, cache=True)
    turns = (
        Turn(
            "user",
            (
                Text(text="x", cache=True),
                Media(sort="image", url="https://x/a.png", detail="low"),
                Media(sort="image", url="https://x/a.png", detail="auto"),
            ),
        ),
    )
    asked = Conversation(
        turns=turns,
        tools=(strict,),
        advisory=("metadata",),
        output=OutputFormat(strict=False),
    )
    assert GENERATE_VENDOR.write(asked, NEW, 1).dropped == (
        "cache_control",
        "detail",
        "metadata",
        "response_format.strict",
        "tools.strict",
    )
    assert dropped(system=(Text(text="x", cache=True),)) == ("cache_control",)
    assert dropped() == ()


@pytest.mark.parametrize(
    ("model", "effort", "budget", "expected"),
    [
        ("gemini-2.5-pro", "none", None, {"thinkingBudget": 128}),
        ("gemini-2.5-pro", "max", None, {"thinkingBudget": 32_768}),
        ("gemini-2.5-pro", "", 5_000, {"thinkingBudget": 5_000, "includeThoughts": True}),
        ("gemini-2.5-flash", "none", None, {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "none", 9, {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "strange", None, {"thinkingBudget": 8_192}),
        ("gemini-2.5-flash-lite", "", 100, {"thinkingBudget": 512}),
        ("gemini-3-pro-preview", "medium", None, {"thinkingLevel": "LOW"}),
        ("gemini-3-pro-preview", "none", None, {"thinkingLevel": "LOW"}),
        ("gemini-3.1-pro-preview", "medium", None, {"thinkingLevel": "MEDIUM"}),
        ("gemini-3.1-flash-lite", "none", None, {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.8-flash", "minimal", None, {"thinkingLevel": "LOW"}),
        (NEWEST, "xhigh", None, {"thinkingLevel": "HIGH"}),
        (NEW, "", 24_576, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (NEW, "", None, {"includeThoughts": True}),
        (OLD, "high", None, None),
        ("gemini-2.5-flash-image", "high", None, None),
        ("gemini-2.5-computer", "high", None, None),
        ("gemma-3-27b-it", "high", None, None),
    ],
)
def test_thinking(model: str, effort: str, budget: int | None, expected: Any) -> None:
    shown = expected is None or "includeThoughts" in expected or expected == {"thinkingBudget": 0}
    wanted = Reasoning(effort=effort, budget_tokens=budget, shown=shown)
    assert config(model, reasoning=wanted).get("thinkingConfig") == expected
    assert dropped(model, reasoning=wanted) == (("reasoning",) if expected is None else ())


def test_a_wish_for_no_thinking_is_fulfilled_by_models_that_do_not_think() -> None:
    assert dropped(OLD, reasoning=Reasoning(effort="none")) == ()
    assert dropped(OLD, reasoning=Reasoning(shown=True)) == ()
    assert dropped(OLD, reasoning=Reasoning(budget_tokens=9)) == ("reasoning",)
    assert config(NEW, reasoning=Reasoning()) == {}


def test_versions_are_told_by_the_name() -> None:
    assert generation_of("gemini-exp-1206") == generation_of(NEWEST)
    assert generation_of("tunedModels/other") == generation_of(OLD)
    assert generation_of("google/gemini-2.5-pro") == generation_of("gemini-2.5-pro")
    assert not generation_of("gemini-2.5-pro").penalties


def test_texts_are_not_for_a_model_that_answers() -> None:
    with pytest.raises(UnsupportedError):
        GENERATE_VENDOR.write(Texts(texts=("a",)), NEW, 1)


@pytest.mark.parametrize(
    ("schema", "taken"),
    [
        ({"type": "object", "pattern": "x"}, None),
        (
            {"$ref": "#/$defs/a", "description": "x", "$defs": {"a": {"const": 3}}},
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer", "enum": [3]}}},
        ),
        ({"const": 1.5, "type": "number"}, {"type": "number", "enum": [1.5]}),
        ({"const": True, "type": "boolean"}, {"type": "boolean"}),
        ({"const": "a", "enum": ["a"]}, {"enum": ["a"]}),
        (
            {"properties": {"const": {"const": "a"}, "$ref": {}}, "required": ["const"]},
            {
                "properties": {"const": {"type": "string", "enum": ["a"]}, "$ref": {}},
                "required": ["const"],
            },
        ),
        (
            {"anyOf": [{"$ref": "#/x", "title": "t"}], "default": {"const": 1}},
            {"anyOf": [{"$ref": "#/x"}], "default": {"const": 1}},
        ),
    ],
)
def test_json_schema_as_google_takes_it(schema: Any, taken: Any) -> None:
    text = json.dumps(schema).encode()
    found = googles(Raw(text))
    assert bytes(found) == text if taken is None else json.loads(bytes(found)) == taken


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    text = b'{"items":' * 600 + b'{"const":1}' + b"}" * 600
    with pytest.raises(BadRequestError):
        googles(Raw(text))


@pytest.mark.parametrize(
    ("schema", "takes"),
    [
        (b"", False),
        (b"true", False),
        (b'{"type":"object"}', False),
        (b'{"type":"object","properties":{}}', False),
        (b'{"type":"object","additionalProperties":false}', False),
        (b'{"type":"object","additionalProperties":{"type":"string"}}', True),
        (b'{"$ref":"#/$defs/a"}', True),
    ],
)
def test_functions_without_arguments_have_no_schema(schema: bytes, takes: bool) -> None:
    assert takes_arguments(Raw(schema)) is takes
