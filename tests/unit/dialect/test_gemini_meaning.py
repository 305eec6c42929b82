import json
from typing import Any

import pytest
from tests.unit.dialect.gemini_calls import USER, content, meaning, read, request

from pai.dialect.conversation import OutputFormat, Reasoning, Text, ToolChoice
from pai.dialect.gemini import GenerateRequest
from pai.dialect.gemini.spelling import in_camel_case, snake_of
from pai.dialect.refused import BadRequestError, UnsupportedError

DECLARATION = {
    "name": "f",
    "description": "d",
    "parameters": {"type": "OBJECT", "properties": {"some_key": {"type": "STRING"}}},
}


def test_all_that_other_vendors_know() -> None:
    talk = meaning(
        systemInstruction={"parts": [{"text": "be brief"}, {"text": ""}]},
        generationConfig={
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 40.0,
            "stopSequences": ["X"],
            "seed": 7,
            "presencePenalty": 0.1,
            "frequencyPenalty": 0.2,
            "candidateCount": 2,
            "maxOutputTokens": 9,
            "responseLogprobs": True,
            "logprobs": 3,
            "responseModalities": ["TEXT"],
        },
    )
    assert talk.system == (Text(text="be brief"),)
    assert (talk.temperature, talk.top_p, talk.top_k, talk.seed) == (0.5, 0.9, 40, 7)
    assert (talk.presence_penalty, talk.frequency_penalty) == (0.1, 0.2)
    assert (talk.stops, talk.answers, talk.top_logprobs) == (("X",), 2, 3)
    assert (talk.output, talk.reasoning, talk.tools, talk.tool_choice) == (None, None, (), None)
    assert (talk.stream, talk.advisory) == (False, ())


def test_logprobs_of_the_chosen_tokens_only() -> None:
    assert meaning(generationConfig={"responseLogprobs": True}).top_logprobs == 0
    assert meaning(generationConfig={"logprobs": 3}).top_logprobs is None


def test_both_spellings_mean_the_same_everywhere() -> None:
    snake = {
        "contents": [
            USER,
            content(
                "model",
                {"function_call": {"name": "f", "args": {"a_b": 1}}, "thought_signature": "AAAA"},
            ),
            content("user", {"function_response": {"name": "f", "response": {"a_b": 1}}}),
            content("user", {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}),
        ],
        "system_instruction": {"parts": [{"text": "s"}]},
        "tools": [{"function_declarations": [DECLARATION]}],
        "tool_config": {
            "function_calling_config": {"mode": "ANY", "allowed_function_names": ["f", "g"]}
        },
        "safety_settings": [{"category": "X"}],
        "generation_config": {
            "thinking_config": {"include_thoughts": True, "thinking_budget": 5},
            "response_mime_type": "application/json",
            "response_json_schema": {"type": "object", "properties": {"a_b": {}}},
        },
    }
    camel = in_camel_case(json.dumps(snake).encode())
    assert b"_declarations" not in camel
    own, other = read(json.dumps(snake).encode()).meaning(), read(camel).meaning()
    assert own == other
    assert own.advisory == ("safetySettings",)
    assert b'"some_key"' in bytes(own.tools[0].schema)
    assert own.output is not None
    assert b'"a_b"' in bytes(own.output.schema)


def test_names_of_the_clients_own_keep_their_spelling() -> None:
    body = json.dumps(
        {
            "system_instruction": {},
            "parameters": {
                "properties": {"mime_type": {"any_of": [{"min_items": "1"}]}},
                "enum": ["a_b"],
                "defs": {"x_y": {}},
            },
            "args": {"mime_type": 1},
        }
    ).encode()
    assert json.loads(in_camel_case(body)) == {
        "systemInstruction": {},
        "parameters": {
            "properties": {"mime_type": {"anyOf": [{"minItems": "1"}]}},
            "enum": ["a_b"],
            "defs": {"x_y": {}},
        },
        "args": {"mime_type": 1},
    }
    assert snake_of("maxOutputTokens") == "max_output_tokens"


def test_a_field_in_both_spellings_is_refused_at_any_depth() -> None:
    part: dict[str, Any] = {"inlineData": {}, "inline_data": {}}
    with pytest.raises(BadRequestError, match="same field"):
        request(content("user", part)).meaning()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, None),
        ({"includeThoughts": False}, None),
        ({"includeThoughts": True}, Reasoning(shown=True)),
        ({"thinkingBudget": -1}, None),
        ({"thinkingBudget": -1, "includeThoughts": True}, Reasoning(shown=True)),
        ({"thinkingBudget": 0, "includeThoughts": True}, Reasoning(effort="none")),
        ({"thinkingBudget": 2000}, Reasoning(budget_tokens=2000)),
        ({"thinkingLevel": "HIGH"}, Reasoning(effort="high")),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
    ],
)
def test_thinking(config: dict[str, Any], expected: Reasoning | None) -> None:
    assert meaning(generationConfig={"thinkingConfig": config}).reasoning == expected


