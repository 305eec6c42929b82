"""What of a chat request costs input tokens."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape

_DATA = "data:"
_NULL = Raw(b"null")


class _ImageUrl(msgspec.Struct):
    url: str = ""


class _Part(msgspec.Struct):
    type: str = ""
    image_url: _ImageUrl | str | None = None


class _Message(msgspec.Struct):
    content: Raw = _NULL


_messages = msgspec.json.Decoder(list[_Message] | None)
_parts = msgspec.json.Decoder(list[_Part | str])
_items = msgspec.json.Decoder(list[Raw] | None)

_COUNTED_AS_TEXT = frozenset({"text", "input_text", "refusal", "input_audio", "thinking"})
_SERVER_SIDE = ("web_search_options", "plugins")  # the vendor adds text we don't see


def input_shape(length: int, fields: Mapping[str, Raw]) -> InputShape:
    """Return the shape of a request whose body is `length` bytes long.

    Raises msgspec.DecodeError when messages or tools are not lists of the right kind.
    """
    messages = _messages.decode(fields["messages"]) if "messages" in fields else None
    text, images, unbounded = length, 0, 0
    for message in messages or ():
        if bytes(message.content).startswith(b"["):
            inline, pictures, others = _parts_of(message.content)
            text, images, unbounded = text - inline, images + pictures, unbounded + others
    unbounded += sum(1 for name in _SERVER_SIDE if fields.get(name, _NULL) != _NULL)
    return InputShape(text, len(messages or ()), _tools(fields), images, unbounded)


def _parts_of(content: Raw) -> tuple[int, int, int]:
    """Return bytes of inline image data, number of images, number of unbounded parts."""
    inline = images = unbounded = 0
    for part in _parts.decode(content):
        if isinstance(part, str) or part.type in _COUNTED_AS_TEXT:
            continue
        if part.type != "image_url":
            unbounded += 1
            continue
        images += 1
        image = part.image_url
        url = image.url if isinstance(image, _ImageUrl) else image or ""
        if url.startswith(_DATA):
            inline += len(url)
    return inline, images, unbounded


def _tools(fields: Mapping[str, Raw]) -> int:
    return sum(
        len(_items.decode(fields[name]) or ()) for name in ("tools", "functions") if name in fields
    )
