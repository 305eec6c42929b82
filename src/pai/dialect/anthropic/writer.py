"""Write events as Anthropic's stream, in the order that its SDKs put together again.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from typing import Literal

import msgspec

from pai.budget.price import Tokens
from pai.dialect.anthropic.errors import error_body
from pai.dialect.anthropic.foreign import seal_data
from pai.dialect.anthropic.reply import call_id, message_id, reason_of
from pai.dialect.anthropic.usage import usage_of
from pai.dialect.conversation import Text, Thinking, ToolCall, Vendor
from pai.dialect.reply import (
    Begun,
    Counted,
    Delta,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Stop,
)
from pai.dialect.sse import event_of

_encode = msgspec.json.encode
_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
    b'"delta":{"type":"%b","%b":%b}}\n\n'
)
_START = b'{"type":"content_block_start","index":%d,"content_block":%b}'
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_KINDS = {
    "text": (b"text_delta", b"text"),
    "thinking": (b"thinking_delta", b"thinking"),
    "call": (b"input_json_delta", b"partial_json"),
}


class MessagesWriter:
    """See `pai.dialect.sides.EventWriter`. Writes the first choice; more can't be asked for."""

    __slots__ = (
        "_begun",
        "_calls",
        "_index",
        "_kind",
        "_over",
        "_seal",
        "_stop",
        "_tokens",
        "_vendor",
    )

    def __init__(self) -> None:
        self._begun = self._calls = self._over = False
        self._index = -1
        self._kind = ""  # of the part that is open
        self._seal = ""
        self._vendor: Vendor | Literal[""] = ""  # of the thought that is open
        self._stop: Ended | None = None
        self._tokens: Tokens | None = None

    def write(self, event: Event) -> bytes:
        """Return the bytes for one event, may be none."""
        if self._over:
            return b""
        match event:
            case Delta():
                return self._more(event) if event.choice == 0 else b""
            case PartBegun():
                return self._begin_part(event.begun) if event.choice == 0 else b""
            case PartEnded():
                return self._end_part() if event.choice == 0 else b""
            case Counted():
                self._tokens = event.tokens
            case Ended():
                self._stop = event if event.choice == 0 else self._stop
            case Begun():
                return self._begin(event)
            case _:  # Broken
                self._over = True
                kind = "overloaded_error" if event.overloaded else "api_error"
                return event_of(error_body(kind, event.message), b"error")
        return b""

    def finish(self) -> bytes:
        """Return what ends the stream."""
        if self._over or not self._begun:
            return b""
        self._over = True
        stop = self._stop or Ended(0, Stop.END)
        delta = {
            "stop_reason": reason_of(stop.stop, calls=self._calls),
            "stop_sequence": stop.sequence or None,
        }
        last = {"type": "message_delta", "delta": delta, "usage": usage_of(self._tokens)}
        return (
            self._end_part()
            + event_of(_encode(last), b"message_delta")
            + event_of(b'{"type":"message_stop"}', b"message_stop")
        )

    def _begin(self, begun: Begun) -> bytes:
        self._begun = True
        message: dict[str, object] = {
            "id": message_id(begun.id),
            "type": "message",
            "role": "assistant",
            "model": begun.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(self._tokens),
        }
        start = {"type": "message_start", "message": message}
        return event_of(_encode(start), b"message_start")

    def _begin_part(self, part: Text | Thinking | ToolCall) -> bytes:
        before = self._end_part()
        self._index += 1
        self._seal, known = "", ""
        match part:
            case Text():
                self._kind, known = "text", part.text
                block = {"type": "text", "text": ""}
            case Thinking() if part.hidden:
                self._kind = "hidden"
                data = seal_data(part.vendor, part.seal)
                block = {"type": "redacted_thinking", "data": data}
            case Thinking():
                self._kind, known = "thinking", part.text
                self._vendor = part.vendor
                self._seal = seal_data(part.vendor, part.seal)
                block = {"type": "thinking", "thinking": "", "signature": ""}
            case _:  # ToolCall
                self._kind, self._calls = "call", True
                known = "" if part.arguments == "{}" else part.arguments
                call = {"type": "tool_use", "id": call_id(part), "name": part.name, "input": {}}
                start = event_of(_START % (self._index, _encode(call)), b"content_block_start")
                return before + start + self._text(known)
        start = event_of(_START % (self._index, _encode(block)), b"content_block_start")
        return before + start + self._text(known)

    def _more(self, delta: Delta) -> bytes:
        if delta.seal and self._kind == "thinking":
            self._seal = seal_data(self._vendor, delta.seal)
        return self._text(delta.text)

    def _text(self, text: str) -> bytes:
        kind = _KINDS.get(self._kind)
        if not text or kind is None:
            return b""
        return _DELTA % (self._index, kind[0], kind[1], _encode(text))

    def _end_part(self) -> bytes:
        if not self._kind:
            return b""
        sealed = b""
        if self._seal:
            sealed = _DELTA % (self._index, b"signature_delta", b"signature", _encode(self._seal))
        self._kind = self._seal = ""
        return sealed + _STOP % self._index
