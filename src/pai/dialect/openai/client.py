"""Chat completions as agents call them."""

from typing import Final

from pai.dialect.openai.chunk_writer import ChunkWriter
from pai.dialect.openai.errors import error
from pai.dialect.openai.reply_writer import reply_body
from pai.dialect.openai.request import ChatRequest, read_request
from pai.dialect.openai.tools import shown_calls
from pai.dialect.refused import Refused
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call, ClientSide, EventWriter, Reading

EVENT_STREAM: Final = b"text/event-stream"


class ChatClient:
    """See `ClientSide`."""

    name = "openai.chat"

    def read(self, call: Call) -> ChatRequest:
        """Read a request. Raises BadRequestError."""
        return read_request(call.body)

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Return a whole answer."""
        assert isinstance(reading, ChatRequest)
        return reply_body(reply, shown_calls(reading.fields))

    def writer(self, reading: Reading) -> EventWriter:
        """Return a writer for the answer to this request."""
        assert isinstance(reading, ChatRequest)
        return ChunkWriter(wants_usage=reading.wants_usage, shown=shown_calls(reading.fields))

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type of a stream."""
        return EVENT_STREAM

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Refuse: a chat request never means texts to embed."""
        raise TypeError("a chat request is not answered with embeddings")

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal."""
        return error(refused, message, param)


CHAT_CLIENT: Final[ClientSide] = ChatClient()
