"""Gemini's API as Google offers it."""

import re
from urllib.parse import quote

from pai.budget.price import Tokens
from pai.dialect.conversation import Conversation, Texts, Written
from pai.dialect.gemini.errors import error_text
from pai.dialect.gemini.meter import EventMeter
from pai.dialect.gemini.reader import AnswerReader
from pai.dialect.gemini.reply import read_reply
from pai.dialect.gemini.usage import read_tokens
from pai.dialect.gemini.write import generate_body, resource_of
from pai.dialect.refused import UnreadableError, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import EventReader, Meter, VendorSide

_VERSION = "/v1beta"  # the one that has all that we write
_HAS_VERSION = re.compile(r"/v\d+(?:alpha|beta)?\d*(?:/|$)")


def path_of(base: str, model: str, method: str) -> bytes:
    """Return the path of a model's method, for a base with or without the version in it."""
    version = "" if _HAS_VERSION.search(base) else _VERSION
    return f"{base}{version}/{quote(resource_of(model), safe='/')}:{method}".encode()


def count_target(base: str, model: str) -> bytes:
    """Return the path that counts a prompt."""
    return path_of(base, model, "countTokens")


class GeminiVendor:
    """What Google's APIs have in common: key, figures, stream, errors."""

    name = ""

    def key(self, key: str) -> tuple[bytes, bytes]:
        """Return the header that carries the key."""
        return b"x-goog-api-key", key.encode()

    def tokens(self, body: bytes) -> Tokens | None:
        """Return the figures of a whole answer; None when absent or impossible."""
        return read_tokens(body)

    def meter(self, *, keeps_usage: bool) -> Meter:
        """Return a meter; there is no usage that a client could not have asked for."""
        return EventMeter()

    def reply(self, body: bytes) -> Reply:
        """Read a whole answer. Raises UnreadableError."""
        return read_reply(body)

    def reader(self) -> EventReader:
        """Return a reader for a stream that is translated."""
        return AnswerReader()

    def error_text(self, body: bytes) -> str:
        """Return the message in an error body, bounded; "" when there is none."""
        return error_text(body)


class GenerateVendor(GeminiVendor):
    """See `VendorSide`."""

    name = "gemini.generate"

    def target(self, base: str, model: str, *, stream: bool) -> bytes:
        """Return path and query."""
        if stream:
            return path_of(base, model, "streamGenerateContent") + b"?alt=sse"
        return path_of(base, model, "generateContent")

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Return the request. Raises UnsupportedError naming the field."""
        if isinstance(meaning, Texts):
            raise UnsupportedError("a model that answers embeds nothing", "input")
        return generate_body(meaning, model, cap)

    def vectors(self, body: bytes, model: str) -> Vectors:
        """Raise UnreadableError: there are none."""
        raise UnreadableError("an answer of Gemini's holds no embeddings")


GENERATE_VENDOR: VendorSide = GenerateVendor()
