"""The parts of an answer while they stream: each writes the events of one output item.

Every event has a number, counted over the whole stream. Deltas are put together from bytes that
are made once for a part: there are hundreds of them.
Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import Raw

from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.reply import Delta, TokenLogprob
from pai.dialect.responses.output import (
    CUSTOM_CALL,
    SEARCH_CALL,
    Item,
    event_logprobs,
    message,
    reasoning,
    text_part,
    whole_call,
)

_encode = msgspec.json.Encoder().encode


class Numbered:
    """Writes events one after the other, each with its number."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def event(self, kind: str, **fields: object) -> bytes:
        """Return an event."""
        body = {"type": kind, "sequence_number": self._next, **fields}
        self._next += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(body))

    def deltas(self, kind: str, **fields: object) -> Callable[[str], bytes]:
        """Return what writes one delta after the other, all of one place."""
        name = kind.encode()
        head = b'event: %b\ndata: {"type":"%b","sequence_number":' % (name, name)
        place = b"," + _encode(fields)[1:-1] + b',"delta":'

        def write(text: str) -> bytes:
            number = self._next
            self._next = number + 1
            return b"%b%d%b%b}\n\n" % (head, number, place, _encode(text))

        return write


class OpenPart(Protocol):
    """A part of the answer that is not whole yet."""

    def begin(self) -> bytes:
        """Return the events that begin it."""
        ...

    def add(self, delta: Delta) -> bytes:
        """Return the events for more of it."""
        ...

    def end(self) -> tuple[bytes, Raw]:
        """Return the events that end it, and the whole item."""
        ...


class OpenText:
    """A message with one part of text."""

    def __init__(self, numbered: Numbered, base: str, place: int, begun: Text) -> None:
        self._numbered, self._place, self._begun = numbered, place, begun
        self._id = f"msg_{base}_{place}"
        self._texts: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._at = {"item_id": self._id, "output_index": place, "content_index": 0}
        kind = "response.output_text.delta"
        self._delta = numbered.deltas(kind, **self._at, logprobs=[])

    def begin(self) -> bytes:
        """See `OpenPart`."""
        event = self._numbered.event
        item = message(self._id, "in_progress", [])
        added = event("response.output_item.added", output_index=self._place, item=item)
        added += event("response.content_part.added", **self._at, part=text_part(""))
        first = Delta(0, self._place, self._begun.text)
        return added + (self.add(first) if self._begun.text else b"")

    def add(self, delta: Delta) -> bytes:
        """See `OpenPart`."""
        self._texts.append(delta.text)
        if not delta.logprobs:
            return self._delta(delta.text) if delta.text else b""
        self._logprobs += delta.logprobs
        logprobs = event_logprobs(delta.logprobs)
        kind = "response.output_text.delta"
        return self._numbered.event(kind, **self._at, delta=delta.text, logprobs=logprobs)

    def end(self) -> tuple[bytes, Raw]:
        """See `OpenPart`."""
        event, text = self._numbered.event, "".join(self._texts)
        part, logprobs = text_part(text, self._logprobs), event_logprobs(self._logprobs)
        item = Raw(_encode(message(self._id, "completed", [part])))
        done = event("response.output_text.done", **self._at, text=text, logprobs=logprobs)
        done += event("response.content_part.done", **self._at, part=part)
        return done + event("response.output_item.done", output_index=self._place, item=item), item


class OpenThoughts:
    """A reasoning item with at most one part of summary."""

    def __init__(self, numbered: Numbered, base: str, place: int, begun: Thinking) -> None:
        self._numbered, self._place, self._begun = numbered, place, begun
        self._id = f"rs_{base}_{place}"
        self._texts: list[str] = []
        self._seal = begun.seal
        self._at = {"item_id": self._id, "output_index": place, "summary_index": 0}
        self._delta = numbered.deltas("response.reasoning_summary_text.delta", **self._at)

    def begin(self) -> bytes:
        """See `OpenPart`."""
        item = reasoning(self._id, Thinking())
        event = self._numbered.event
        added = event("response.output_item.added", output_index=self._place, item=item)
        return added + self.add(Delta(0, self._place, self._begun.text))

    def add(self, delta: Delta) -> bytes:
        """See `OpenPart`."""
        self._seal = delta.seal or self._seal
        if not delta.text:
            return b""
        begins = b""
        if not self._texts:
            kind, part = "response.reasoning_summary_part.added", self._part("")
            begins = self._numbered.event(kind, **self._at, part=part)
        self._texts.append(delta.text)
        return begins + self._delta(delta.text)

    def end(self) -> tuple[bytes, Raw]:
        """See `OpenPart`."""
        event, text, done = self._numbered.event, "".join(self._texts), b""
        if text:
            done = event("response.reasoning_summary_text.done", **self._at, text=text)
            kind = "response.reasoning_summary_part.done"
            done += event(kind, **self._at, part=self._part(text))
        begun = self._begun
        thinking = Thinking(text=text, seal=self._seal, vendor=begun.vendor, hidden=begun.hidden)
        item = Raw(_encode(reasoning(self._id, thinking)))
        return done + event("response.output_item.done", output_index=self._place, item=item), item

    def _part(self, text: str) -> Item:
        return {"type": "summary_text", "text": text}


class OpenCall:
    """A call of a tool.

    One that the client knows as free-form is shown when it is whole: its text is inside the
    arguments' JSON, and that can't be read before its end.
    """

    def __init__(self, numbered: Numbered, place: int, item: Item, begun: ToolCall) -> None:
        self._numbered, self._place, self._item, self._begun = numbered, place, item, begun
        self._texts: list[str] = []
        kind = item["type"]
        self._search, custom = kind == SEARCH_CALL, kind == CUSTOM_CALL
        self._holds = self._search or (custom and not begun.free_form)
        self._name = "input" if custom else "arguments"
        self._kind = "custom_tool_call_input" if custom else "function_call_arguments"
        self._at = {"item_id": item["id"], "output_index": place}
        self._delta = numbered.deltas(f"response.{self._kind}.delta", **self._at)

    def begin(self) -> bytes:
        """See `OpenPart`."""
        kind = "response.output_item.added"
        return self._numbered.event(kind, output_index=self._place, item=self._item)

    def add(self, delta: Delta) -> bytes:
        """See `OpenPart`."""
        self._texts.append(delta.text)
        return b"" if self._holds or not delta.text else self._delta(delta.text)

    def end(self) -> tuple[bytes, Raw]:
        """See `OpenPart`."""
        event, begun, text = self._numbered.event, self._begun, "".join(self._texts)
        unseen = self._holds or not text
        item = whole_call(self._item, text or begun.arguments, free_form=begun.free_form)
        raw, done, value = Raw(_encode(item)), b"", item[self._name]
        if not self._search:  # that has no events of its own
            done = self._delta(str(value)) if unseen else b""
            done += event(f"response.{self._kind}.done", **self._at, **{self._name: value})
        return done + event("response.output_item.done", output_index=self._place, item=raw), raw
