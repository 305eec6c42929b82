"""Read a stream of response events. What is not known is passed over; what is, must be in order."""

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.body import NULL
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import (
    Begun,
    Broken,
    Counted,
    Delta,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    TokenLogprob,
)
from pai.dialect.responses.answer import (
    Ending,
    Likely,
    OutputItem,
    call_of,
    failure_of,
    item_of,
    likely,
    stop_of,
    thoughts_of,
)
from pai.dialect.responses.usage import tokens_of
from pai.dialect.sse import Events

_FINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_TEXT = frozenset({"response.output_text.delta", "response.refusal.delta"})
_THOUGHT = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})
_CALL = frozenset(
    {"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"}
)
_DELTAS = _TEXT | _THOUGHT | _CALL
_STATES = _FINAL | {"response.created", "response.in_progress", "response.queued"}
_CALLS = frozenset({"function_call", "custom_tool_call"})
_OVERLOADED = frozenset({"rate_limit_exceeded", "server_is_overloaded", "slow_down"})
_CUT = "the vendor's stream ended before the answer did"
_JOINT = "\n\n"


class _Head(msgspec.Struct):
    id: str = ""
    model: str = ""


class _Kind(msgspec.Struct):
    type: str = ""


class _Event(_Kind):
    delta: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    logprobs: list[Likely] | None = None


class _Whole(_Kind):
    item: Raw = NULL
    output_index: int = 0


class _State(_Kind):
    response: Raw = NULL


class _Failure(_Kind):
    code: str | None = None
    message: str | None = None
    error: "_Failure | None" = None


_kinds = msgspec.json.Decoder(_Kind)
_events = msgspec.json.Decoder(_Event)
_wholes = msgspec.json.Decoder(_Whole)
_states = msgspec.json.Decoder(_State)
_failures = msgspec.json.Decoder(_Failure)
_heads = msgspec.json.Decoder(_Head)
_endings = msgspec.json.Decoder(Ending)
_Place = tuple[int, int]
_Likely = tuple[TokenLogprob, ...]


