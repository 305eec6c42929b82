"""Cuts a byte stream into messages: bytes in, events out. No I/O; one reader a connection.

A reader calls its sink: `on_head(head)` once a message, then `on_data(data, ended)` as body bytes
come (joined, at most once a `feed`; `ended` with the last), `ended` also for a message without
body. After the end it holds what follows until `next_message`. Any fault raises Malformed from
`feed` or `eof`, and the reader must not be fed again.

The chunked coding is decoded here, as llhttp tolerates chunk extensions: they carry nothing and
have been a way to hide a request from a proxy. Trailers are checked and dropped.
"""

import re
from typing import Final, Protocol, TypeVar

from pai.wire.errors import Malformed
from pai.wire.grammar import parse_request, parse_response
from pai.wire.message import RequestHead, ResponseHead

_HEAD: Final = 0
_LENGTH: Final = 1
_SIZE: Final = 2
_CHUNK: Final = 3
_CHUNK_END: Final = 4
_TRAILER: Final = 5
_CLOSE: Final = 6
_DONE: Final = 7
_RAW: Final = 8
_SIZE_LINE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_TRAILERS: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+")
_MAX_INTERIM: Final = 16

Head_contra = TypeVar("Head_contra", contravariant=True)


class Sink(Protocol[Head_contra]):
    """What a reader reports to."""

    def on_head(self, head: Head_contra) -> None:
        """A message begins."""

    def on_data(self, data: bytes, ended: bool) -> None:
        """Body bytes, possibly none; ended: the message is complete."""


class _Nobody:
    """The sink of a reader that was left: whoever it reported to is free to go."""

    def on_head(self, head: object) -> None:
        """Nothing."""

    def on_data(self, data: bytes, ended: bool) -> None:
        """Nothing."""


_NOBODY: Final = _Nobody()


