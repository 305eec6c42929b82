"""A stream of Gemini's, read as events: each of its events is a whole answer's next piece.

Texts of one kind that follow each other are one part; a call comes whole. A signature ends the
part that it comes with, so that what follows is not taken for signed.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.body import NULL
from pai.dialect.conversation import Text, Thinking, ToolCall, Vendor
from pai.dialect.gemini.answer import (
    Answer,
    Call,
    Candidate,
    Part,
    answers,
    failure_of,
    logprobs_of,
    made_id,
    stop_of,
)
from pai.dialect.gemini.errors import error_text, may_pass
from pai.dialect.gemini.usage import UNREADABLE, more_tokens, tokens_of
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
    Stop,
    TokenLogprob,
)
from pai.dialect.sse import Events

_EARLY = Broken("the vendor's stream ended before the answer did")
_MOST_CHOICES = 128


class _Choice:
    """One candidate. open: what is being told of it; part: its number."""

    __slots__ = ("calls", "ended", "index", "name", "open", "part")

    def __init__(self, index: int, name: str) -> None:
        self.index, self.name = index, name
        self.part = -1
        self.calls = 0
        self.open: type[Text] | type[Thinking] | None = None
        self.ended = False

    def read(
        self, parts: Iterable[Part], logprobs: tuple[TokenLogprob, ...], out: list[Event]
    ) -> int:
        """Take in parts; return the bytes of output that they hold."""
        seen = 0
        for part in parts:
            if part.function_call is not None:
                seen += self._call(part.function_call, part.thought_signature or "", out)
                continue
            text, seal = part.text, part.thought_signature
            if text:
                kind: type[Text] | type[Thinking] = Thinking if part.thought else Text
                if self.open is not kind:
                    self._begin(kind, out)
                out.append(Delta(self.index, self.part, text, "", logprobs))
                logprobs = ()
                seen += len(text) if text.isascii() else len(text.encode())
            if seal:
                self._sign(seal, thought=bool(part.thought and text), out=out)
        return seen

    def close(self, out: list[Event]) -> None:
        """End the part that is being told."""
        if self.open is not None:
            self.open = None
            out.append(PartEnded(self.index, self.part))

    def _begin(self, kind: type[Text] | type[Thinking], out: list[Event]) -> None:
        begun = Text(text="") if kind is Text else Thinking(vendor="gemini")
        self._put(begun, out)
        self.open = kind

    def _put(self, begun: Text | Thinking | ToolCall, out: list[Event]) -> None:
        self.close(out)
        self.part += 1
        out.append(PartBegun(self.index, self.part, begun))

    def _sign(self, seal: str, *, thought: bool, out: list[Event]) -> None:
        if thought:
            out.append(Delta(self.index, self.part, seal=seal))
            self.close(out)
            return
        self._put(Thinking(seal=seal, vendor="gemini", hidden=True), out)
        out.append(PartEnded(self.index, self.part))

    def _call(self, call: Call, seal: str, out: list[Event]) -> int:
        call_id = call.id or made_id(self.name, self.index, self.calls)
        self.calls += 1
        vendor: Vendor | Literal[""] = "gemini" if seal else ""
        self._put(ToolCall(id=call_id, name=call.name, arguments="", seal=seal, vendor=vendor), out)
        arguments = call.arguments
        out.append(Delta(self.index, self.part, arguments))
        out.append(PartEnded(self.index, self.part))
        return len(call.name) + len(arguments.encode())


class AnswerReader:
    """See `EventReader`."""

    def __init__(self) -> None:
        self._events = Events()
        self._choices: dict[int, _Choice] = {}
        self._running = 0
        self._id: str | None = None
        self._usage = NULL
        self._tokens: Tokens | None = None
        self._over = False
        self.text_bytes = 0
        self.complete = False

    @property
    def tokens(self) -> Tokens | None:
        """The vendor's last figures, read when they are asked for: each piece brings some."""
        if self._usage != NULL:
            self._tokens = more_tokens(self._tokens, self._usage)
            self._usage = NULL
        return self._tokens

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
        if not self._over:
            if self._running or not self._choices:
                out.append(_EARLY)
            elif not self.complete and self.tokens is not None:
                out.append(Counted(self.tokens))
        self._over = True
        return out

    def _read(self, data: bytes, out: list[Event]) -> None:
        if self._over:
            return
        try:
            piece = answers.decode(data)
        except UNREADABLE as error:
            raise UnreadableError(f"an event is not an answer of Gemini's: {error}") from error
        if piece.error != NULL:
            self._over = True
            message = error_text(data) or "the vendor reports an error without a message"
            out.append(Broken(message, may_pass(data)))
            return
        self._take(piece, out)

    def _take(self, piece: Answer, out: list[Event]) -> None:
        if self._id is None:
            self._id = piece.response_id or ""
            out.append(Begun(self._id, piece.model_version or ""))
        for candidate in piece.candidates or ():
            self._candidate(candidate, out)
        if piece.blocked and not self._choices:
            blocked = self._choices[0] = _Choice(0, self._id)
            blocked.ended = True
            out.append(Ended(0, Stop.FILTER))
        if piece.usage_metadata != NULL:
            self._count(piece.usage_metadata, out)

    def _count(self, usage: Raw, out: list[Event]) -> None:
        """Take figures; those that come with or after the last end are final."""
        self._usage = usage
        if self._running or not self._choices or tokens_of(usage) is None:
            return
        told, tokens = self._tokens if self.complete else None, self.tokens
        self.complete = True
        if tokens is not None and tokens != told and not self._over:
            out.append(Counted(tokens))

    def _candidate(self, candidate: Candidate, out: list[Event]) -> None:
        choice = self._choices.get(candidate.index)
        if choice is None:
            if len(self._choices) >= _MOST_CHOICES:
                raise UnreadableError(f"it holds more than {_MOST_CHOICES} candidates")
            choice = self._choices[candidate.index] = _Choice(candidate.index, self._id or "")
            self._running += 1
        if self._over or choice.ended:
            return
        if candidate.content is not None and candidate.content.parts:
            likely = candidate.logprobs_result
            logprobs = logprobs_of(likely) if likely is not None else ()
            self.text_bytes += choice.read(candidate.content.parts, logprobs, out)
        if candidate.finish_reason:
            self._end(choice, candidate, out)

    def _end(self, choice: _Choice, candidate: Candidate, out: list[Event]) -> None:
        choice.close(out)
        choice.ended = True
        self._running -= 1
        failure = failure_of(candidate, said=choice.part >= 0)
        if failure:
            self._over = True
            out.append(Broken(failure))
            return
        stop = stop_of(candidate.finish_reason or "", calls=choice.calls > 0)
        out.append(Ended(choice.index, stop))
