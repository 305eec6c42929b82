"""The parts of a message or a tool's result, read."""

import re

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.conversation import Media, Text
from pai.dialect.refused import BadRequestError, UnsupportedError

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)
_SOUNDS = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_TEXTS = frozenset({"input_text", "output_text", "text", "reasoning_text", "summary_text"})
_TYPES_BY_ENDING = {
    "csv": "text/csv",
    "json": "application/json",
    "md": "text/markdown",
    "txt": "text/plain",
}
_PDF = "application/pdf"
_QUOTE = ord('"')


class _Sound(msgspec.Struct):
    data: str = ""
    format: str = ""


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""
    refusal: str = ""
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: _Sound | None = None
    prompt_cache_breakpoint: Raw = NULL


_parts = msgspec.json.Decoder(list[_Part])
_string = msgspec.json.Decoder(str)


def parts_of(content: Raw, place: str) -> tuple[Text | Media, ...]:
    """Return a string, or a list of parts, as parts; place: names it in errors.

    Raises BadRequestError, UnsupportedError.
    """
    if content == NULL:
        return ()
    try:
        if memoryview(content)[0] == _QUOTE:
            text = _string.decode(content)
            return (Text(text=text),) if text else ()
        parts = _parts.decode(content)
    except msgspec.DecodeError as error:
        raise BadRequestError(f"{place}: {error}", "input") from error
    return tuple(_read(part, place) for part in parts)


def texts_of(content: Raw, place: str) -> tuple[Text, ...]:
    """Return the parts of what may hold text only. Raises BadRequestError, UnsupportedError."""
    texts = []
    for part in parts_of(content, place):
        if isinstance(part, Media):
            raise UnsupportedError(f"{place}: only text is served here", "input")
        texts.append(part)
    return tuple(texts)


def _read(part: _Part, place: str) -> Text | Media:
    cache = part.prompt_cache_breakpoint != NULL
    if part.type in _TEXTS:
        return Text(text=part.text, cache=cache)
    if part.type == "refusal":
        return Text(text=part.refusal)
    if part.file_id:
        raise UnsupportedError(
            f"{place}: a file is known by its id to one vendor only; send it inline", "input"
        )
    if part.type == "input_image":
        return _image(part, place, cache=cache)
    if part.type == "input_file":
        return _file(part, place, cache=cache)
    if part.type == "input_audio" and part.input_audio is not None:
        kind = _SOUNDS.get(part.input_audio.format, "")
        return Media(sort="audio", media_type=kind, data=part.input_audio.data)
    raise UnsupportedError(f"{place}: '{part.type}' has no translation", "input")


def _image(part: _Part, place: str, *, cache: bool) -> Media:
    url, detail = part.image_url or "", part.detail or ""
    if not url:
        raise BadRequestError(f"{place}: an image has no 'image_url'", "input")
    detail = "" if detail == "auto" else detail
    match = _DATA_URL.match(url)
    if match is None:
        return Media(sort="image", url=url, detail=detail, cache=cache)
    data = url[match.end() :]
    return Media(sort="image", media_type=match[1], data=data, detail=detail, cache=cache)


def _file(part: _Part, place: str, *, cache: bool) -> Media:
    name = part.filename or ""
    if part.file_url:
        return Media(sort="file", url=part.file_url, name=name, cache=cache)
    data = part.file_data or ""
    if not data:
        raise BadRequestError(f"{place}: a file has no 'file_data' and no 'file_url'", "input")
    match = _DATA_URL.match(data)
    if match is not None:
        kind, data = match[1], data[match.end() :]
    else:
        kind = _TYPES_BY_ENDING.get(name.rpartition(".")[2].lower(), _PDF)
    return Media(sort="file", media_type=kind, data=data, name=name, cache=cache)
