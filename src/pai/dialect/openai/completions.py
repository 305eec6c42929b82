"""Legacy completions, both sides: passed through where the vendor has them, else translated."""

from pai.dialect.openai.client import EVENT_STREAM
from pai.dialect.openai.completions_request import CompletionRequest, read_completion
from pai.dialect.openai.completions_writer import CompletionWriter, completion_body
from pai.dialect.openai.errors import error
from pai.dialect.openai.vendor import OpenAIVendor
from pai.dialect.refused import Refused
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call, ClientSide, EventWriter, Reading, VendorSide


class CompletionsClient:
    """See `ClientSide`."""

    name = "openai.completions"

    def read(self, call: Call) -> CompletionRequest:
        """Read a request. Raises BadRequestError."""
        return read_completion(call.body)

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Return a whole answer."""
        return completion_body(reply)

    def writer(self, reading: Reading) -> EventWriter:
        """Return a writer for the answer to this request."""
        return CompletionWriter(wants_usage=reading.wants_usage)

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type of a stream."""
        return EVENT_STREAM

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Refuse: a completion request never means texts to embed."""
        raise TypeError("a completion request is not answered with embeddings")

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal."""
        return error(refused, message, param)


class CompletionsVendor(OpenAIVendor):
    """See `VendorSide`."""

    name = "openai.completions"
    path = b"/completions"


COMPLETIONS_CLIENT: ClientSide = CompletionsClient()
COMPLETIONS_VENDOR: VendorSide = CompletionsVendor()
