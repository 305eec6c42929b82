"""Read Anthropic's stream as events: one content block after the other, each a part.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.anthropic.reply import stop_of
from pai.dialect.anthropic.usage import Figures, more_figures
from pai.dialect.body import NULL
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.reply import (
    Begun,
    Broken,
    Counted,
    Delta,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Stop,
)
from pai.dialect.sse import Events

_KNOWN = frozenset(
    {
        *("message_start", "message_delta", "message_stop", "error"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
    }
)
_PARTS = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_MOST_MESSAGE = 1_000


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: Raw = NULL
    id: str = ""
    name: str = ""
    input: Raw = NULL


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    usage: Raw = NULL


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Event(msgspec.Struct):
    type: str
    index: int = 0
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Message | None = None
    usage: Raw = NULL
    error: _Error | None = None


class _Head(msgspec.Struct):
    type: str = ""
    index: Raw = NULL
    content_block: Raw = NULL


_events = msgspec.json.Decoder(_Event)
_heads = msgspec.json.Decoder(_Head)
_strings = msgspec.json.Decoder(str)
_Unreadable = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class MessagesReader:
    """See `pai.dialect.sides.EventReader`."""

    __slots__ = (
        "_cutter",
        "_ended",
        "_figures",
        "_index",
        "_kind",
        "_over",
        "_part",
        "_silent",
        "complete",
        "text_bytes",
        "tokens",
    )

    def __init__(self) -> None:
        self._cutter = Events()
        self._figures = Figures()
        self._index: int | None = None  # the vendor's number of the part that is open
        self._kind = ""
        self._part = -1
        self._silent = True  # no arguments of the open call yet
        self._ended = self._over = False
        self.tokens: Tokens | None = None
        self.text_bytes = 0
        self.complete = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes; return the events that are whole. Raises UnreadableError."""
        found: list[Event] = []
        for data in self._cutter.feed(chunk):
            self._read(data, found)
        return found

    def finish(self) -> list[Event]:
        """Return the last events; a stream that was cut yields `Broken`."""
        found: list[Event] = []
        for data in self._cutter.finish():
            self._read(data, found)
        if not (self._over or self._ended):
            found.append(Broken("the stream ended before the answer did"))
        self._over = True
        return found

    def _read(self, data: bytes, found: list[Event]) -> None:
        if self._over:
            self.text_bytes += 0 if self.complete else len(data)
            return
        try:
            event = _events.decode(data)
        except _Unreadable as error:
            if not self._is_extra(data):
                self.text_bytes += len(data)
                self._break(f"an event is not of its kind: {error}", found)
            return
        if event.type == "content_block_delta":
            if event.delta is not None and event.index == self._index:
                self._more(event.delta, found)
        else:
            self._turn(event, found)

    def _turn(self, event: _Event, found: list[Event]) -> None:
        match event.type:
            case "content_block_start":
                self._end_part(found)
                if event.content_block is not None:
                    self._begin_part(event.index, event.content_block, found)
            case "content_block_stop":
                self._end_part(found)
            case "message_start":
                message = event.message or _Message()
                found.append(Begun(message.id, message.model))
                self._count(message.usage, found)
            case "message_delta":
                self._finish_answer(event, found)
            case "message_stop":
                self._end_part(found)
                self._end_answer(None, "", found)
                self._over = True
            case "error":
                self._break((event.error or _Error()).message, found, event.error)

    def _break(self, text: str, found: list[Event], error: _Error | None = None) -> None:
        busy = error is not None and error.type == "overloaded_error"
        text = text[:_MOST_MESSAGE] or "the vendor gave no reason"
        found.append(Broken(text, overloaded=busy))
        self._over = True

    def _is_extra(self, data: bytes) -> bool:
        """Return whether an event that can't be read is none that we would look into."""
        try:
            head = _heads.decode(data)
            if head.type == "content_block_start":
                return _heads.decode(head.content_block).type not in _PARTS
        except _Unreadable:
            return False
        if head.type == "content_block_delta":
            return bytes(head.index) != str(self._index).encode()
        return head.type not in _KNOWN

    def _begin_part(self, index: int, block: _Block, found: list[Event]) -> None:
        match block.type:
            case "text":
                begun: Text | Thinking | ToolCall = Text(text="")
            case "thinking":
                begun = Thinking(vendor="anthropic")
            case "redacted_thinking":
                begun = Thinking(seal=_text(block.data), vendor="anthropic", hidden=True)
            case "tool_use":
                begun = ToolCall(id=block.id, name=block.name, arguments="")
            case _:
                return  # of a tool of the vendor's, or not known yet
        self._index, self._kind, self._silent = index, block.type, True
        self._part += 1
        found.append(PartBegun(0, self._part, begun))
        given = bytes(block.input)
        arguments = given.decode() if given not in (b"null", b"{}") else ""
        self._more(_Delta("", block.text, arguments, block.thinking, block.signature), found)

    def _more(self, delta: _Delta, found: list[Event]) -> None:
        match self._kind:
            case "text":
                text = delta.text
            case "thinking":
                text = delta.thinking
            case "tool_use":
                text = delta.partial_json
                self._silent = self._silent and not text
            case _:
                return
        if text or delta.signature:
            self.text_bytes += len(text) if text.isascii() else len(text.encode())
            found.append(Delta(0, self._part, text, delta.signature))

    def _end_part(self, found: list[Event]) -> None:
        if self._index is None:
            return
        if self._kind == "tool_use" and self._silent:
            found.append(Delta(0, self._part, "{}"))
        found.append(PartEnded(0, self._part))
        self._index = None

    def _finish_answer(self, event: _Event, found: list[Event]) -> None:
        self._end_part(found)
        counted, delta = self._count(event.usage, found), event.delta
        if delta is not None and delta.stop_reason is not None:
            self.complete = self.complete or counted
            self._end_answer(stop_of(delta.stop_reason), delta.stop_sequence or "", found)

    def _end_answer(self, stop: Stop | None, sequence: str, found: list[Event]) -> None:
        if not self._ended:
            self._ended = True
            found.append(Ended(0, stop, sequence))

    def _count(self, usage: Raw, found: list[Event]) -> bool:
        if usage == NULL:
            return False
        figures = more_figures(self._figures, usage)
        if figures is None:
            return False
        self._figures = figures
        tokens = figures.tokens
        if tokens is not None and tokens != self.tokens:
            self.tokens = tokens
            found.append(Counted(tokens))
        return tokens is not None


def _text(value: Raw) -> str:
    try:
        return _strings.decode(value)
    except _Unreadable:
        return ""
