import json
from typing import Any

import pytest
from msgspec import Raw
from tests.unit.dialect.openai_chats import chat, meaning

from pai.dialect.conversation import Tool, ToolChoice
from pai.dialect.openai.tools import FREE_FORM_SCHEMA, PLAIN, Shown, free_text, shown_calls

LOOK = {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}
PATCH = {"type": "custom", "custom": {"name": "patch", "description": "Patches."}}


def test_functions_are_read() -> None:
    schema = Raw(json.dumps(LOOK["parameters"]).encode())
    look = Tool(name="look", description="Looks.", schema=schema)
    tool = {"type": "function", "function": LOOK, "cache_control": {"type": "ephemeral"}}
    bare = {"type": "function", "function": {"name": "bare", "strict": True}}
    cached = Tool(name="look", description="Looks.", schema=schema, cache=True)
    assert meaning(tools=[tool, bare]).tools == (cached, Tool(name="bare", strict=True))
    assert meaning(functions=[LOOK]).tools == (look,)


def test_a_free_form_tool_is_a_function_with_one_text() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}}
    strict = {"type": "custom", "custom": {"name": "p", "format": grammar}}
    free = {"type": "custom", "custom": {"name": "q", "format": {"type": "text"}}}
    first, second, third = meaning(tools=[PATCH, strict, free]).tools
    assert first == Tool(name="patch", description="Patches.", schema=FREE_FORM_SCHEMA)
    assert second.description == "'input' must match this lark grammar:\nstart: A"
    assert third.description == ""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, ToolChoice("auto")),
        ({"tool_choice": "none"}, ToolChoice("none")),
        ({"tool_choice": "required"}, ToolChoice("any")),
        (
            {"tool_choice": {"type": "function", "function": {"name": "a"}}},
            ToolChoice("tool", "a"),
        ),
        ({"tool_choice": {"type": "custom", "custom": {"name": "a"}}}, ToolChoice("tool", "a")),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "required",
                        "tools": [{"type": "function", "function": {"name": "a"}}, {}],
                    },
                }
            },
            ToolChoice("any", names=("a",)),
        ),
        ({"tool_choice": {"type": "allowed_tools"}}, ToolChoice("auto")),
        ({"function_call": "none"}, ToolChoice("none")),
        ({"function_call": {"name": "a"}}, ToolChoice("tool", "a")),
    ],
)
def test_choices_are_read(fields: Any, expected: Any) -> None:
    assert meaning(**fields).tool_choice == expected


def test_calls_are_shown_as_the_client_knows_them() -> None:
    look = {"type": "function", "function": LOOK}
    assert shown_calls(chat().fields) is PLAIN
    assert shown_calls(chat(tools=[look], functions=[LOOK]).fields) is PLAIN
    assert shown_calls(chat(functions=[LOOK]).fields) == Shown(legacy=True)
    both = shown_calls(chat(tools=[look, PATCH]).fields)
    assert both == Shown(free_form=frozenset({"patch"}))


def test_a_free_form_text_is_taken_out_of_its_argument() -> None:
    assert free_text('{"input":"*** x"}') == "*** x"
    assert free_text('{"other":1}') == '{"other":1}'
    assert free_text("*** x") == "*** x"
