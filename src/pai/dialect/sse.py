"""Server-sent events cut out of a byte stream, over any chunk boundaries, in bounded memory.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from typing import Final

from pai.dialect.refused import UnreadableError

MOST_EVENT_BYTES: Final = 16 * 1024 * 1024  # an inline image may come as one event

_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n")
LONGEST_END: Final = 4
_CR: Final = 13  # as a number, it is found three times as fast
_DATA: Final = re.compile(rb"^data:[ ]?(.*)$", re.MULTILINE)


class Events:
    """Cuts the data of whole events out of a stream; for streams that are translated."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()  # grows in place: an event may come in a million pieces

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; return the data of each event that is whole and has some.

        Raises UnreadableError for an event that is too long to be one.
        """
        if not self._rest and is_one_event(chunk):
            data = data_of(chunk)
            return [data] if data else []
        found = [data_of(event) for event in whole_events(self._rest, chunk)]
        if len(self._rest) > MOST_EVENT_BYTES:
            self._rest = bytearray()
            raise UnreadableError(f"an event is longer than {MOST_EVENT_BYTES} bytes")
        return [each for each in found if each]

    def finish(self) -> list[bytes]:
        """Return what is left; the stream is at its end."""
        rest, self._rest = data_of(bytes(self._rest)), bytearray()
        return [rest] if rest else []


class PassingEvents:
    """Cuts the data of whole events out of a stream that passes on at once and is only metered.

    most_bytes: a longer event is not held; its bytes are counted instead.
    """

    __slots__ = ("_most_bytes", "_oversized", "_rest", "_unread")

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rest = bytearray()
        self._oversized = False
        self._unread = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; return the data of each event that is whole and has some."""
        if not self._rest and not self._oversized and is_one_event(chunk):
            data = data_of(chunk)
            return [data] if data else []
        rest = self._rest
        found = [self._read(event) for event in whole_events(rest, chunk)]
        if len(rest) > self._most_bytes:
            self._unread += len(rest) - LONGEST_END
            del rest[:-LONGEST_END]  # what is left may hold half of the event's end
            self._oversized = True
        return [data for data in found if data]

    def finish(self) -> list[bytes]:
        """Return what is left; the stream is at its end."""
        rest, self._rest = bytes(self._rest), bytearray()
        data = self._read(rest) if rest else b""
        return [data] if data else []

    def take_unread(self) -> int:
        """Return how many bytes of events went by uninspected since the last call."""
        unread, self._unread = self._unread, 0
        return unread

    def _read(self, event: bytes) -> bytes:
        if not self._oversized:
            return data_of(event)
        self._oversized = False
        self._unread += len(event)
        return b""


def whole_events(rest: bytearray, chunk: bytes) -> list[bytes]:
    """Return the events that are whole with `chunk`; `rest` then holds the beginning of the next.

    A chunk costs its own length, not that of what waits.
    """
    searched = max(0, len(rest) - LONGEST_END)
    if not rest:
        data = chunk
    else:
        rest += chunk
        if _END.search(rest, searched) is None:
            return []
        data = bytes(rest)
        rest.clear()
    start, found = 0, []
    for match in _END.finditer(data, searched):
        found.append(data[start : match.end()])
        start = match.end()
    rest += data[start:]
    return found


def is_one_event(chunk: bytes) -> bool:
    """Say whether a chunk is one whole event and no more, as vendors send them."""
    if _CR not in chunk:
        ending = chunk.find(b"\n\n")
        return 0 < ending == len(chunk) - 2
    return _is_one_line(chunk)


def data_of(event: bytes) -> bytes:
    """Return the data of one event; several fields are joined by newlines."""
    if _CR not in event:
        if event.endswith(b"\n\n"):  # as most vendors send them
            start = event.find(b"\n") + 1 if event.startswith(b"event: ") else 0
            if event.startswith(b"data: ", start) and event.find(b"\n", start) == len(event) - 2:
                return event[start + 6 : -2]
    elif event.startswith(b"data: ") and _is_one_line(event):
        return event[6:-4]
    lines = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b"\n".join(_DATA.findall(lines))


def _is_one_line(event: bytes) -> bool:
    """Say whether this is one line and one empty line, as Google sends its events."""
    end = len(event) - 4
    return end > 0 and event.find(b"\r\n\r\n") == end == event.find(b"\r") == event.find(b"\n") - 1


def event_of(data: bytes, name: bytes = b"") -> bytes:
    """Return an event; data must hold no line break."""
    return b"event: %b\ndata: %b\n\n" % (name, data) if name else b"data: %b\n\n" % data
