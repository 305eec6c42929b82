"""What of a chat request is looked at: shapes for the decoders, no code."""

from typing import Annotated

import msgspec
from msgspec import Raw

from pai.dialect.body import MOST_CAP, NULL

MOST_ANSWERS = 128


class ImageUrl(msgspec.Struct):
    """The object form of a picture's address."""

    url: str = ""


class Part(msgspec.Struct):
    """One part of a message's content."""

    type: str = ""
    image_url: ImageUrl | str | None = None


class Tool(msgspec.Struct):
    """One tool; of a type that is not the client's own, the vendor runs it."""

    type: str = ""


class Message(msgspec.Struct):
    """One message; content: a string or a list of parts, unread."""

    content: Raw = NULL


class Counted(msgspec.Struct):
    """The fields of a chat request that cost input tokens."""

    messages: list[Message] | None = None
    tools: list[Tool] | None = None
    functions: list[Raw] | None = None
    web_search_options: Raw = NULL  # the vendor adds text we don't see
    plugins: Raw = NULL


class StreamOptions(msgspec.Struct):
    """include_usage: the client wants the figures at the end of the stream."""

    include_usage: bool | None = None


class Known(Counted):
    """What is looked at, checked in the one pass that reads it."""

    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=MOST_ANSWERS)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=MOST_CAP)] | None = None
    max_completion_tokens: Annotated[int, msgspec.Meta(ge=1, le=MOST_CAP)] | None = None


PARTS = msgspec.json.Decoder(list[Part | str])
KNOWN = msgspec.json.Decoder(Known)
