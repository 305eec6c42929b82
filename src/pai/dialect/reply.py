"""What an answer means, whichever API it came from: whole, or as the events of a stream.

A vendor dialect reads its answer into these, a client dialect writes them out again.
"""

from enum import Enum

import msgspec

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall


class Stop(Enum):
    """Why the model stopped."""

    END = "end"
    LENGTH = "length"
    TOOL = "tool"
    SEQUENCE = "sequence"
    FILTER = "filter"
    """The vendor withheld the answer, or what was left of it."""
    REFUSAL = "refusal"
    """The model itself declined."""
    PAUSE = "pause"
    """The turn is not over: send it back to go on (Anthropic's `pause_turn`)."""


class TokenLogprob(msgspec.Struct, frozen=True):
    """Log probability of one token. top: the likeliest at its place, itself among them or not."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. stop None: the vendor did not say. sequence: the stop sequence that was met."""

    parts: tuple[Text | Thinking | ToolCall, ...] = ()
    stop: Stop | None = None
    sequence: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. model: as the vendor names it. tokens None: it gave no figures to believe."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    tokens: Tokens | None = None


# Events of a stream, in this order: Begun; for each part PartBegun, its deltas, PartEnded; Ended
# for each choice; Counted any number of times, the last one counts. Broken ends it early.
# `part` numbers the parts of a choice from 0; parts of one choice never overlap.


class Begun(msgspec.Struct, frozen=True):
    """The vendor has begun to answer."""

    id: str
    model: str


class PartBegun(msgspec.Struct, frozen=True):
    """A part begins; `begun` holds what is known of it so far (a call's id and name, a seal)."""

    choice: int
    part: int
    begun: Text | Thinking | ToolCall


class Delta(msgspec.Struct, frozen=True):
    """More of a part: text, thought, or a call's arguments as JSON text. seal: once, for it all."""

    choice: int
    part: int
    text: str = ""
    seal: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


class PartEnded(msgspec.Struct, frozen=True):
    """A part is whole."""

    choice: int
    part: int


class Ended(msgspec.Struct, frozen=True):
    """A choice is whole."""

    choice: int
    stop: Stop | None
    sequence: str = ""


class Counted(msgspec.Struct, frozen=True):
    """The vendor's figures so far, of the whole answer."""

    tokens: Tokens


class Broken(msgspec.Struct, frozen=True):
    """The vendor reports a failure in the middle of its stream. overloaded: it may pass."""

    message: str
    overloaded: bool = False


Event = Begun | PartBegun | Delta | PartEnded | Ended | Counted | Broken


class Vectors(msgspec.Struct, frozen=True, kw_only=True):
    """Embeddings, in the order of the texts."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    tokens: Tokens | None = None
