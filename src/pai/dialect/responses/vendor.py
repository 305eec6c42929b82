"""The Responses API as OpenAI offers it, and those who follow it.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from pai.budget.price import Tokens
from pai.dialect.conversation import Conversation, Texts, Written
from pai.dialect.openai import error_text
from pai.dialect.refused import UnreadableError, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.responses.answer import read_reply
from pai.dialect.responses.meter import ResponsesMeter
from pai.dialect.responses.reader import ResponsesReader
from pai.dialect.responses.usage import read_tokens
from pai.dialect.responses.write import request_body


class ResponsesVendor:
    """See `VendorSide`."""

    name = "openai.responses"

    def target(self, base: str, model: str, *, stream: bool) -> bytes:
        """Return the path, one for all models."""
        return f"{base}/responses".encode()

    def key(self, key: str) -> tuple[bytes, bytes]:
        """Return the header that carries the vendor's key."""
        return b"authorization", b"Bearer " + key.encode()

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Return the request. Raises UnsupportedError naming the field."""
        if isinstance(meaning, Texts):
            raise UnsupportedError("OpenAI's Responses API has no embeddings", "input")
        return request_body(meaning, model, cap)

    def tokens(self, body: bytes) -> Tokens | None:
        """Return the figures of a whole answer; None when they are absent or can't be true."""
        return read_tokens(body)

    def meter(self, *, keeps_usage: bool) -> ResponsesMeter:
        """Return a meter for a stream that passes through."""
        return ResponsesMeter()

    def reply(self, body: bytes) -> Reply:
        """Read a whole answer. Raises UnreadableError."""
        return read_reply(body)

    def reader(self) -> ResponsesReader:
        """Return a reader for a stream that is translated."""
        return ResponsesReader()

    def vectors(self, body: bytes, model: str) -> Vectors:
        """Raise UnreadableError: no answer of this API holds embeddings."""
        raise UnreadableError("the Responses API has no embeddings")

    def error_text(self, body: bytes) -> str:
        """Return the message in a vendor's error body, bounded; "" when there is none."""
        return error_text(body)


RESPONSES_VENDOR = ResponsesVendor()
