"""Meter a stream of Gemini's while it passes, over any chunk boundaries, in bounded memory.

Everything passes at once, byte for byte: its figures are part of every stream. A piece that grows
past the bound is not looked into and counts by its bytes. A stream comes as server-sent events, or
as one JSON array whose elements are the pieces.
"""

import re

from pai.dialect.gemini.figures import Figures
from pai.dialect.sse import PassingEvents

MOST_PIECE_BYTES = 1_048_576

_OUTSIDE = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')
_OPENS = b"{["
_BETWEEN = b" \t\r\n,"


class EventMeter(Figures):
    """See `pai.dialect.sides.Meter`; for server-sent events."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        super().__init__()
        self._events = PassingEvents(MOST_PIECE_BYTES)

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return them."""
        for data in self._events.feed(chunk):
            self.look(data)
        self.text_bytes += self._events.take_unread()
        return chunk

    def finish(self) -> bytes:
        """Return what was held back, which is nothing; the stream is at its end."""
        for data in self._events.finish():
            self.look(data)
        self.text_bytes += self._events.take_unread()
        return b""


class ArrayMeter(Figures):
    """See `pai.dialect.sides.Meter`; for a JSON array, which is never held as a whole.

    An answer that is one object, as errors are, is a piece itself. What is in no piece, where there
    should be nothing, counts by its bytes.
    """

    __slots__ = ("_depth", "_escaped", "_in_string", "_outer", "_pieces", "_size")

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._outer: int | None = None  # how deep pieces lie
        self._in_string = self._escaped = False
        self._pieces: list[bytes] = []  # of the element that is not whole
        self._size = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return them."""
        if self._depth == self._outer and not self._in_string:
            piece = chunk.strip(_BETWEEN)
            if piece.startswith(b"{") and len(piece) <= MOST_PIECE_BYTES and self.takes(piece):
                return chunk  # one whole piece, as Google sends them
        self._scan(chunk)
        return chunk

    def _scan(self, chunk: bytes) -> None:
        """Find the ends of pieces."""
        if not chunk:
            return  # it would take the place of the byte that is looked over
        place, start = int(self._escaped), 0  # an escaped byte is looked over
        outside = 0  # where what is in no piece begins
        self._escaped = False
        while place < len(chunk):
            pattern = _IN_STRING if self._in_string else _OUTSIDE
            match = pattern.search(chunk, place)
            if match is None:
                break
            place = match.end()
            mark = match[0]
            if mark == b"\\":
                self._escaped = place == len(chunk)
                place += 1
            elif mark == b'"':
                self._in_string = not self._in_string
            elif mark in _OPENS:
                if self._begins(mark):
                    start = match.start()
                    self._pass(chunk[outside:start])
            elif self._ends():
                self._hold(chunk[start:place])
                self._whole()
                outside = place
        if self._outer is not None and self._depth > self._outer:
            self._hold(chunk[start:])
        else:
            self._pass(chunk[outside:])

    def finish(self) -> bytes:
        """Return what was held back, which is nothing; the stream is at its end."""
        self.text_bytes += self._size
        self._pieces, self._size = [], 0
        return b""

    def _pass(self, data: bytes) -> None:
        self.text_bytes += len(data.translate(None, _BETWEEN + b"[]"))

    def _begins(self, mark: bytes) -> bool:
        """Go one level down; say whether a piece begins here."""
        if self._outer is None:
            self._outer = 1 if mark == b"[" else 0
        self._depth += 1
        return self._depth == self._outer + 1

    def _ends(self) -> bool:
        """Go one level up; say whether a piece ends here. A close too many is passed over."""
        if self._depth == 0:
            return False
        self._depth -= 1
        return self._depth == self._outer

    def _hold(self, data: bytes) -> None:
        """Keep more of a piece; of one that is too long nothing but its length."""
        self._size += len(data)
        if self._size > MOST_PIECE_BYTES:
            self._pieces = []
        else:
            self._pieces.append(data)

    def _whole(self) -> None:
        pieces, size = self._pieces, self._size
        self._pieces, self._size = [], 0
        if size > MOST_PIECE_BYTES:
            self.text_bytes += size
        else:
            self.look(b"".join(pieces))
