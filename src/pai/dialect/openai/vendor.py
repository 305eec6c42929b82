"""Chat completions as OpenAI offers them, and the many servers that follow it."""

from pai.dialect.conversation import Conversation, Texts, Written
from pai.dialect.openai.answer import read_tokens
from pai.dialect.openai.chunk_reader import ChunkReader
from pai.dialect.openai.conversation_writer import chat_body
from pai.dialect.openai.errors import error_text
from pai.dialect.openai.reply_reader import read_reply
from pai.dialect.openai.stream import StreamMeter
from pai.dialect.refused import UnreadableError, UnsupportedError
from pai.dialect.reply import Reply, Vectors
from pai.dialect.sides import EventReader, Meter, VendorSide


class OpenAIVendor:
    """What OpenAI's older APIs have in common: path, key, figures, stream, errors.

    None of them is written or read here: an API that is only passed through needs no more.
    """

    name = ""
    path = b""
    tokens = staticmethod(read_tokens)

    def target(self, base: str, model: str, *, stream: bool) -> bytes:
        """Return the path."""
        return base.encode() + self.path

    def key(self, key: str) -> tuple[bytes, bytes]:
        """Return the header that carries the vendor's key."""
        return b"authorization", b"Bearer " + key.encode()

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Raise UnsupportedError."""
        raise UnsupportedError(f"{self.name} serves nothing but its own requests")

    def meter(self, *, keeps_usage: bool) -> Meter:
        """Return a meter for a stream that passes through."""
        return StreamMeter(keeps_usage=keeps_usage)

    def reply(self, body: bytes) -> Reply:
        """Raise UnreadableError."""
        raise UnreadableError(f"an answer of {self.name} is no conversation's")

    def reader(self) -> EventReader:
        """Raise UnreadableError."""
        raise UnreadableError(f"a stream of {self.name} is no conversation's")

    def vectors(self, body: bytes, model: str) -> Vectors:
        """Raise UnreadableError."""
        raise UnreadableError(f"an answer of {self.name} holds no embeddings")

    def error_text(self, body: bytes) -> str:
        """Return the message in a vendor's error body."""
        return error_text(body)


class ChatVendor(OpenAIVendor):
    """See `VendorSide`."""

    name = "openai.chat"
    path = b"/chat/completions"

    def write(self, meaning: Conversation | Texts, model: str, cap: int) -> Written:
        """Return the request. Raises UnsupportedError naming the field."""
        if isinstance(meaning, Texts):
            raise UnsupportedError("a chat model embeds nothing", "input")
        return chat_body(meaning, model, cap)

    def reply(self, body: bytes) -> Reply:
        """Read a whole answer. Raises UnreadableError."""
        return read_reply(body)

    def reader(self) -> EventReader:
        """Return a reader for a stream that is translated."""
        return ChunkReader()


CHAT_VENDOR: VendorSide = ChatVendor()
