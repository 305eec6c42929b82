"""The Messages API as agents call it."""

from pai.dialect.anthropic.errors import refusal
from pai.dialect.anthropic.reply import write_reply
from pai.dialect.anthropic.request import MessagesRequest, read_request
from pai.dialect.anthropic.writer import MessagesWriter
from pai.dialect.refused import Refused
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call, ClientSide, Reading


class _Messages:
    name = "anthropic.messages"

    def read(self, call: Call) -> MessagesRequest:
        """Read a request; the query (`beta=true`) changes nothing. Raises BadRequestError."""
        return read_request(call.body)

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Return a whole answer."""
        return write_reply(reply)

    def writer(self, reading: Reading) -> MessagesWriter:
        """Return a writer for the answer to this request."""
        return MessagesWriter()

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type of a stream."""
        return b"text/event-stream; charset=utf-8"

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Raise: no request of this dialect asks for embeddings."""
        raise TypeError("there are no embeddings in the Messages API")

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal."""
        return refusal(refused, message, param)


MESSAGES_CLIENT: ClientSide = _Messages()
