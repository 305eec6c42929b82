"""What of a chat request costs input tokens."""

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL

_DATA = "data:"
_IMAGE = "data:image/"
_LIST = ord("[")


class _ImageUrl(msgspec.Struct):
    url: str = ""


class _Part(msgspec.Struct):
    type: str = ""
    image_url: _ImageUrl | str | None = None


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


_parts = msgspec.json.Decoder(list[_Part | str])

_CLIENTS_OWN = frozenset({"", "function", "custom"})
_COUNTED_AS_TEXT = frozenset({"text", "input_text", "refusal", "input_audio", "thinking"})


def input_shape(length: int, request: Counted) -> InputShape:
    """Return the shape of a request whose body is `length` bytes long.

    Raises msgspec.DecodeError when a message's parts are not of the right kind.
    """
    text, images, unbounded = length, 0, 0
    messages = request.messages or ()
    for message in messages:
        if memoryview(message.content)[0] == _LIST:
            inline, pictures, others = _parts_of(message.content)
            text, images, unbounded = text - inline, images + pictures, unbounded + others
    unbounded += (request.web_search_options != NULL) + (request.plugins != NULL)
    for tool in request.tools or ():
        unbounded += tool.type not in _CLIENTS_OWN
    tools = len(request.tools or ()) + len(request.functions or ())
    return InputShape(text, len(messages), tools, images, unbounded)


def _parts_of(content: Raw) -> tuple[int, int, int]:
    """Return bytes of inline image data, number of images, number of unbounded parts."""
    inline = images = unbounded = 0
    for part in _parts.decode(content):
        if isinstance(part, str) or part.type in _COUNTED_AS_TEXT:
            continue
        if part.type != "image_url":
            unbounded += 1
            continue
        image = part.image_url
        url = image.url if isinstance(image, _ImageUrl) else image or ""
        if url.startswith(_DATA) and not url.startswith(_IMAGE):
            unbounded += 1  # a document or film in an image's clothes
            continue
        images += 1
        if url.startswith(_DATA):
            inline += len(url)
    return inline, images, unbounded
