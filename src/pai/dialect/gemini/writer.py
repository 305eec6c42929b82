"""The events of an answer, written as the pieces that Google's clients expect.

A text goes out at once, a call when its arguments are whole. The ends of all candidates and the
figures come in the last piece, as Google has them. Pieces are put together from bytes that are the
same for the whole stream: text is the hot path.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.gemini.errors import error
from pai.dialect.gemini.reply import finish_reason, likely, part_of
from pai.dialect.gemini.usage import usage_of
from pai.dialect.refused import Refused
from pai.dialect.reply import Begun, Broken, Counted, Delta, Ended, Event, PartBegun, PartEnded

_encode = msgspec.json.Encoder().encode


class _Open(msgspec.Struct):
    """The part of a candidate that is being written. held: arguments that are not told yet."""

    part: Text | Thinking | ToolCall
    held: list[str]
    seal: str = ""


class PieceWriter:
    """See `EventWriter`. sse: as server-sent events, else as a JSON array."""

    def __init__(self, *, sse: bool) -> None:
        self._sse = sse
        self._end = b"}"
        self._open: dict[int, _Open] = {}
        self._ended: dict[int, str] = {}
        self._tokens: Tokens | None = None
        self._written = self._broken = False

    def write(self, event: Event) -> bytes:
        """Return the bytes for one event, may be none."""
        if type(event) is Delta:
            return self._delta(event)
        return _WRITERS[type(event)](self, event)

    def finish(self) -> bytes:
        """Return the last piece, and what ends the stream."""
        last = b"" if self._broken else self._last()
        if self._sse:
            return last
        return last + (b"]" if self._written else b"[]")

    def _begun(self, event: Begun) -> bytes:
        names = b',"modelVersion":%b,"responseId":%b}' % (_encode(event.model), _encode(event.id))
        self._end = names
        return b""

    def _framed(self, piece: bytes) -> bytes:
        if self._sse:
            return b"data: %b\r\n\r\n" % piece
        before = b",\r\n" if self._written else b"["
        self._written = True
        return before + piece

    def _piece(self, choice: int, part: bytes, more: bytes = b"") -> bytes:
        return self._framed(
            b'{"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%d%b}]%b'
            % (part, choice, more, self._end)
        )

    def _part_begun(self, event: PartBegun) -> bytes:
        begun = event.begun
        opened = self._open[event.choice] = _Open(begun, [])
        if isinstance(begun, ToolCall):
            opened.held.append(begun.arguments if begun.arguments != "{}" else "")
            return b""
        if isinstance(begun, Thinking):
            opened.seal = begun.seal
        return self._said(event.choice, opened, begun.text)

    def _delta(self, event: Delta) -> bytes:
        opened = self._open.get(event.choice)
        if opened is None:
            return b""
        if event.seal:
            opened.seal = event.seal
        if isinstance(opened.part, ToolCall):
            opened.held.append(event.text)
            return b""
        if event.logprobs:
            more = _encode(likely(event.logprobs))
            return self._piece(
                event.choice, b'{"text":%b}' % _encode(event.text), b"," + more[1:-1]
            )
        return self._said(event.choice, opened, event.text)

    def _said(self, choice: int, opened: _Open, text: str) -> bytes:
        if not text:
            return b""
        shown = b'{"text":%b}' if type(opened.part) is Text else b'{"text":%b,"thought":true}'
        return self._piece(choice, shown % _encode(text))

    def _part_ended(self, event: PartEnded) -> bytes:
        opened = self._open.pop(event.choice, None)
        part = None if opened is None else opened.part
        if opened is None or part is None or isinstance(part, Text):
            return b""
        if isinstance(part, ToolCall):
            arguments = "".join(opened.held) or ("" if part.free_form else "{}")
            seal = opened.seal or part.seal
            whole = msgspec.structs.replace(part, arguments=arguments, seal=seal)
            return self._piece(event.choice, _encode(part_of(whole)))
        if not opened.seal:
            return b""
        signed = Thinking(seal=opened.seal, vendor=part.vendor, hidden=True)
        shown = part_of(signed)
        if not part.hidden:
            shown["thought"] = True
        return self._piece(event.choice, _encode(shown))

    def _ended_choice(self, event: Ended) -> bytes:
        self._ended[event.choice] = finish_reason(event.stop)
        return b""

    def _counted(self, event: Counted) -> bytes:
        self._tokens = event.tokens
        return b""

    def _last(self) -> bytes:
        candidates = [
            {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": why, "index": n}
            for n, why in self._ended.items()
        ]
        usage = b""
        if self._tokens is not None:
            usage = b',"usageMetadata":%b' % _encode(usage_of(self._tokens))
        return self._framed(b'{"candidates":%b%b%b' % (_encode(candidates), usage, self._end))

    def _broken_off(self, event: Broken) -> bytes:
        self._broken = True
        refused = Refused.VENDOR_BUSY if event.overloaded else Refused.VENDOR_BROKEN
        return self._framed(error(refused, event.message)[1])


_WRITERS: dict[type[Event], Callable[[PieceWriter, Any], bytes]] = {
    Begun: PieceWriter._begun,
    PartBegun: PieceWriter._part_begun,
    PartEnded: PieceWriter._part_ended,
    Ended: PieceWriter._ended_choice,
    Counted: PieceWriter._counted,
    Broken: PieceWriter._broken_off,
}
