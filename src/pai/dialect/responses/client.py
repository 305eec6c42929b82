"""The Responses API as agents call it."""

from pai.dialect.openai import error
from pai.dialect.refused import Refused
from pai.dialect.reply import Reply, Vectors
from pai.dialect.responses.events import ResponsesWriter
from pai.dialect.responses.request import ResponsesReading, read_request
from pai.dialect.responses.response import Head, repeated, whole
from pai.dialect.responses.tools import offered
from pai.dialect.sides import Call, Reading


class ResponsesClient:
    """See `ClientSide`."""

    name = "openai.responses"

    def read(self, call: Call) -> ResponsesReading:
        """Read a request. Raises BadRequestError."""
        return read_request(call.body)

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Return a whole answer."""
        fields = _own(reading).fields
        head = Head(reply.id, reply.model or reading.model or "", repeated(fields))
        return whole(reply, head, offered(fields).known)

    def writer(self, reading: Reading) -> ResponsesWriter:
        """Return a writer for the answer to this request."""
        fields = _own(reading).fields
        return ResponsesWriter(reading.model or "", repeated(fields), offered(fields).known)

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type of a stream."""
        return b"text/event-stream; charset=utf-8"

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Raise TypeError: no request of this API asks for embeddings."""
        raise TypeError("the Responses API has no embeddings")

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal, in OpenAI's one shape."""
        return error(refused, message, param)


def _own(reading: Reading) -> ResponsesReading:
    if not isinstance(reading, ResponsesReading):
        raise TypeError("the request is of another dialect")
    return reading


RESPONSES_CLIENT = ResponsesClient()
