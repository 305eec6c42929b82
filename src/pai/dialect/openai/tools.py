"""Tools of a chat request, read: functions, free-form tools, and which of them may be called."""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL, Fields
from pai.dialect.conversation import Tool, ToolChoice
from pai.dialect.openai.wire import (
    AllowedTools,
    Choice,
    Custom,
    Function,
    Named,
    ToolSpec,
)
from pai.dialect.refused import BadRequestError, UnsupportedError

FREE_FORM_SCHEMA = Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}'
)
"""A free-form tool elsewhere: a function with its text as the only argument."""


class Tooling(msgspec.Struct, kw_only=True):
    """The fields that are about tools; functions and function_call are their older names."""

    tools: list[ToolSpec] | None = None
    tool_choice: str | Choice | None = None
    functions: list[Function] | None = None
    function_call: str | Named | None = None


class Shown(msgspec.Struct, frozen=True):
    """How calls are to be told. legacy: as `function_call`; free_form: names of such tools."""

    legacy: bool = False
    free_form: frozenset[str] = frozenset()


class _Input(msgspec.Struct):
    input: str


PLAIN = Shown()
_specs = msgspec.json.Decoder(list[ToolSpec])
_inputs = msgspec.json.Decoder(_Input)


def read_tools(wish: Tooling) -> tuple[Tool, ...]:
    """Return the tools. Raises BadRequestError, UnsupportedError."""
    found = [_tool(each) for each in wish.tools or ()]
    found += [_function(each) for each in wish.functions or ()]
    return tuple(found)


def _tool(spec: ToolSpec) -> Tool:
    cache = spec.cache_control != NULL
    if spec.type == "function" and spec.function is not None:
        return msgspec.structs.replace(_function(spec.function), cache=cache)
    if spec.type == "custom" and spec.custom is not None:
        return _free_form(spec.custom)
    if spec.type in ("function", "custom"):
        raise BadRequestError(f"a tool of type '{spec.type}' needs its '{spec.type}'", "tools")
    raise UnsupportedError(f"this model's vendor has no tool of type '{spec.type}'", "tools")


def _function(function: Function) -> Tool:
    return Tool(
        name=function.name,
        description=function.description or "",
        schema=Raw(b"") if function.parameters == NULL else function.parameters,
        strict=function.strict,
    )


def _free_form(custom: Custom) -> Tool:
    """A grammar goes into the description: no other vendor holds a model to one."""
    told = [custom.description or ""]
    grammar = custom.format.grammar if custom.format else None
    if grammar is not None:
        told.append(f"'input' must match this {grammar.syntax} grammar:\n{grammar.definition}")
    text = "\n\n".join(each for each in told if each)
    return Tool(name=custom.name, description=text, schema=FREE_FORM_SCHEMA)


def read_choice(wish: Tooling) -> ToolChoice | None:
    """Return which tools may be called. Raises BadRequestError."""
    choice = wish.tool_choice
    if choice is None:
        return _legacy_choice(wish.function_call)
    if isinstance(choice, str):
        return _by_word(choice, "tool_choice")
    if choice.type == "allowed_tools":
        allowed = choice.allowed_tools or AllowedTools()
        names = tuple(each.name for each in allowed.tools if each.name)
        return ToolChoice("any" if allowed.mode == "required" else "auto", names=names)
    if not choice.name:
        raise BadRequestError("'tool_choice' names no tool", "tool_choice")
    return ToolChoice("tool", choice.name)


def _legacy_choice(choice: str | Named | None) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        return _by_word(choice, "function_call")
    return ToolChoice("tool", choice.name)


def _by_word(word: str, field: str) -> ToolChoice:
    match word:
        case "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case "required" | "any":
            return ToolChoice("any")
    raise BadRequestError(f"'{field}' is none of 'auto', 'none', 'required'", field)


def shown_calls(fields: Fields) -> Shown:
    """Return how the client of a request wants to be told of calls."""
    tools = fields.get("tools", NULL)
    legacy = tools == NULL and fields.get("functions", NULL) != NULL
    if b'"custom"' not in bytes(tools):
        return Shown(legacy=True) if legacy else PLAIN
    specs = _specs.decode(tools)
    return Shown(legacy, frozenset(each.custom.name for each in specs if each.custom))


def free_text(arguments: str) -> str:
    """Return the text that a free-form tool was called with; see `FREE_FORM_SCHEMA`."""
    try:
        return _inputs.decode(arguments).input
    except (msgspec.DecodeError, RecursionError):
        return arguments