@pytest.mark.parametrize(
    ("calling", "expected"),
    [
        ({}, ToolChoice("auto")),
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "none"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("any")),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("tool", "f")),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
            ToolChoice("any", names=("f", "g")),
        ),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice("auto", names=("f",))),
    ],
)
def test_which_tools_may_be_called(calling: dict[str, Any], expected: ToolChoice) -> None:
    assert meaning(toolConfig={"functionCallingConfig": calling}).tool_choice == expected


def test_no_word_on_which_tools_may_be_called() -> None:
    assert meaning(toolConfig={}).tool_choice is None


def test_tools_with_either_kind_of_schema() -> None:
    other = {"name": "g", "parametersJsonSchema": {"type": "object"}, "response": {}, "behavior": 1}
    talk = meaning(tools=[{"functionDeclarations": [DECLARATION, other], "googleSearch": None}])
    first, second = talk.tools
    assert json.loads(bytes(first.schema)) == {
        "type": "object",
        "properties": {"some_key": {"type": "string"}},
    }
    assert (first.name, first.description, bytes(second.schema)) == (
        "f",
        "d",
        b'{"type": "object"}',
    )
    assert talk.advisory == ("tools.behavior", "tools.response")
    (bare,) = meaning(tools={"functionDeclarations": {"name": "h"}}).tools
    assert (bare.schema, bare.description) == (type(bare.schema)(b""), "")


@pytest.mark.parametrize(
    ("google", "standard"),
    [
        ({"type": "TYPE_UNSPECIFIED"}, {}),
        (
            {"type": "STRING", "nullable": True, "enum": ["a"], "format": "enum"},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "1", "maxItems": 2},
            {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 2},
        ),
        (
            {"anyOf": [{"type": "string"}, {"ref": "#/defs/x"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/x"}, {"type": "null"}]},
        ),
        ({"defs": {"x": {"type": "NULL"}}}, {"$defs": {"x": {"type": "null"}}}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        (
            {"additionalProperties": {"type": "STRING"}},
            {"additionalProperties": {"type": "string"}},
        ),
        (
            {"type": "STRING", "format": "date-time", "example": 1, "propertyOrdering": ["a"]},
            {"type": "string", "format": "date-time", "examples": [1]},
        ),
    ],
)
def test_googles_schemas_are_read_as_json_schema(google: Any, standard: Any) -> None:
    talk = meaning(
        generationConfig={"responseMimeType": "application/json", "responseSchema": google}
    )
    assert talk.output is not None
    assert json.loads(bytes(talk.output.schema)) == standard


def test_any_json_and_plain_text() -> None:
    assert meaning(generationConfig={"responseMimeType": "application/json"}).output == (
        OutputFormat()
    )
    assert meaning(generationConfig={"responseMimeType": "text/plain"}).output is None


def test_advice_is_named() -> None:
    talk = meaning(
        safetySettings=[{}],
        labels={"a": "b"},
        serviceTier="flex",
        store=False,
        generationConfig={"mediaResolution": "MEDIA_RESOLUTION_LOW"},
    )
    assert talk.advisory == ("labels", "mediaResolution", "safetySettings", "serviceTier")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"tools": [{"googleSearch": {}}]}, "tools"),
        ({"tools": [{"url_context": {}}]}, "tools"),
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "responseModalities"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "responseMimeType"),
        ({"generationConfig": {"speechConfig": {"a": 1}}}, "speechConfig"),
        ({"somethingNew": 1}, "somethingNew"),
    ],
)
def test_what_would_change_the_meaning_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        request(**fields).meaning()
    assert caught.value.param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}},
        {"systemInstruction": {"parts": [{"inlineData": {}}]}},
        {"tools": [{"functionDeclarations": [{"description": "no name"}]}]},
        {"generationConfig": {"responseSchema": {"type": "OBJECT"}}},
        {"generationConfig": {"temperature": "hot"}},
    ],
)
def test_what_is_out_of_shape_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        request(**fields).meaning()


def _with_schema(schema: Any) -> GenerateRequest:
    return request(tools=[{"functionDeclarations": [{"name": "f", "parameters": schema}]}])


@pytest.mark.parametrize("schema", [[], {"type": "WHAT"}, {"minItems": "x"}, {"items": 5}])
def test_schemas_out_of_shape_are_refused(schema: Any) -> None:
    asked = _with_schema(schema)
    with pytest.raises(BadRequestError):
        asked.meaning()


def test_a_schema_that_is_nested_too_deeply_is_refused() -> None:
    nested: Any = {}
    for _ in range(600):
        nested = {"items": nested}
    asked = _with_schema(nested)
    with pytest.raises(BadRequestError, match="too deeply"):
        asked.meaning()
