"""Write an answer's events for a client of the Responses API."""

from collections.abc import Mapping

from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking
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
from pai.dialect.responses.free_form import Known
from pai.dialect.responses.open_parts import Numbered, OpenCall, OpenPart, OpenText, OpenThoughts
from pai.dialect.responses.output import base_of, call_item
from pai.dialect.responses.response import Head

_CUT = "the stream ended before the answer did"


class ResponsesWriter:
    """Writes one stream. known: tools that have another form on the way to the vendor.

    A refusal is known when its text has been shown: such an answer ends as a filtered one.
    """

    def __init__(self, model: str, again: Mapping[str, Raw], known: Mapping[str, Known]) -> None:
        self._known = known
        self._numbered = Numbered()
        self._head = Head("", model, again)
        self._started = False
        self._open: OpenPart | None = None
        self._output: list[Raw] = []
        self._tokens: Tokens | None = None
        self._ended: Ended | None = None
        self._failure = ""

    def write(self, event: Event) -> bytes:
        """Return the bytes for one event, may be none."""
        if isinstance(event, Delta):
            return b"" if self._open is None else self._open.add(event)
        if isinstance(event, PartBegun):
            return self._begin(event)
        if isinstance(event, PartEnded):
            return self._end()
        if isinstance(event, Begun):
            return self._start(event)
        if isinstance(event, Counted):
            self._tokens = event.tokens
        elif isinstance(event, Ended):
            self._ended = event
        else:
            self._failure = event.message or _CUT
        return b""

    def finish(self) -> bytes:
        """Return the event that ends the stream; it carries the figures, so it comes last."""
        rest = self._before()
        head = self._head
        failure = self._failure or ("" if self._ended is not None else _CUT)
        if failure:
            state = head.state("failed", self._output, tokens=self._tokens, error=failure)
            return rest + self._numbered.event("response.failed", response=state)
        stop = None if self._ended is None else self._ended.stop
        stop = Stop.FILTER if stop is Stop.REFUSAL else stop
        state = head.ended(stop, self._output, self._tokens)
        return rest + self._numbered.event(f"response.{state['status']}", response=state)

    def _start(self, begun: Begun) -> bytes:
        head = self._head
        self._head = Head(begun.id, begun.model or head.model, head.again)
        self._started = True
        state, event = self._head.state("in_progress", []), self._numbered.event
        created = event("response.created", response=state)
        return created + event("response.in_progress", response=state)

    def _begin(self, event: PartBegun) -> bytes:
        before = self._before()
        base, place = base_of(self._head.id), len(self._output)
        begun, numbered = event.begun, self._numbered
        if isinstance(begun, Text):
            self._open = OpenText(numbered, base, place, begun)
        elif isinstance(begun, Thinking):
            self._open = OpenThoughts(numbered, base, place, begun)
        else:
            item = call_item(base, place, begun, self._known)
            self._open = OpenCall(numbered, place, item, begun)
        return before + self._open.begin()

    def _before(self) -> bytes:
        """Return what has to come before anything new: the beginning, the end of the last part."""
        return self._end() if self._started else self._start(Begun("", ""))

    def _end(self) -> bytes:
        if self._open is None:
            return b""
        events, item = self._open.end()
        self._open = None
        self._output.append(item)
        return events
