"""Answers as Google's clients ask for them."""

from pai.dialect.gemini.errors import error
from pai.dialect.gemini.reply import reply_body
from pai.dialect.gemini.request import GenerateRequest, read_request
from pai.dialect.gemini.writer import PieceWriter
from pai.dialect.refused import Refused
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call, ClientSide, Reading

EVENT_STREAM = b"text/event-stream"
JSON_TYPE = b"application/json"


class GenerateClient:
    """See `ClientSide`."""

    name = "gemini.generate"

    def read(self, call: Call) -> GenerateRequest:
        """Read a request. Raises BadRequestError."""
        return read_request(call)

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Return a whole answer."""
        return reply_body(reply)

    def writer(self, reading: Reading) -> PieceWriter:
        """Return a writer for the answer to this request."""
        assert isinstance(reading, GenerateRequest)
        return PieceWriter(sse=reading.sse)

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type of a stream: without `alt=sse` it is a JSON array."""
        assert isinstance(reading, GenerateRequest)
        return EVENT_STREAM if reading.sse else JSON_TYPE

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Refuse: a request for an answer never means texts to embed."""
        raise TypeError("a request for an answer is not answered with embeddings")

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal."""
        return error(refused, message, param)


GENERATE_CLIENT: ClientSide = GenerateClient()
