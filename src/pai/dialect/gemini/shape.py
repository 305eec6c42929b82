"""What of a request costs input tokens. Both spellings of a name are looked at."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL

_IMAGE, _TEXT = "image/", "text/"
_T = TypeVar("_T")
_DECLARATIONS = ("functionDeclarations", "function_declarations")


class _Blob(msgspec.Struct, rename={"camel_type": "mimeType"}):
    camel_type: str = ""
    mime_type: str = ""
    data: str = ""


class _Response(msgspec.Struct):
    parts: "list[_Part] | _Part | None" = None


_PART = {"inline": "inlineData", "file": "fileData", "response": "functionResponse"}


class _Part(msgspec.Struct, rename=_PART):
    inline: _Blob | None = None
    inline_data: _Blob | None = None
    file: Raw = NULL
    file_data: Raw = NULL
    response: _Response | None = None
    function_response: _Response | None = None


class Content(msgspec.Struct):
    """One content; a list of one may come without the list around it."""

    parts: list[_Part] | _Part | None = None


_Tools = list[dict[str, Raw]] | dict[str, Raw] | None


class Counted(msgspec.Struct, rename={"system": "systemInstruction", "cached": "cachedContent"}):
    """The fields of a request that cost input tokens."""

    contents: list[Content] | Content | None = None
    system: Content | None = None
    system_instruction: Content | None = None
    tools: _Tools = None
    cached: Raw = NULL
    cached_content: Raw = NULL


class _Media:
    """Counts media. inline: bytes of image data that are not text."""

    def __init__(self) -> None:
        self.inline = self.images = self.unbounded = 0

    def look(self, parts: Iterable[_Part]) -> None:
        """Count what parts hold."""
        for part in parts:
            for blob in (part.inline, part.inline_data):
                if blob is not None:
                    self._blob(blob)
            self.unbounded += (part.file != NULL) + (part.file_data != NULL)
            for response in (part.response, part.function_response):
                if response is not None and response.parts is not None:
                    self.look(listed(response.parts))

    def _blob(self, blob: _Blob) -> None:
        kinds = [each for each in (blob.camel_type, blob.mime_type) if each]
        if kinds and all(each.startswith(_IMAGE) for each in kinds):
            self.images += 1
            self.inline += len(blob.data)
        elif not kinds or not all(each.startswith(_TEXT) for each in kinds):
            self.unbounded += 1


def listed(value: list[_T] | _T | None) -> list[_T]:
    """Return a list; one element may come without the list around it."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def input_shape(length: int, request: Counted) -> InputShape:
    """Return the shape of a request whose body is `length` bytes long.

    Raises msgspec.DecodeError when declarations are not a list.
    """
    contents = listed(request.contents)
    media = _Media()
    for content in (*contents, request.system, request.system_instruction):
        if content is not None and content.parts is not None:
            media.look(listed(content.parts))
    functions, others = _tools(listed(request.tools))
    cached = (request.cached != NULL) + (request.cached_content != NULL)
    unbounded = media.unbounded + others + cached
    text = length - media.inline
    return InputShape(text, len(contents), functions, media.images, unbounded)


def _tools(tools: Iterable[dict[str, Raw]]) -> tuple[int, int]:
    """Return the number of functions, and of tools that the vendor runs."""
    functions = others = 0
    for tool in tools:
        for name, value in tool.items():
            if value == NULL:
                continue
            if name in _DECLARATIONS:
                functions += len(listed(_declarations.decode(value)))
            else:
                others += 1
    return functions, others


_declarations = msgspec.json.Decoder(list[dict[str, Raw]] | dict[str, Raw])
