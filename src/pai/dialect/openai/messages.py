"""Messages of a chat request, read as turns.

Instructions at the start are the conversation's own. Those that come later keep their place: they
become text of the user's, since no other vendor has instructions between turns. A request of
nothing but instructions has its last one as the user's turn.
"""

from collections.abc import Iterable, Sequence

import msgspec

from pai.dialect.body import NULL
from pai.dialect.conversation import Part, Text, Thinking, ToolCall, ToolResult, Turn
from pai.dialect.openai.parts import FIELD, read_content, read_shown, read_texts
from pai.dialect.openai.thoughts import call_seals, thoughts_of
from pai.dialect.openai.wire import Call, FunctionCall, Message
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.seal import open_id

_INSTRUCTING = ("system", "developer")


class Read(msgspec.Struct, frozen=True):
    """Messages, read. named: some say who speaks, which has no place elsewhere."""

    system: tuple[Text, ...]
    turns: tuple[Turn, ...]
    named: bool


class _Turns:
    """Gathers turns; what one speaker says in several messages is one turn."""

    def __init__(self) -> None:
        self.found: list[tuple[str, list[Part]]] = []
        self.legacy: dict[str, str] = {}  # function's name: id of its last call

    def add(self, role: str, parts: Iterable[Part]) -> None:
        if not self.found or self.found[-1][0] != role:
            self.found.append((role, []))
        self.found[-1][1].extend(parts)

    def new_id(self, name: str) -> str:
        """Return an id for a call of the API's first days, which had none."""
        made = self.legacy[name] = f"call_{len(self.found)}_{name}"
        return made

    def turns(self) -> tuple[Turn, ...]:
        return tuple(
            Turn("assistant" if role == "assistant" else "user", tuple(parts))
            for role, parts in self.found
            if parts
        )


def read_messages(messages: Sequence[Message]) -> Read:
    """Return the turns. Raises BadRequestError, UnsupportedError."""
    system: list[Text] = []
    turns = _Turns()
    for message in messages:
        if message.role in _INSTRUCTING and not turns.found:
            system.extend(read_texts(message.content))
        else:
            _add(turns, message)
    found = turns.turns()
    if not found and system:
        found = (Turn("user", (system.pop(),)),)
    if not found:
        raise BadRequestError("'messages' holds nothing to answer", FIELD)
    named = any(each.name and each.role not in ("tool", "function") for each in messages)
    return Read(tuple(system), found, named)


def _add(turns: _Turns, message: Message) -> None:
    match message.role:
        case "user":
            turns.add("user", read_shown(message.content))
        case "system" | "developer":
            turns.add("user", read_texts(message.content))
        case "assistant":
            turns.add("assistant", _assistant(message, turns))
        case "tool":
            turns.add("user", [_result(message, open_id(message.tool_call_id or "")[0])])
        case "function":
            name = message.name or ""
            turns.add("user", [_result(message, turns.legacy.get(name) or f"call_{name}")])
        case role:
            raise BadRequestError(f"there is no role '{role}'", FIELD)


def _result(message: Message, call_id: str) -> ToolResult:
    if not call_id:
        raise BadRequestError("a message of role 'tool' needs its 'tool_call_id'", FIELD)
    return ToolResult(id=call_id, name=message.name or "", parts=read_shown(message.content))


def _assistant(message: Message, turns: _Turns) -> list[Part]:
    if message.audio != NULL:
        raise UnsupportedError("this model's vendor has no sound of OpenAI's by id", FIELD)
    details = message.reasoning_details or ()
    calls = message.tool_calls or ()
    plain = message.reasoning_content or message.reasoning or ""
    content = read_content(message.content)
    parts: list[Part] = list(thoughts_of(details, plain, [each.id or "" for each in calls]))
    parts += [each for each in content if isinstance(each, Thinking)]
    parts += [each for each in content if not isinstance(each, Thinking)]
    if message.refusal:
        parts.append(Text(text=message.refusal))
    seals = call_seals(details)
    parts += [_call(each, seals.get(each.id or "", "")) for each in calls]
    if message.function_call is not None:
        name = message.function_call.name or ""
        parts.append(_function_call(message.function_call, turns.new_id(name)))
    return parts


def _call(call: Call, detail_seal: str) -> ToolCall:
    plain, vendor, seal = open_id(call.id or "")
    if not plain:
        raise BadRequestError("a tool call needs its 'id'", FIELD)
    made: ToolCall
    if call.custom is not None:
        made = ToolCall(
            id=plain, name=call.custom.name, arguments=call.custom.input, free_form=True
        )
    elif call.function is not None:
        made = _function_call(call.function, plain)
    else:
        raise BadRequestError("a tool call needs its 'function'", FIELD)
    if vendor is not None:
        return msgspec.structs.replace(made, seal=seal, vendor=vendor)
    signature = call.signature or detail_seal
    if signature:
        return msgspec.structs.replace(made, seal=signature, vendor="gemini")
    return made


def _function_call(function: FunctionCall, call_id: str) -> ToolCall:
    if not function.name:
        raise BadRequestError("a tool call needs the 'name' of its function", FIELD)
    arguments = arguments_of(function)
    return ToolCall(id=call_id, name=function.name, arguments=arguments or "{}")


def arguments_of(function: FunctionCall) -> str:
    """Return a call's arguments as JSON text; some servers send the object itself."""
    raw = bytes(function.arguments)
    if raw == b"null":
        return ""
    return str(msgspec.json.decode(raw)) if raw.startswith(b'"') else raw.decode()
