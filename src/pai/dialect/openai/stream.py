"""Meter a stream of chat chunks while it passes, over any chunk boundaries, in bounded memory.

Chunks of legacy completions are metered just so.

An event is passed on when it is complete; the usage event is taken out again when the client did
not ask for it. An event that grows past the bound passes uninspected and counts by its bytes.
"""

from typing import Final

import msgspec

from pai.budget.price import Tokens
from pai.dialect.body import NULL
from pai.dialect.openai.answer import tokens_of
from pai.dialect.openai.figures import CHUNKS, Chunk
from pai.dialect.sse import LONGEST_END, data_of, whole_events

MOST_EVENT_BYTES: Final = 1_048_576

_CR: Final = 13  # as a number, it is found three times as fast
_NOT_TEXT: Final = frozenset({"role", "index"})


class StreamMeter:
    """Reads usage and output of one stream. `feed` any number of times, then `finish`.

    tokens: the vendor's last figures. text_bytes: bytes of output seen, a bound of the visible
    output tokens. complete: the vendor has given its final figures.
    """

    __slots__ = (
        *("_keeps_usage", "_oversized", "_rest", "_silent"),
        *("complete", "text_bytes", "tokens"),
    )

    def __init__(self, *, keeps_usage: bool) -> None:
        self._keeps_usage = keeps_usage
        self._rest = bytearray()
        self._oversized = False
        self._silent = False  # an answer has ended and nothing was said since
        self.tokens: Tokens | None = None
        self.text_bytes = 0
        self.complete = False

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those to pass on."""
        if not self._rest and not self._oversized and _CR not in chunk:
            ending = chunk.find(b"\n")
            if ending > 0 and ending == len(chunk) - 2 and chunk.endswith(b"\n\n"):
                # one whole event of one line, as vendors send them
                usual = chunk.startswith(b"data: ")
                passes = self._passes_data(chunk[6:-2]) if usual else self._passes(chunk)
                return chunk if passes else b""
        out = [event for event in whole_events(self._rest, chunk) if self._passes(event)]
        if len(self._rest) > MOST_EVENT_BYTES:
            out.append(self._let_go())
        return out[0] if len(out) == 1 else b"".join(out)

    def finish(self) -> bytes:
        """Return what was held back; the stream is at its end."""
        rest, self._rest = bytes(self._rest), bytearray()
        return rest if not rest or self._passes(rest) else b""

    def _let_go(self) -> bytes:
        """Pass on the beginning of an event that is too long to hold; keep what may be its end."""
        gone = bytes(self._rest[:-LONGEST_END])
        del self._rest[:-LONGEST_END]
        self.text_bytes += len(gone)
        self._oversized = True
        return gone

    def _passes(self, event: bytes) -> bool:
        """Read one event; say whether the client gets it."""
        if self._oversized:
            self._oversized = False
            self.text_bytes += len(event)
            return True
        return self._passes_data(data_of(event))

    def _passes_data(self, data: bytes) -> bool:
        if not data or data.startswith(b"[DONE]"):
            return True
        try:
            chunk = CHUNKS.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            self.text_bytes += len(data)
            return True
        return self._read(chunk)

    def _read(self, chunk: Chunk) -> bool:
        choices = chunk.choices or ()
        for choice in choices:
            said = len(choice.text.encode()) if choice.text else 0
            for name, value in (choice.delta or {}).items():
                if name not in _NOT_TEXT:
                    text = bytes(value)  # a string's quotes don't count, null is nothing
                    if text != b"null":
                        said += len(text) - 2 if len(text) > 2 else 0
            if said:
                self.text_bytes += said
                self._silent = False
            if choice.finish_reason is not None:
                self._silent = True
        if chunk.usage == NULL:
            return True
        tokens = tokens_of(chunk.usage)
        if tokens is not None:
            self.tokens = tokens if self.tokens is None else max(tokens, self.tokens, key=_total)
            self.complete = self.complete or self._silent or not choices
        return self._keeps_usage or bool(choices)


def _total(tokens: Tokens) -> int:
    return tokens.total
