"""Embeddings, both sides.

Google has a path for one text and a path for several, with answers of different shapes; a client of
one of them passes through to the same one only. A translated request always goes to the second.
Source: https://ai.google.dev/api/embeddings
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.conversation import Conversation, Texts, Written
from pai.dialect.gemini.client import JSON_TYPE
from pai.dialect.gemini.embed_request import BATCH, EmbedRequest, read_embed
from pai.dialect.gemini.errors import error
from pai.dialect.gemini.usage import UNREADABLE, tokens_of, usage_of
from pai.dialect.gemini.vendor import GeminiVendor, path_of
from pai.dialect.gemini.write import resource_of
from pai.dialect.refused import Refused, UnreadableError, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import Call, ClientSide, EventWriter, Reading, VendorSide


class _Embedding(msgspec.Struct):
    values: list[float] = []


class _Answer(msgspec.Struct, rename="camel"):
    embedding: _Embedding | None = None
    embeddings: list[_Embedding] | None = None
    usage_metadata: Raw = NULL


_answers = msgspec.json.Decoder(_Answer)


class EmbedClient:
    """See `ClientSide`; for both of the client's paths."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, call: Call) -> EmbedRequest:
        """Read a request. Raises BadRequestError."""
        return read_embed(call)

    def reply(self, reply: Reply, reading: Reading) -> bytes:
        """Refuse: texts to embed never mean a conversation."""
        raise TypeError("texts to embed are not answered with a conversation")

    def writer(self, reading: Reading) -> EventWriter:
        """Refuse: embeddings are never streamed."""
        raise TypeError("embeddings are not streamed")

    def stream_type(self, reading: Reading) -> bytes:
        """Return the content type; there are no streams."""
        return JSON_TYPE

    def vectors(self, vectors: Vectors, reading: Reading) -> bytes:
        """Return embeddings, in the shape of the client's path."""
        assert isinstance(reading, EmbedRequest)
        shown = [{"values": each} for each in vectors.vectors]
        body: dict[str, object] = {"embeddings": shown}
        if reading.requests is None:
            body = {"embedding": shown[0] if shown else {"values": []}}
        if vectors.tokens is not None:
            spent = usage_of(vectors.tokens)
            body["usageMetadata"] = {
                name: spent[name] for name in ("promptTokenCount", "totalTokenCount")
            }
        return msgspec.json.encode(body)

    def error(self, refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
        """Return status and body of a refusal."""
        return error(refused, message, param)


class EmbedVendor(GeminiVendor):
    """See `VendorSide`; for one of the vendor's paths. method: the path's own."""

    def __init__(self, name: str, method: str) -> None:
        self.name, self._method = name, method

    def target(self, base: str, model: str, *, stream: bool) -> bytes:
        """Return the path."""
        return path_of(base, model, self._method)

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Return the request for several texts. Raises UnsupportedError naming the field."""
        if isinstance(meaning, Conversation):
            raise UnsupportedError("an embedding model answers nothing", "messages")
        manner: dict[str, object] = {"model": resource_of(model)}
        if meaning.task:
            manner["taskType"] = meaning.task
        if meaning.title:
            manner["title"] = meaning.title
        if meaning.dimensions is not None:
            manner["outputDimensionality"] = meaning.dimensions
        requests = [{**manner, "content": {"parts": [{"text": each}]}} for each in meaning.texts]
        body = msgspec.json.encode({"requests": requests})
        return Written(body, tuple(sorted(set(meaning.advisory))))

    def vectors(self, body: bytes, model: str) -> Vectors:
        """Read embeddings, whichever path they are from. Raises UnreadableError."""
        try:
            found = _answers.decode(body)
        except UNREADABLE as error:
            raise UnreadableError(f"it holds no embeddings: {error}") from error
        embeddings = found.embeddings
        if embeddings is None:
            if found.embedding is None:
                raise UnreadableError("it holds no embeddings")
            embeddings = [found.embedding]
        vectors = tuple(tuple(each.values) for each in embeddings)
        return Vectors(model=model, vectors=vectors, tokens=tokens_of(found.usage_metadata))


EMBED_CLIENT: ClientSide = EmbedClient("gemini.embed")
EMBED_VENDOR: VendorSide = EmbedVendor("gemini.embed", BATCH)
EMBED_ONE_CLIENT: ClientSide = EmbedClient("gemini.embed_one")
EMBED_ONE_VENDOR: VendorSide = EmbedVendor("gemini.embed_one", "embedContent")
