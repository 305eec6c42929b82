"""What of a chat request costs input tokens."""

from typing import Final

from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL
from pai.dialect.openai.request_shape import PARTS, Counted, ImageUrl

_DATA: Final = "data:"
_IMAGE: Final = "data:image/"
_LIST: Final = ord("[")
_CLIENTS_OWN: Final = frozenset({"", "function", "custom"})
_COUNTED_AS_TEXT: Final = frozenset({"text", "input_text", "refusal", "input_audio", "thinking"})


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
    for part in PARTS.decode(content):
        if isinstance(part, str) or part.type in _COUNTED_AS_TEXT:
            continue
        if part.type != "image_url":
            unbounded += 1
            continue
        image = part.image_url
        url = image.url if isinstance(image, ImageUrl) else image or ""
        if url.startswith(_DATA) and not url.startswith(_IMAGE):
            unbounded += 1  # a document or film in an image's clothes
            continue
        images += 1
        if url.startswith(_DATA):
            inline += len(url)
    return inline, images, unbounded
