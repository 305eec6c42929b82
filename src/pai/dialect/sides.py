"""The two sides of a dialect, as the gateway uses them.

A client side reads what agents send and writes what they get. A vendor side writes what a vendor
is sent and reads what it answers. Where both are of one dialect nothing is translated: the client's
own bytes go (`Reading.body_for`), and the vendor's own come back past a `Meter`.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from pai.budget.estimate import InputShape
from pai.budget.price import Tokens
from pai.budget.value import Value
from pai.dialect.conversation import Conversation, Texts, Written
from pai.dialect.refused import Refused
from pai.dialect.reply import Event, Reply, Vectors

NO_QUERY: Final[Mapping[str, str]] = {}


class Call(Value):
    """A client's request. model: the one that the path names, None where the body does.

    method: the path's, e.g. `streamGenerateContent`. query: decoded, the last value counts.
    """

    __slots__ = ("body", "method", "model", "query")

    def __init__(
        self,
        body: bytes,
        model: str | None = None,
        method: str = "",
        query: Mapping[str, str] = NO_QUERY,
    ) -> None:
        self.body: Final = body
        self.model: Final = model
        self.method: Final = method
        self.query: Final = query

    def parts(self) -> tuple[object, ...]:
        """See `Value`."""
        return (self.body, self.model, self.method, self.query)


class Reading(Protocol):
    """A client's request, read as far as routing and budgets need it; read once, used each attempt.

    model: None when absent. cap: the client's own output cap, the highest where it gave several.
    answers: how many it wants. stream: whether as a stream.
    """

    @property
    def model(self) -> str | None:
        """Name of the model as asked for."""
        ...

    @property
    def stream(self) -> bool:
        """Whether the answer is to come as a stream."""
        ...

    @property
    def answers(self) -> int:
        """How many answers are wanted."""
        ...

    @property
    def cap(self) -> int | None:
        """The client's own output cap."""
        ...

    @property
    def wants_usage(self) -> bool:
        """Whether a stream's usage is to be passed on: asked for, or always part of it."""
        ...

    @property
    def shape(self) -> InputShape:
        """What of it costs input tokens."""
        ...

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body for a vendor of the same dialect: model, cap and usage opt-in changed.

        cap_field: spelling of the cap, when the client gave none and the vendor has several.
        """
        ...

    def meaning(self) -> Conversation | Texts:
        """Return what it means, for a vendor of another dialect.

        Raises BadRequestError for what is not of the dialect's shape, UnsupportedError for what
        has a meaning that no other dialect has (stored state, files by id, tools of the vendor's).
        """
        ...


class EventWriter(Protocol):
    """Writes a stream for a client."""

    def write(self, event: Event) -> bytes:
        """Return the bytes for one event, may be none."""
        ...

    def finish(self) -> bytes:
        """Return what ends the stream after the last event; after `Broken` too."""
        ...


class ClientSide(Protocol):
    """One API as agents call it. name: `openai.chat`, as in the docs' matrix."""

    name: str

    def read(self, call: Call) -> Reading:
        """Read a request. Raises BadRequestError."""
        ...

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Return a whole answer. Only for requests that mean a `Conversation`."""
        ...

    def writer(self, reading: Reading) -> EventWriter:
        """Return a writer for the answer to this request."""
        ...

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type of a stream."""
        ...

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Return embeddings. Only for requests that mean `Texts`."""
        ...

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal."""
        ...


class Meter(Protocol):
    """Reads usage from a vendor's stream that passes through as it is.

    text_bytes is a bound of the tokens of the output seen.
    """

    @property
    def tokens(self) -> Tokens | None:
        """The vendor's last figures."""
        ...

    @property
    def text_bytes(self) -> int:
        """Bytes of output seen."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the vendor has given its final figures."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those to pass on."""
        ...

    def finish(self) -> bytes:
        """Return what was held back; the stream is at its end."""
        ...


class EventReader(Protocol):
    """Reads a vendor's stream as events. Its figures are a `Meter`'s."""

    @property
    def tokens(self) -> Tokens | None:
        """The vendor's last figures."""
        ...

    @property
    def text_bytes(self) -> int:
        """Bytes of output seen."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the vendor has given its final figures."""
        ...

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes, cut anywhere; return the events that are whole.

        Raises UnreadableError.
        """
        ...

    def finish(self) -> list[Event]:
        """Return the last events; the stream is at its end. A cut one yields `Broken`."""
        ...


class VendorSide(Protocol):
    """One API as a vendor offers it."""

    name: str

    def target(self, base: str, model: str, *, stream: bool) -> bytes:
        """Return path and query. base: path of the binding's endpoint, no slash at its end."""
        ...

    def key(self, key: str) -> tuple[bytes, bytes]:
        """Return the header that carries the vendor's key."""
        ...

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Return the request. Raises UnsupportedError naming the field."""
        ...

    def tokens(self, body: bytes) -> Tokens | None:
        """Return the figures of a whole answer; None when they are absent or can't be true."""
        ...

    def meter(self, *, keeps_usage: bool) -> Meter:
        """Return a meter for a stream that passes through."""
        ...

    def reply(self, body: bytes) -> Reply:
        """Read a whole answer. Raises UnreadableError."""
        ...

    def reader(self) -> EventReader:
        """Return a reader for a stream that is translated."""
        ...

    def vectors(self, body: bytes, model: str) -> Vectors:
        """Read embeddings. Raises UnreadableError."""
        ...

    def error_text(self, body: bytes) -> str:
        """Return the message in a vendor's error body, bounded; "" when there is none."""
        ...