class _Reader:
    """What requests and responses have in common: finding the head, decoding the body."""

    __slots__ = ("_buffer", "_max_fields", "_max_head", "_remaining", "_state")

    def __init__(self, max_head: int, max_fields: int) -> None:
        self._buffer = b""
        self._state = _HEAD
        self._remaining = 0
        self._max_head = max_head
        self._max_fields = max_fields

    def _start(self, block: bytes) -> None:
        """Parse the head, report it and set the state that its framing asks for."""
        raise NotImplementedError

    def _deliver(self, data: bytes, ended: bool) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        """Report to nobody any more: reader and connection would keep each other from going."""
        raise NotImplementedError

    @property
    def held(self) -> int:
        """Bytes that wait: an incomplete head, or what follows the current message."""
        return len(self._buffer)

    @property
    def done(self) -> bool:
        """Whether the current message has ended and `next_message` was not called yet."""
        return self._state == _DONE

    def take_rest(self) -> bytes:
        """Return and forget the bytes after the message: the first ones of a tunnel."""
        rest, self._buffer = self._buffer, b""
        self._state = _RAW
        return rest

    def next_message(self) -> None:
        """Go on to the next message, whose bytes may be here already."""
        self._state = _HEAD
        if self._buffer:
            self.feed(b"")

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream.

        Raises Malformed.
        """
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        elif self._state == _SIZE and data.endswith(b"\r\n"):
            # one whole chunk and nothing else, as streams send them
            end = data.find(b"\r\n", 0, 10)
            size = len(data) - end - 4
            stated = end > 0 < size and _SIZE_LINE.fullmatch(data, 0, end)
            if stated and int(stated[0], 16) == size:
                self._deliver(data[end + 2 : -2], False)
                return
        while self._state == _HEAD:
            end = data.find(b"\r\n\r\n") + 4
            if end == 3 or end > self._max_head:
                self._keep_partial_head(data)
                return
            self._start(data[:end])
            data = data[end:]
        if data or self._state == _DONE:
            self._feed_body(data)

    def _keep_partial_head(self, data: bytes) -> None:
        if len(data) > self._max_head:
            raise Malformed(f"the header block is larger than {self._max_head} bytes", 431)
        if not 0x41 <= (data or b"A")[0] <= 0x5A:  # every start line begins with a capital
            raise Malformed("this is not HTTP")
        if _BARE_LF.search(data) is not None:
            raise Malformed("a line that does not end with CR LF")
        self._buffer = data

    def _feed_body(self, data: bytes) -> None:
        state = self._state
        if state == _LENGTH:
            size = len(data)
            if size < self._remaining:
                self._remaining -= size
                self._deliver(data, False)
                return
            self._state = _DONE
            self._buffer = data[self._remaining :]
            self._deliver(data[: self._remaining], True)
        elif state in (_DONE, _RAW):
            self._buffer = data
        elif state == _CLOSE:
            self._deliver(data, False)
        else:
            self._feed_chunked(data)

    def _feed_chunked(self, data: bytes) -> None:
        parts: list[bytes] = []
        position = 0
        while self._state != _DONE:
            if self._state == _SIZE:  # a chunk that is here as a whole, in one step
                end = data.find(b"\r\n", position, position + 10)
                if end > 0 and _SIZE_LINE.fullmatch(data, position, end):
                    stop = end + 2 + int(data[position:end], 16)
                    if stop > end + 2 and data[stop : stop + 2] == b"\r\n":
                        parts.append(data[end + 2 : stop])
                        position = stop + 2
                        continue
            following = self._chunk_step(data, position, parts)
            if following < 0:
                break
            position = following
        self._buffer = data[position:]
        ended = self._state == _DONE
        if parts or ended:
            self._deliver(parts[0] if len(parts) == 1 else b"".join(parts), ended)

    def _chunk_step(self, data: bytes, position: int, parts: list[bytes]) -> int:
        """Take one element of the chunked coding; return where it ends, -1 when incomplete."""
        state = self._state
        if state == _SIZE:
            return self._chunk_size(data, position)
        if state == _CHUNK:
            chunk = data[position : position + self._remaining]
            if not chunk:
                return -1
            parts.append(chunk)
            self._remaining -= len(chunk)
            if not self._remaining:
                self._state = _CHUNK_END
            return position + len(chunk)
        if state == _CHUNK_END:
            ending = data[position : position + 2]
            if ending != b"\r\n"[: len(ending)]:
                raise Malformed("a chunk is longer than its size says")
            if len(ending) < 2:
                return -1
            self._state = _SIZE
            return position + 2
        return self._trailer(data, position)

    def _chunk_size(self, data: bytes, position: int) -> int:
        end = data.find(b"\r\n", position, position + 10)
        line = data[position : position + 10] if end < 0 else data[position:end]
        if end < 0:
            digits = line.removesuffix(b"\r")
            if len(line) < 10 and (not digits or _SIZE_LINE.fullmatch(digits)):
                return -1
            raise Malformed("a chunk size that is malformed, too large or has an extension")
        if _SIZE_LINE.fullmatch(line) is None:
            raise Malformed("a chunk size that is malformed, too large or has an extension")
        self._remaining = int(line, 16)
        self._state = _CHUNK if self._remaining else _TRAILER
        return end + 2

    def _trailer(self, data: bytes, position: int) -> int:
        if data.startswith(b"\r\n", position):
            self._state = _DONE
            return position + 2
        end = data.find(b"\r\n\r\n", position) + 4
        if (end if end > 3 else len(data)) - position > self._max_head:
            raise Malformed("the trailers are too large", 431)
        if end == 3:
            if _BARE_LF.search(data, position + 1) is not None:
                raise Malformed("a trailer that does not end with CR LF")
            return -1
        if _TRAILERS.fullmatch(data, position, end - 2) is None:
            raise Malformed("the trailers are malformed")
        self._state = _DONE
        return end

    def eof(self) -> None:
        """Say that the stream has ended.

        Raises Malformed when it ended within a message.
        """
        if self._state == _CLOSE:
            self._state = _DONE
            self._deliver(b"", True)
        elif self._state not in (_DONE, _RAW) and (self._state != _HEAD or self._buffer):
            raise Malformed("the connection ended within a message")


class RequestReader(_Reader):
    """Reads what a client sends."""

    __slots__ = ("_sink",)

    def __init__(
        self, sink: Sink[RequestHead], *, max_head: int = 32 * 1024, max_fields: int = 100
    ) -> None:
        super().__init__(max_head, max_fields)
        self._sink = sink

    def leave(self) -> None:
        """See `_Reader`."""
        self._sink = _NOBODY

    def _deliver(self, data: bytes, ended: bool) -> None:
        self._sink.on_data(data, ended)

    def _start(self, block: bytes) -> None:
        head = parse_request(block, self._max_fields)
        if head.chunked:
            self._state = _SIZE
        elif head.content_length:
            self._remaining = head.content_length
            self._state = _LENGTH
        else:
            self._state = _DONE
        self._sink.on_head(head)
        if self._state == _DONE:
            self._sink.on_data(b"", True)


class ResponseReader(_Reader):
    """Reads what an upstream sends. `expect` names the request before its answer comes."""

    __slots__ = ("_interim", "_method", "_sink", "_upgrade")

    def __init__(
        self, sink: Sink[ResponseHead], *, max_head: int = 32 * 1024, max_fields: int = 100
    ) -> None:
        super().__init__(max_head, max_fields)
        self._sink = sink
        self._method = b""
        self._upgrade = False
        self._interim = 0
        self._state = _DONE

    def expect(self, method: bytes, *, upgrade: bool) -> None:
        """Prepare for the answer to a request; upgrade: 101 would be an answer to it."""
        self._method = method
        self._upgrade = upgrade
        self._interim = 0
        self._state = _HEAD

    def leave(self) -> None:
        """See `_Reader`."""
        self._sink = _NOBODY

    def _deliver(self, data: bytes, ended: bool) -> None:
        self._sink.on_data(data, ended)

    def _start(self, block: bytes) -> None:
        head = parse_response(block, self._method, self._max_fields)
        if head.status < 200 and head.status != 101:
            self._interim += 1
            if self._interim > _MAX_INTERIM:
                raise Malformed("too many interim responses")
            return
        if head.status == 101 and not (self._upgrade and head.upgrade):
            raise Malformed("a 101 response that nobody asked for")
        if head.status == 101 or not head.has_body:
            self._state = _DONE
        elif head.chunked:
            self._state = _SIZE
        elif head.until_close:
            self._state = _CLOSE
        else:
            self._remaining = head.content_length or 0
            self._state = _LENGTH
        self._sink.on_head(head)
        if self._state == _DONE:
            self._sink.on_data(b"", True)
