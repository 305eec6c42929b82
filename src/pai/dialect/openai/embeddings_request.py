"""A request for embeddings, read as far as it matters."""

from typing import Annotated, Literal

import msgspec

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL, Fields, check_names, quoted, read_body
from pai.dialect.conversation import Texts
from pai.dialect.openai.meaning import advice_among
from pai.dialect.refused import BadRequestError, UnsupportedError

_OURS = frozenset({"model", "models", "preset"})
_ADVISORY = frozenset({"user", "metadata", "provider"})
_KNOWN_NAMES = frozenset({"model", "input", "encoding_format", "dimensions"})


class _Known(msgspec.Struct):
    model: str | None = None
    input: str | list[str | int | list[int]] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None


_known = msgspec.json.Decoder(_Known)


class EmbeddingRequest(msgspec.Struct, frozen=True):
    """A request for embeddings, read. texts: None where the input is of tokens.

    base64: how the client wants its floats, as base64 of little-endian float32.
    """

    fields: Fields
    model: str | None
    texts: tuple[str, ...] | None
    dimensions: int | None
    base64: bool
    shape: InputShape
    stream: bool = False
    wants_usage: bool = False
    answers: int = 1
    cap: int = 0  # there is no output

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send; nothing but `model` changes."""
        return msgspec.json.encode({**self.fields, "model": quoted(model)})

    def meaning(self) -> Texts:
        """Return what it means in any dialect. Raises BadRequestError, UnsupportedError."""
        advisory = advice_among(self.fields, _KNOWN_NAMES, _ADVISORY)
        if self.texts is None:
            message = "tokens mean something to OpenAI's models only; send text"
            raise UnsupportedError(message, "input")
        if not self.texts:
            raise BadRequestError("'input' is empty", "input")
        return Texts(texts=self.texts, dimensions=self.dimensions, advisory=tuple(sorted(advisory)))


def read_embedding(body: bytes) -> EmbeddingRequest:
    """Read a request. Raises BadRequestError; see `read_body`."""
    fields, known = read_body(body, _known.decode)
    check_names(fields, _OURS)
    for name in ("models", "preset"):
        if fields.get(name, NULL) != NULL:
            raise BadRequestError(f"'{name}' is not served: send 'model'", name)
    given = known.input or []
    items = [given] if isinstance(given, str) else given
    texts = tuple(each for each in items if isinstance(each, str))
    return EmbeddingRequest(
        fields,
        known.model,
        texts if len(texts) == len(items) else None,
        known.dimensions,
        known.encoding_format == "base64",
        InputShape(len(body), messages=len(items)),
    )
