"""Meter Anthropic's stream while it passes, over any chunk boundaries, in bounded memory.

Everything passes at once, byte for byte: its figures are part of every stream. An event that grows
past the bound is not looked into and counts by its bytes.
"""

import msgspec
from msgspec import Raw

from pai.dialect.anthropic.usage import Figures, more_figures
from pai.dialect.body import NULL
from pai.dialect.passing import PassingMeter

MOST_EVENT_BYTES = 1_048_576

_NOT_TEXT = frozenset({"type", "signature", "encrypted_content"})


class _Message(msgspec.Struct):
    usage: Raw = NULL


class _Event(msgspec.Struct):
    type: str = ""
    delta: dict[str, Raw] | None = None
    message: _Message | None = None
    usage: Raw = NULL


_events = msgspec.json.Decoder(_Event)


class MessagesMeter(PassingMeter):
    """See `pai.dialect.sides.Meter`."""

    __slots__ = ("_figures",)

    def __init__(self) -> None:
        super().__init__(MOST_EVENT_BYTES)
        self._figures = Figures()

    def _look(self, data: bytes) -> None:
        try:
            seen = _events.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            self.text_bytes += len(data)
            return
        if seen.type == "content_block_delta":
            for name, value in (seen.delta or {}).items():
                if name not in _NOT_TEXT:
                    text = bytes(value)  # a string's quotes don't count, null is nothing
                    self.text_bytes += len(text) - 2 if len(text) > 2 and text != b"null" else 0
        elif seen.type == "message_start":
            self._count(NULL if seen.message is None else seen.message.usage)
        elif seen.type == "message_delta":
            counted = self._count(seen.usage)
            final = (seen.delta or {}).get("stop_reason", NULL) != NULL
            self.complete = self.complete or (counted and final)

    def _count(self, usage: Raw) -> bool:
        figures = more_figures(self._figures, usage) if usage != NULL else None
        if figures is None:
            return False
        self._figures = figures
        self.tokens = figures.tokens
        return self.tokens is not None
