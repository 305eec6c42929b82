"""Embeddings, both sides.

Source: https://platform.openai.com/docs/api-reference/embeddings/create
"""

import msgspec

from pai.dialect.conversation import Conversation, Texts, Written
from pai.dialect.openai.client import EVENT_STREAM
from pai.dialect.openai.embeddings_answer import read_vectors, vectors_body
from pai.dialect.openai.embeddings_request import EmbeddingRequest, read_embedding
from pai.dialect.openai.errors import error
from pai.dialect.openai.vendor import OpenAIVendor
from pai.dialect.refused import Refused, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call, ClientSide, EventWriter, Reading, VendorSide


class EmbeddingsClient:
    """See `ClientSide`."""

    name = "openai.embeddings"

    def read(self, call: Call) -> EmbeddingRequest:
        """Read a request. Raises BadRequestError."""
        return read_embedding(call.body)

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Refuse: texts to embed never mean a conversation."""
        raise TypeError("texts to embed are not answered with a conversation")

    def writer(self, reading: Reading) -> EventWriter:
        """Refuse: embeddings are never streamed."""
        raise TypeError("embeddings are not streamed")

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type of a stream."""
        return EVENT_STREAM

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Return embeddings."""
        assert isinstance(reading, EmbeddingRequest)
        return vectors_body(vectors, base64=reading.base64)

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal."""
        return error(refused, message, param)


class EmbeddingsVendor(OpenAIVendor):
    """See `VendorSide`."""

    name = "openai.embeddings"
    path = b"/embeddings"

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Return the request. Raises UnsupportedError naming the field."""
        if isinstance(meaning, Conversation):
            raise UnsupportedError("an embedding model answers nothing", "messages")
        request: dict[str, object] = {"model": model, "input": meaning.texts}
        if meaning.dimensions is not None:
            request["dimensions"] = meaning.dimensions
        hints = {"taskType": meaning.task, "title": meaning.title}
        dropped = {*meaning.advisory, *(name for name, value in hints.items() if value)}
        return Written(msgspec.json.encode(request), tuple(sorted(dropped)))

    def vectors(self, body: bytes, model: str) -> Vectors:
        """Read embeddings. Raises UnreadableError."""
        return read_vectors(body, model)


EMBEDDINGS_CLIENT: ClientSide = EmbeddingsClient()
EMBEDDINGS_VENDOR: VendorSide = EmbeddingsVendor()
