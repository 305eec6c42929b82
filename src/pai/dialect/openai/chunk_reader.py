"""A stream of chat chunks, read as events."""

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.body import NULL
from pai.dialect.openai.answer import tokens_of
from pai.dialect.openai.choice_reader import ChoiceReader
from pai.dialect.openai.endings import Logprobs, logprobs_of, stop_of
from pai.dialect.openai.errors import error_text
from pai.dialect.openai.reply_reader import UNREADABLE, Answer, sequence_of
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Begun, Broken, Counted, Ended, Event, Stop
from pai.dialect.sse import Events

_DONE = b"[DONE]"
_EARLY = Broken("the vendor's stream ended before the answer did")
_MOST_CHOICES = 128


class _Choice(msgspec.Struct):
    index: int = 0
    delta: Answer | None = None
    finish_reason: str | None = None
    stop_reason: Raw = NULL
    logprobs: Logprobs | None = None
    error: Raw = NULL


class _Chunk(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Raw = NULL
    error: Raw = NULL


class _Failure(msgspec.Struct):
    code: int | str | None = None
    type: str | None = None


class _Failed(msgspec.Struct):
    error: _Failure


_chunks = msgspec.json.Decoder(_Chunk)
_failures = msgspec.json.Decoder(_Failed)
_MAY_PASS = frozenset({429, 503, 529, "429", "503", "529", "rate_limit_exceeded"})


class ChunkReader:
    """See `EventReader`."""

    def __init__(self) -> None:
        self._events = Events()
        self._choices: dict[int, ChoiceReader] = {}
        self._id: str | None = None
        self._over = False
        self._silent = False
        self.tokens: Tokens | None = None
        self.text_bytes = 0
        self.complete = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes; return the events that are whole. Raises UnreadableError."""
        out: list[Event] = []
        for data in self._events.feed(chunk):
            self._read(data, out)
        return out

    def finish(self) -> list[Event]:
        """Return the last events; a stream that ended early yields `Broken`."""
        out: list[Event] = []
        for data in self._events.finish():
            try:
                self._read(data, out)
            except UnreadableError:  # cut in the middle of an event
                self.text_bytes += len(data)
        choices = self._choices.values()
        if not self._over and not (choices and all(each.ended for each in choices)):
            out.append(_EARLY)
        self._over = True
        return out

    def _read(self, data: bytes, out: list[Event]) -> None:
        if self._over:
            return
        if data.startswith(_DONE):
            self._done(out)
            return
        try:
            chunk = _chunks.decode(data)
        except UNREADABLE as error:
            raise UnreadableError(f"an event is not a chunk of a chat: {error}") from error
        if chunk.error != NULL:
            self._break(data, out)
            return
        if self._id is None:
            self._id = chunk.id or ""
            out.append(Begun(self._id, chunk.model or ""))
        for choice in chunk.choices or ():
            self._choice(choice, out)
        if chunk.usage != NULL:
            self._count(chunk, out)

    def _choice(self, choice: _Choice, out: list[Event]) -> None:
        reader = self._choices.get(choice.index)
        if reader is None:
            if len(self._choices) >= _MOST_CHOICES:
                raise UnreadableError(f"it holds more than {_MOST_CHOICES} choices")
            name = f"{self._id}_{choice.index}"
            reader = self._choices[choice.index] = ChoiceReader(choice.index, name)
        if choice.error != NULL:
            self._break(b'{"error":%b}' % bytes(choice.error), out)
        if self._over or reader.ended:
            return
        if choice.delta is not None:
            likely = logprobs_of(choice.logprobs) if choice.logprobs else ()
            seen = reader.read(choice.delta, likely, out)
            self.text_bytes += seen
            self._silent = self._silent and not seen
        if choice.finish_reason:
            self._end(choice, reader, out)

    def _end(self, choice: _Choice, reader: ChoiceReader, out: list[Event]) -> None:
        self._silent = True
        reader.finish(out)
        sequence = sequence_of(choice.stop_reason)
        stop = stop_of(
            choice.finish_reason, calls=reader.called, refused=reader.refused, sequence=sequence
        )
        met = sequence if stop is Stop.SEQUENCE else ""
        out.append(Ended(choice.index, stop, met))

    def _count(self, chunk: _Chunk, out: list[Event]) -> None:
        """Take figures; they are final once nothing more is said after an end."""
        tokens = tokens_of(chunk.usage)
        if tokens is None:
            return
        if self.tokens is None or tokens.total >= self.tokens.total:
            self.tokens = tokens
        self.complete = self.complete or self._silent or not chunk.choices
        out.append(Counted(self.tokens))

    def _done(self, out: list[Event]) -> None:
        self._over = True
        if not self._choices:
            out.append(_EARLY)
        for index, reader in self._choices.items():
            if not reader.ended:  # some servers never say why they stop
                reader.finish(out)
                stop = stop_of(None, calls=reader.called, refused=reader.refused, sequence="")
                out.append(Ended(index, stop))

    def _break(self, data: bytes, out: list[Event]) -> None:
        self._over = True
        message = error_text(data) or "the vendor reports an error without a message"
        try:
            failure = _failures.decode(data).error
        except UNREADABLE:
            failure = _Failure()
        may_pass = failure.code in _MAY_PASS or "overloaded" in (failure.type or "")
        out.append(Broken(message, may_pass))
