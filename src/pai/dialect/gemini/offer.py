"""Tools of a request, and which of them may be called.

Source: https://ai.google.dev/gemini-api/docs/function-calling
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.conversation import Tool, ToolChoice
from pai.dialect.gemini.schema import json_schema
from pai.dialect.gemini.shape import listed
from pai.dialect.gemini.wire import Declaration, ToolConfig
from pai.dialect.refused import BadRequestError, UnsupportedError

_FIELD = "tools"
_DECLARATIONS = "functionDeclarations"
_declarations = msgspec.json.Decoder(list[Declaration] | Declaration)


def read_tools(tools: Iterable[dict[str, Raw]], advisory: set[str]) -> tuple[Tool, ...]:
    """Return the functions; name what is only advice about them.

    Raises BadRequestError, UnsupportedError for tools that Google itself runs.
    """
    found = []
    for tool in tools:
        for name, value in tool.items():
            if value == NULL:
                continue
            if name != _DECLARATIONS:
                raise UnsupportedError(f"this model's vendor has no tool like '{name}'", _FIELD)
            found += [_tool(each, advisory) for each in _read(value)]
    return tuple(found)


def _read(value: Raw) -> list[Declaration]:
    try:
        return listed(_declarations.decode(value))
    except msgspec.DecodeError as error:
        raise BadRequestError(f"functionDeclarations: {error}", _FIELD) from error


def _tool(declaration: Declaration, advisory: set[str]) -> Tool:
    own = declaration.parameters_json_schema
    if declaration.response != NULL or declaration.response_json_schema != NULL:
        advisory.add("tools.response")
    if declaration.behavior != NULL:
        advisory.add("tools.behavior")
    return Tool(
        name=declaration.name,
        description=declaration.description or "",
        schema=json_schema(declaration.parameters) if own == NULL else own,
    )


def read_choice(config: ToolConfig | None) -> ToolChoice | None:
    """Return which tools may be called. Raises BadRequestError."""
    calling = config.function_calling_config if config else None
    if calling is None:
        return None
    names = tuple(listed(calling.allowed_function_names))
    match (calling.mode or "MODE_UNSPECIFIED").upper():
        case "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED":
            return ToolChoice("auto", names=names)
        case "NONE":
            return ToolChoice("none")
        case "ANY" if len(names) == 1:
            return ToolChoice("tool", names[0])
        case "ANY":
            return ToolChoice("any", names=names)
    raise BadRequestError(f"there is no function calling mode '{calling.mode}'", "toolConfig")
