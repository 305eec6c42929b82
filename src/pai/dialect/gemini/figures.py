"""What one piece of a stream tells a meter: how much was said, and what it cost so far."""

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.body import NULL
from pai.dialect.gemini.answer import Feedback
from pai.dialect.gemini.usage import UNREADABLE, more_tokens, tokens_of

_NOT_TEXT = frozenset({"thoughtSignature", "thought"})
_MOST_CANDIDATES = 128


class _Content(msgspec.Struct):
    parts: list[dict[str, Raw]] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    index: int = 0
    finish_reason: Raw = NULL


class _Piece(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Raw = NULL


_pieces = msgspec.json.Decoder(_Piece)


class Figures:
    """See `pai.dialect.sides.Meter` for tokens, text_bytes and complete.

    Each piece brings figures of all that came before it. They are final when
    they come with the end of the last candidate, or after it.
    """

    __slots__ = ("_open", "_seen", "_tokens", "_usage", "complete", "text_bytes")

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._seen = False
        self._usage = NULL
        self._tokens: Tokens | None = None
        self.text_bytes = 0
        self.complete = False

    @property
    def tokens(self) -> Tokens | None:
        """The vendor's last figures, read when they are asked for."""
        if self._usage != NULL:
            self._tokens = more_tokens(self._tokens, self._usage)
            self._usage = NULL
        return self._tokens

    def look(self, data: bytes) -> None:
        """Take in a piece; what can't be read counts by its bytes."""
        if not self.takes(data):
            self.text_bytes += len(data)

    def takes(self, data: bytes) -> bool:
        """Take in what is exactly one piece; say whether it is."""
        try:
            piece = _pieces.decode(data)
        except UNREADABLE:
            return False
        self._take(piece)
        return True

    def _take(self, piece: _Piece) -> None:
        for candidate in piece.candidates or ():
            self._candidate(candidate)
        if piece.prompt_feedback is not None and piece.prompt_feedback.block_reason:
            self._seen = True
        if piece.usage_metadata != NULL:
            self._usage = piece.usage_metadata
            if self._seen and not self._open:
                final = tokens_of(piece.usage_metadata) is not None
                self.complete = self.tokens is not None and (self.complete or final)

    def _candidate(self, candidate: _Candidate) -> None:
        self._seen = True
        said = 0
        for part in (candidate.content.parts if candidate.content else None) or ():
            for name, value in part.items():
                if name not in _NOT_TEXT:
                    size = len(bytes(value))  # a string's quotes don't count, null is nothing
                    said += size - 2 if size > 2 and value != NULL else 0
        self.text_bytes += said
        if candidate.finish_reason != NULL:
            self._open.discard(candidate.index)
        elif (said or not self.complete) and len(self._open) < _MOST_CANDIDATES:
            self._open.add(candidate.index)
            self.complete = False
