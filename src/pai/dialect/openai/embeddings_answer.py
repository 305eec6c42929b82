"""Embeddings, read and written."""

from array import array
from base64 import b64decode, b64encode
from collections.abc import Sequence
from sys import byteorder

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.openai.answer import tokens_of
from pai.dialect.openai.reply_reader import UNREADABLE
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Vectors


class _Entry(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Entry]
    model: str | None = None
    usage: Raw = NULL


_answers = msgspec.json.Decoder(_Answer)


def read_vectors(body: bytes, model: str) -> Vectors:
    """Return the embeddings in the order of the texts. Raises UnreadableError."""
    try:
        found = _answers.decode(body)
        entries = [
            (place if each.index is None else each.index, _floats(each.embedding))
            for place, each in enumerate(found.data)
        ]
    except (*UNREADABLE, ValueError) as error:
        raise UnreadableError(f"it holds no embeddings: {error}") from error
    entries.sort(key=lambda entry: entry[0])
    return Vectors(
        model=found.model or model,
        vectors=tuple(vector for _, vector in entries),
        tokens=tokens_of(found.usage),
    )


def vectors_body(vectors: Vectors, *, base64: bool) -> bytes:
    """Return the answer."""
    data = [
        {"object": "embedding", "index": place, "embedding": _packed(each) if base64 else each}
        for place, each in enumerate(vectors.vectors)
    ]
    spent = vectors.tokens.input if vectors.tokens is not None else 0
    usage = {"prompt_tokens": spent, "total_tokens": spent}
    body = {"object": "list", "data": data, "model": vectors.model, "usage": usage}
    return msgspec.json.encode(body)


def _packed(vector: Sequence[float]) -> str:
    floats = _little_endian(array("f", vector))
    return b64encode(floats.tobytes()).decode()


def _floats(embedding: list[float] | str) -> tuple[float, ...]:
    if not isinstance(embedding, str):
        return tuple(embedding)
    floats = array("f")
    floats.frombytes(b64decode(embedding, validate=True))
    return tuple(_little_endian(floats))


def _little_endian(floats: "array[float]") -> "array[float]":
    if byteorder == "big":
        floats.byteswap()
    return floats
