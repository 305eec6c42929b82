"""The tools of a request, and the choice among them."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL, Fields
from pai.dialect.conversation import Tool, ToolChoice
from pai.dialect.openai.tools import FREE_FORM_SCHEMA
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.responses.free_form import SEARCH, Known, joint_name

_QUOTE = ord('"')
_SEARCH = frozenset({"web_search", "web_search_2025_08_26"})
_ADDING = frozenset({"additional_tools", "tool_search_output"})
_OWN = frozenset({"function", "custom"})
_Mode = Literal["auto", "none", "any", "tool"]
_WORDS: Mapping[str, _Mode] = {"auto": "auto", "none": "none", "required": "any"}


class _Grammar(msgspec.Struct):
    type: str = ""
    syntax: str = ""
    definition: str = ""


class _Tool(msgspec.Struct):
    type: str = ""
    name: str = ""
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None
    format: _Grammar | None = None
    external_web_access: bool | None = None
    execution: str | None = None
    tools: list["_Tool"] | None = None


class _Named(msgspec.Struct):
    type: str = ""
    name: str = ""


class _Choice(msgspec.Struct):
    type: str = ""
    name: str = ""
    mode: str = "auto"
    tools: list[_Named] | None = None


class Offered(NamedTuple):
    """The tools of a request. known: by the name they have on the way to the vendor.

    dropped: names of what is left out as advice.
    """

    tools: tuple[Tool, ...] = ()
    known: dict[str, Known] = {}  # noqa: RUF012 - never changed
    dropped: tuple[str, ...] = ()


class _Item(msgspec.Struct):
    type: str | None = None
    tools: Raw = NULL


_tools = msgspec.json.Decoder(list[_Tool])
_choice = msgspec.json.Decoder(_Choice)
_word = msgspec.json.Decoder(str)
_items = msgspec.json.Decoder(list[_Item] | str | None)


def offered(fields: Fields) -> Offered:
    """Read the tools of the request, and those that items of its input add.

    Raises BadRequestError, UnsupportedError.
    """
    tools: dict[str, Tool] = {}  # a search may find the same tool again
    known: dict[str, Known] = {}
    dropped: set[str] = set()
    for tool in _sent(fields):
        if tool.type == "namespace":
            for inner in tool.tools or ():
                found = _tool(inner, tool.name, known, dropped)
                tools.setdefault(found.name, found)
        elif tool.type in _SEARCH and tool.external_web_access is not None:
            dropped.add(f"tools.{tool.type}")  # Codex offers it always, and says how far it goes
        else:
            found = _tool(tool, "", known, dropped)
            tools.setdefault(found.name, found)
    return Offered(tuple(tools.values()), known, tuple(sorted(dropped)))


def _sent(fields: Fields) -> list[_Tool]:
    place = "tools"
    try:
        sent = _tools.decode(fields["tools"]) if fields.get("tools", NULL) != NULL else []
        place = "input"
        items = _items.decode(fields.get("input", NULL))
        if isinstance(items, list):
            for item in items:
                if item.type in _ADDING and item.tools != NULL:
                    sent += _tools.decode(item.tools)
    except msgspec.DecodeError as error:
        raise BadRequestError(f"{place}: {error}", place) from error
    return sent


def _tool(tool: _Tool, namespace: str, known: dict[str, Known], dropped: set[str]) -> Tool:
    name, description = joint_name(namespace, tool.name), tool.description or ""
    if tool.type == "function":
        if namespace:
            known[name] = Known(tool.name, namespace)
        schema = Raw(b"") if tool.parameters == NULL else tool.parameters
        return Tool(name=name, description=description, schema=schema, strict=tool.strict)
    if tool.type == SEARCH and tool.execution == "client":
        known[SEARCH] = Known(SEARCH, kind="search")
        schema = Raw(b"") if tool.parameters == NULL else tool.parameters
        return Tool(name=SEARCH, description=description, schema=schema)
    if tool.type == "custom":
        known[name] = Known(tool.name, namespace, "custom")
        grammar = tool.format
        if grammar is not None and grammar.definition:
            dropped.add("tools.format")
            description += f"\nThe input must match this {grammar.syntax} grammar:\n"
            description += grammar.definition
        return Tool(name=name, description=description, schema=FREE_FORM_SCHEMA)
    raise UnsupportedError(f"the tool '{tool.type}' is run by OpenAI alone", "tools")


def choice_of(fields: Fields, offer: Offered) -> ToolChoice | None:
    """Read which tools may or must be called; None when that is the model's choice anyway.

    Raises BadRequestError, UnsupportedError.
    """
    sent = fields.get("tool_choice", NULL)
    if sent == NULL:
        return None
    try:
        choice = _read(sent)
    except msgspec.DecodeError as error:
        raise BadRequestError(f"tool_choice: {error}", "tool_choice") from error
    binding = choice.mode in ("any", "tool") or bool(choice.names)
    if binding and any(name != "tools.format" for name in offer.dropped):
        raise UnsupportedError(f"{offer.dropped[-1]}: only OpenAI can be made to search", "tools")
    if not offer.tools:
        if binding:
            raise BadRequestError("tool_choice: there are no tools", "tool_choice")
        return None
    return choice


def _read(sent: Raw) -> ToolChoice:
    if memoryview(sent)[0] == _QUOTE:
        word = _word.decode(sent)
        return ToolChoice(_mode(word))
    choice = _choice.decode(sent)
    if choice.type in ("function", "custom"):
        return ToolChoice("tool", choice.name)
    if choice.type == "allowed_tools":
        foreign = [tool.type for tool in choice.tools or () if tool.type not in _OWN]
        if not foreign:
            names = tuple(tool.name for tool in choice.tools or ())
            return ToolChoice(_mode(choice.mode), names=names)
        choice.type = foreign[0]
    raise UnsupportedError(f"tool_choice: '{choice.type}' is run by OpenAI alone", "tool_choice")


def _mode(word: str) -> _Mode:
    if word not in _WORDS:
        message = f"tool_choice: '{word}' is none of {', '.join(_WORDS)}"
        raise BadRequestError(message, "tool_choice")
    return _WORDS[word]
