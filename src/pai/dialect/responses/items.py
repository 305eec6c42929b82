"""The items of a request's input, read as turns.

Items of one speaker that follow each other are one turn. Messages of the system or the developer
at the start are instructions; those that come later keep their place as text of the user's, since
no other vendor has instructions between turns. Of nothing but instructions the last one is the
user's turn.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.conversation import Part, Text, ToolCall, ToolResult, Turn
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.responses.content import parts_of, texts_of
from pai.dialect.responses.free_form import SEARCH, joint_name, object_text
from pai.dialect.responses.thoughts import Summary, thinking_of
from pai.dialect.seal import open_id

_QUOTE = ord('"')
_INSTRUCTING = frozenset({"system", "developer"})
_Role = Literal["user", "assistant"]


class _Item(msgspec.Struct):
    type: str | None = None
    role: str = ""
    content: Raw = NULL
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = NULL
    tools: Raw = NULL
    execution: str | None = None
    input: str = ""
    output: Raw = NULL
    summary: list[Summary] | None = None
    encrypted_content: str | None = None
    internal_chat_message_metadata_passthrough: Raw = NULL


_items = msgspec.json.Decoder(list[_Item])
_string = msgspec.json.Decoder(str)


class Inputs:
    """Gathers turns and instructions. dropped: names of what is left out as advice."""

    __slots__ = ("_parts", "_role", "dropped", "system", "turns")

    def __init__(self) -> None:
        self.system: list[Text] = []
        self.turns: list[Turn] = []
        self.dropped: set[str] = set()
        self._role: _Role = "user"
        self._parts: list[Part] = []

    @property
    def begun(self) -> bool:
        """Whether somebody has spoken."""
        return bool(self._parts or self.turns)

    def say(self, role: _Role, parts: Sequence[Part]) -> None:
        """Add parts of a speaker."""
        if role != self._role:
            self.finish()
            self._role = role
        self._parts.extend(parts)

    def finish(self) -> None:
        """End the turn that is open."""
        if self._parts:
            self.turns.append(Turn(self._role, tuple(self._parts)))
            self._parts = []


def read_input(sent: Raw) -> Inputs:
    """Read `input`. Raises BadRequestError, UnsupportedError."""
    inputs = Inputs()
    if sent == NULL:
        raise BadRequestError("input: it is missing", "input")
    try:
        if memoryview(sent)[0] == _QUOTE:
            inputs.say("user", parts_of(sent, "input"))
        else:
            for number, item in enumerate(_items.decode(sent)):
                _read(item, f"input[{number}]", inputs)
    except msgspec.DecodeError as error:
        raise BadRequestError(f"input: {error}", "input") from error
    if not inputs.begun and inputs.system:
        inputs.say("user", (inputs.system.pop(),))
    inputs.finish()
    if not inputs.turns:
        raise BadRequestError("input: there is nothing to answer", "input")
    return inputs


def _read(item: _Item, place: str, inputs: Inputs) -> None:
    kind = item.type or "message"
    if item.internal_chat_message_metadata_passthrough != NULL:  # Codex's, about its own turns
        inputs.dropped.add("input.internal_chat_message_metadata_passthrough")
    if kind == "message":
        _read_message(item, place, inputs)
    elif kind in ("function_call", "custom_tool_call"):
        inputs.say("assistant", (_call(item, place, free_form=kind == "custom_tool_call"),))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        call_id = open_id(_call_id(item, place))[0]
        result = ToolResult(
            id=call_id,
            name=joint_name(item.namespace or "", item.name or ""),
            parts=parts_of(item.output, place),
        )
        inputs.say("user", (result,))
    elif kind == "reasoning":
        thinking = thinking_of(item.summary or (), item.content, item.encrypted_content, place)
        if thinking is not None:
            inputs.say("assistant", (thinking,))
    elif kind == "tool_search_call" and item.execution == "client":
        inputs.say("assistant", (_search(item, place),))
    elif kind == "tool_search_output" and item.execution == "client":
        found = (Text(text=bytes(item.tools).decode()),)
        inputs.say("user", (ToolResult(id=_call_id(item, place), name=SEARCH, parts=found),))
    elif kind != "additional_tools":  # those are read with the tools
        raise UnsupportedError(f"{place}: '{kind}' is of a tool that OpenAI runs", "input")


def _read_message(item: _Item, place: str, inputs: Inputs) -> None:
    if item.role in _INSTRUCTING:
        texts = texts_of(item.content, place)
        if inputs.begun:
            inputs.say("user", texts)
        else:
            inputs.system.extend(texts)
    elif item.role == "assistant":
        inputs.say("assistant", texts_of(item.content, place))
    elif item.role == "user":
        inputs.say("user", parts_of(item.content, place))
    else:
        raise BadRequestError(f"{place}: unknown role '{item.role}'", "input")


def _call(item: _Item, place: str, *, free_form: bool) -> ToolCall:
    call_id, vendor, seal = open_id(_call_id(item, place))
    return ToolCall(
        id=call_id,
        name=joint_name(item.namespace or "", item.name or ""),
        arguments=item.input if free_form else object_text(_text_of(item.arguments)),
        seal=seal,
        vendor=vendor or "",
        free_form=free_form,
    )


def _search(item: _Item, place: str) -> ToolCall:
    """Return a search for tools; its arguments are an object, where a function's are its text."""
    arguments = object_text(bytes(item.arguments).decode())
    return ToolCall(id=_call_id(item, place), name=SEARCH, arguments=arguments)


def _text_of(sent: Raw) -> str:
    return "" if sent == NULL else _string.decode(sent)


def _call_id(item: _Item, place: str) -> str:
    if not item.call_id:
        raise BadRequestError(f"{place}: 'call_id' is missing", "input")
    return item.call_id
