"""Meter a stream of response events while it passes, over any chunk boundaries, in bounded memory.

Every chunk passes on at once, as it is: nothing of this API's streams is to be taken out. An event
that grows past the bound is not looked into and counts by its bytes.
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.passing import PassingMeter
from pai.dialect.responses.usage import Charged, tokens_of
from pai.dialect.sse import MOST_EVENT_BYTES

_FINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_QUOTE = ord('"')


class _Event(msgspec.Struct):
    type: str = ""
    delta: Raw = NULL
    response: Raw = NULL


_events = msgspec.json.Decoder(_Event)
_charged = msgspec.json.Decoder(Charged)
_Unreadable = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class ResponsesMeter(PassingMeter):
    """Reads usage and output of one stream. `feed` any number of times, then `finish`.

    tokens: the vendor's last figures. text_bytes: bytes of output seen, a bound of the visible
    output tokens. complete: the vendor has given its final figures.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(MOST_EVENT_BYTES)

    def _look(self, data: bytes) -> None:
        if data.startswith(b"[DONE]"):
            return
        try:
            read = _events.decode(data)
        except _Unreadable:
            self.text_bytes += len(data)
            return
        if read.type in _FINAL:
            self._read_final(read.response)
        elif read.delta != NULL:
            length = len(memoryview(read.delta))
            quoted = memoryview(read.delta)[0] == _QUOTE
            self.text_bytes += length - 2 if quoted else length  # quotes are no output

    def _read_final(self, response: Raw) -> None:
        try:
            tokens = tokens_of(_charged.decode(response))
        except _Unreadable:
            return
        if tokens is not None:
            self.tokens = tokens
            self.complete = True
