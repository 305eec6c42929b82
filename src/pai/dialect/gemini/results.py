"""What a tool gave: Google has an object, the other vendors have text.

`{"output": X}`, `{"result": X}` and `{"error": X}` stand for X; any other object is its JSON.
Source: https://ai.google.dev/api/caching#FunctionResponse
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.conversation import Media, Text, ToolResult
from pai.dialect.gemini import wire
from pai.dialect.gemini.files import media_of_blob, media_of_file
from pai.dialect.gemini.shape import listed
from pai.dialect.refused import BadRequestError

OUTPUT, ERROR = "output", "error"
_WRAPPERS = (OUTPUT, "result", ERROR)
_JOINT = "\n\n"
_objects = msgspec.json.Decoder(dict[str, Raw])


def result_of(response: wire.FunctionResponse, call_id: str) -> ToolResult:
    """Return a result. Raises BadRequestError, UnsupportedError."""
    try:
        found = {} if response.response == NULL else _objects.decode(response.response)
    except msgspec.DecodeError as error:
        raise BadRequestError(
            "a functionResponse's 'response' must be an object", "contents"
        ) from error
    parts: list[Text | Media] = [Text(text=text)] if (text := _text(found)) else []
    for part in listed(response.parts):
        if part.inline_data is not None:
            parts.append(media_of_blob(part.inline_data))
        if part.file_data is not None:
            parts.append(media_of_file(part.file_data))
    failed = ERROR in found and len(found) == 1
    return ToolResult(id=call_id, name=response.name, parts=tuple(parts), failed=failed)


def _text(found: dict[str, Raw]) -> str:
    if not found:
        return ""
    name, value = next(iter(found.items()))
    if len(found) > 1 or name not in _WRAPPERS:
        return msgspec.json.encode(found).decode()
    text = bytes(value)
    return str(msgspec.json.decode(text)) if text.startswith(b'"') else text.decode()


def response_of(result: ToolResult) -> object:
    """Return the object for Google: the tool's own where it gave one."""
    text = _JOINT.join(each.text for each in result.parts if isinstance(each, Text))
    if result.failed:
        return {ERROR: text}
    own = own_object(text)
    if own is None or any(name in own for name in _WRAPPERS):
        return {OUTPUT: text}
    return own


def own_object(text: str) -> dict[str, Raw] | None:
    """Return the fields of a text that is a JSON object, None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return _objects.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
