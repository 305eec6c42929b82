"""The Messages API as Anthropic, and who imitates it, offers it."""

from pai.budget.price import Tokens
from pai.dialect.anthropic.errors import error_text
from pai.dialect.anthropic.meter import MessagesMeter
from pai.dialect.anthropic.reader import MessagesReader
from pai.dialect.anthropic.reply import read_reply
from pai.dialect.anthropic.usage import read_tokens
from pai.dialect.anthropic.write import write_request
from pai.dialect.conversation import Conversation, Texts, Written
from pai.dialect.refused import UnreadableError, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import VendorSide

_NO_VECTORS = "Anthropic has no embeddings"

VERSION_HEADER = (b"anthropic-version", b"2023-06-01")
"""What a request needs whose client sent none. What we write is of this version: the next one,
2026-10-21, refuses temperature, top_p and top_k, which older models take."""
CLIENT_HEADERS = frozenset({b"anthropic-version", b"anthropic-beta"})
"""Headers of a client of this dialect that say how to read its request; they pass with it."""


class _Messages:
    name = "anthropic.messages"

    def target(self, base: str, model: str, *, stream: bool) -> bytes:
        """Return the path, for a base with or without the version in it."""
        return _path(base).encode()

    def key(self, key: str) -> tuple[bytes, bytes]:
        """Return the header that carries the key."""
        return b"x-api-key", key.encode()

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Return the request. Raises UnsupportedError naming the field."""
        if isinstance(meaning, Texts):
            raise UnsupportedError(_NO_VECTORS, "input")
        return write_request(meaning, model, cap)

    def tokens(self, body: bytes) -> Tokens | None:
        """Return the figures of a whole answer; None when absent or impossible."""
        return read_tokens(body)

    def meter(self, *, keeps_usage: bool) -> MessagesMeter:
        """Return a meter; there is no usage that a client could not have asked for."""
        return MessagesMeter()

    def reply(self, body: bytes) -> Reply:
        """Read a whole answer. Raises UnreadableError."""
        return read_reply(body)

    def reader(self) -> MessagesReader:
        """Return a reader for a stream that is translated."""
        return MessagesReader()

    def vectors(self, body: bytes, model: str) -> Vectors:
        """Raise UnreadableError: there are none."""
        raise UnreadableError(_NO_VECTORS)

    def error_text(self, body: bytes) -> str:
        """Return the message in an error body, bounded; "" when there is none."""
        return error_text(body)


def _path(base: str) -> str:
    return base.rstrip("/").removesuffix("/v1") + "/v1/messages"


def count_target(base: str) -> bytes:
    """Return the path that counts a prompt."""
    return f"{_path(base)}/count_tokens".encode()


MESSAGES_VENDOR: VendorSide = _Messages()