class ResponsesReader:
    """Reads one stream. The place of a part: its item's, and its own in it (0 for all but text)."""

    def __init__(self) -> None:
        self._events = Events()
        self._open: _Place | None = None
        self._last: _Place = (-1, 0)
        self._part = -1
        self._summary = 0
        self._seen = False
        self._calls = self._refused = self._over = self._begun = False
        self.tokens: Tokens | None = None
        self.text_bytes = 0
        self.complete = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes, cut anywhere; return the events that are whole.

        Raises UnreadableError.
        """
        found: list[Event] = []
        for data in self._events.feed(chunk):
            self._read(data, found)
        return found

    def finish(self) -> list[Event]:
        """Return the last events; the stream is at its end. A cut one yields `Broken`."""
        found: list[Event] = []
        for data in self._events.finish():
            try:
                self._read(data, found)
            except UnreadableError:  # cut in the middle of an event
                self.text_bytes += len(data)
        if not self._over:
            self._over = True
            found.append(Broken(_CUT))
        return found

    def _read(self, data: bytes, found: list[Event]) -> None:
        if self._over or data.startswith(b"[DONE]"):
            return
        try:
            event = _event(data)
            kind = event.type
            if kind in _DELTAS:
                self._read_delta(kind, event, found)
            elif kind == "response.output_item.added":
                self._read_added(_wholes.decode(data), found)
            elif kind == "response.output_item.done":
                self._read_done(_wholes.decode(data), found)
            elif kind in _STATES:
                self._read_state(kind, _states.decode(data).response, found)
            elif kind == "error":
                failure = _failures.decode(data)
                self._fail(failure.error or failure, found)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise UnreadableError(f"an event can't be read: {error}") from error

    def _read_delta(self, kind: str, event: _Event, found: list[Event]) -> None:
        text = event.delta
        logprobs = likely(event.logprobs) if event.logprobs else ()
        if kind in _TEXT:
            place = (event.output_index, event.content_index)
            if self._open != place:
                self._refused = self._refused or kind == "response.refusal.delta"
                self._at(place, Text(text=""), found)
        elif kind in _THOUGHT:
            self._at((event.output_index, 0), Thinking(vendor="openai"), found)
            if event.summary_index > self._summary and self._seen:
                text = _JOINT + text
            self._summary = event.summary_index
        elif self._open != (event.output_index, 0):
            raise UnreadableError("arguments came for no call")
        self._say(text, found, logprobs)

    def _read_added(self, event: _Whole, found: list[Event]) -> None:
        item = item_of(event.item)
        if item is not None and item.type in _CALLS:
            self._at((event.output_index, 0), _unsaid(call_of(item)), found)

    def _read_done(self, event: _Whole, found: list[Event]) -> None:
        item = item_of(event.item)
        if item is None:
            return
        place = (event.output_index, 0)
        if item.type in _CALLS:
            self._calls, call = True, call_of(item)
            self._at(place, _unsaid(call), found)
            self._say_unseen(call.arguments, found)
        elif item.type == "reasoning":
            thinking = thoughts_of(item)
            if thinking is not None:
                self._read_thoughts(place, thinking, found)
        elif self._last < place:
            self._read_message(event.output_index, item, found)
        self._close(found)

    def _read_thoughts(self, place: _Place, thinking: Thinking, found: list[Event]) -> None:
        if self._open != place and thinking.hidden:
            self._at(place, thinking, found)
            return
        self._at(place, Thinking(vendor=thinking.vendor), found)
        self._say_unseen(thinking.text, found)
        if thinking.seal:
            found.append(Delta(0, self._part, seal=thinking.seal))

    def _read_message(self, index: int, item: OutputItem, found: list[Event]) -> None:
        """Take a message that came without deltas."""
        for number, part in enumerate(item.content or ()):
            self._refused = self._refused or part.type == "refusal"
            self._at((index, number), Text(text=""), found)
            self._say_unseen(part.text or part.refusal, found)

    def _read_state(self, kind: str, response: Raw, found: list[Event]) -> None:
        if kind not in _FINAL:
            if not self._begun:
                head = _heads.decode(response)
                self._begun = True
                found.append(Begun(head.id, head.model))
            return
        self._close(found)
        ending = _endings.decode(response)
        self.tokens = tokens_of(ending)
        if self.tokens is not None:
            self.complete = True
            found.append(Counted(self.tokens))
        if kind == "response.failed":
            code = ending.error.code if ending.error is not None else None
            self._fail(_Failure(code=code, message=failure_of(ending)), found)
            return
        self._over = True
        stop = stop_of(ending, calls=self._calls, refused=self._refused)
        found.append(Ended(0, stop))

    def _fail(self, failure: _Failure, found: list[Event]) -> None:
        self._over = True
        message = failure.message or "the vendor reports an error, and not which"
        found.append(Broken(message, overloaded=failure.code in _OVERLOADED))

    def _at(self, place: _Place, begun: Text | Thinking | ToolCall, found: list[Event]) -> None:
        """Be at a part; begin it if it has not begun."""
        if self._open == place:
            return
        if place <= self._last:
            raise UnreadableError("an item goes on after the next one has begun")
        self._close(found)
        self._open = self._last = place
        self._part += 1
        self._summary, self._seen = 0, False
        found.append(PartBegun(0, self._part, begun))

    def _say(self, text: str, found: list[Event], logprobs: _Likely = ()) -> None:
        self._seen = True
        self.text_bytes += len(text.encode())
        found.append(Delta(0, self._part, text, logprobs=logprobs))

    def _say_unseen(self, text: str, found: list[Event]) -> None:
        if not self._seen and text:
            self._say(text, found)

    def _close(self, found: list[Event]) -> None:
        if self._open is not None:
            self._open = None
            found.append(PartEnded(0, self._part))


def _event(data: bytes) -> _Event:
    """Return an event, of one that is none of ours (its `delta` may be an object) the type alone.

    Raises msgspec.DecodeError.
    """
    try:
        return _events.decode(data)
    except msgspec.ValidationError:
        kind = _kinds.decode(data).type
        if kind in _DELTAS:
            raise
        return _Event(type=kind)


def _unsaid(call: ToolCall) -> ToolCall:
    """Return a call as it begins: its arguments are still to come."""
    return msgspec.structs.replace(call, arguments="" if call.free_form else "{}")
