"""A whole answer: read from Anthropic, written for its clients.

Source: https://platform.claude.com/docs/en/api/messages/create
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from pai.dialect.anthropic.foreign import seal_data
from pai.dialect.anthropic.messages import arguments_of
from pai.dialect.anthropic.usage import tokens_of, usage_of
from pai.dialect.body import NULL
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Choice, Reply, Stop
from pai.dialect.seal import sealed_id

Part = Text | Thinking | ToolCall

_STOPS: Mapping[str, Stop] = {
    "end_turn": Stop.END,
    "max_tokens": Stop.LENGTH,
    "model_context_window_exceeded": Stop.LENGTH,
    "stop_sequence": Stop.SEQUENCE,
    "tool_use": Stop.TOOL,
    "pause_turn": Stop.PAUSE,
    "refusal": Stop.REFUSAL,
}
_REASONS: Mapping[Stop, str] = {
    Stop.END: "end_turn",
    Stop.LENGTH: "max_tokens",
    Stop.SEQUENCE: "stop_sequence",
    Stop.TOOL: "tool_use",
    Stop.PAUSE: "pause_turn",
    Stop.REFUSAL: "refusal",
    Stop.FILTER: "refusal",
}


class _Block(msgspec.Struct):
    type: str


class _Text(msgspec.Struct):
    text: str


class _Thinking(msgspec.Struct):
    thinking: str
    signature: str = ""


class _Redacted(msgspec.Struct):
    data: str


class _Call(msgspec.Struct):
    id: str
    name: str
    input: Raw = Raw(b"{}")


class _Message(msgspec.Struct):
    content: list[Raw]
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Raw = NULL


_messages = msgspec.json.Decoder(_Message)
_blocks = msgspec.json.Decoder(_Block)
_texts = msgspec.json.Decoder(_Text)
_thoughts = msgspec.json.Decoder(_Thinking)
_redacted = msgspec.json.Decoder(_Redacted)
_calls = msgspec.json.Decoder(_Call)


def read_reply(body: bytes) -> Reply:
    """Read an answer; content of a type that is not known is passed over.

    Raises UnreadableError.
    """
    try:
        message = _messages.decode(body)
        parts = [part for raw in message.content if (part := _part(raw)) is not None]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableError(f"it is not a message: {error}") from error
    choice = Choice(
        parts=tuple(parts),
        stop=stop_of(message.stop_reason),
        sequence=message.stop_sequence or "",
    )
    tokens = tokens_of(message.usage)
    return Reply(id=message.id, model=message.model, choices=(choice,), tokens=tokens)


def _part(raw: Raw) -> Part | None:
    match _blocks.decode(raw).type:
        case "text":
            return Text(text=_texts.decode(raw).text)
        case "thinking":
            thought = _thoughts.decode(raw)
            return Thinking(text=thought.thinking, seal=thought.signature, vendor="anthropic")
        case "redacted_thinking":
            return Thinking(seal=_redacted.decode(raw).data, vendor="anthropic", hidden=True)
        case "tool_use":
            call = _calls.decode(raw)
            return ToolCall(id=call.id, name=call.name, arguments=bytes(call.input).decode())
        case _:
            return None


def stop_of(reason: str | None) -> Stop | None:
    """Return why the model stopped; None for a reason that is not known."""
    return None if reason is None else _STOPS.get(reason)


def reason_of(stop: Stop | None, *, calls: bool) -> str:
    """Return a stop reason. calls: the answer calls tools, whatever its vendor calls the end."""
    if calls and stop in (None, Stop.END):
        return "tool_use"
    return "end_turn" if stop is None else _REASONS[stop]


def message_id(vendor_id: str) -> str:
    """Return an id in Anthropic's form."""
    return vendor_id if vendor_id.startswith("msg_") else f"msg_{vendor_id}"


def write_reply(reply: Reply) -> bytes:
    """Write an answer for a client; the first choice is all that one can ask for."""
    choice = reply.choices[0] if reply.choices else Choice()
    calls = any(isinstance(part, ToolCall) for part in choice.parts)
    return msgspec.json.encode(
        {
            "id": message_id(reply.id),
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": [_written(part) for part in choice.parts],
            "stop_reason": reason_of(choice.stop, calls=calls),
            "stop_sequence": choice.sequence or None,
            "usage": usage_of(reply.tokens),
        }
    )


def _written(part: Part) -> dict[str, object]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Thinking():
            seal = seal_data(part.vendor, part.seal)
            if part.hidden:
                return {"type": "redacted_thinking", "data": seal}
            return {"type": "thinking", "thinking": part.text, "signature": seal}
        case _:
            return {
                "type": "tool_use",
                "id": call_id(part),
                "name": part.name,
                "input": arguments_of(part),
            }


def call_id(call: ToolCall) -> str:
    """Return a call's id, with the seal that its vendor wants back."""
    return sealed_id(call.id, call.vendor, call.seal) if call.vendor else call.id
