"""Content parts of a chat message, read: text, images, sound, files."""

from collections.abc import Iterable

from pai.dialect.body import NULL
from pai.dialect.conversation import Media, Text, Thinking
from pai.dialect.openai.wire import Content, File, ImageUrl, Part
from pai.dialect.refused import BadRequestError, UnsupportedError

FIELD = "messages"
_DATA = "data:"
_BASE64 = ";base64"
_TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
    "html": "text/html",
}


def read_content(content: Content) -> list[Text | Media | Thinking]:
    """Return the parts of a message's content. Raises BadRequestError, UnsupportedError."""
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    return [_read_part(each) for each in content or ()]


def read_shown(content: Content) -> tuple[Text | Media, ...]:
    """Return the parts of content that may hold no thoughts."""
    parts = read_content(content)
    return tuple(each for each in parts if not isinstance(each, Thinking))


def read_texts(content: Content) -> list[Text]:
    """Return the parts of content that may be text only. Raises BadRequestError."""
    parts = read_content(content)
    texts = [each for each in parts if isinstance(each, Text)]
    if len(texts) != len(parts):
        raise BadRequestError("instructions may hold nothing but text", FIELD)
    return texts


def _read_part(part: Part | str) -> Text | Media | Thinking:
    if isinstance(part, str):
        return Text(text=part)
    cache = part.cache_control != NULL or part.prompt_cache_breakpoint != NULL
    words = part.refusal if part.type == "refusal" else part.text
    if part.type in ("text", "input_text", "output_text", "refusal") and words is not None:
        return Text(text=words, cache=cache)
    if part.type == "thinking":
        return Thinking(text=_thinking(part.thinking))
    if part.type == "image_url" and part.image_url is not None:
        return _media("image", part.image_url, cache=cache)
    if part.type == "video_url" and part.video_url is not None:
        return _media("video", part.video_url, cache=cache)
    if part.type == "input_audio" and part.input_audio is not None:
        sound = part.input_audio
        kind = f"audio/{sound.format}"
        return Media(sort="audio", media_type=kind, data=sound.data, cache=cache)
    if part.type == "file" and part.file is not None:
        return _file(part.file, cache=cache)
    raise _strange(part.type)


def _strange(kind: str) -> BadRequestError:
    if kind in ("text", "refusal", "image_url", "video_url", "input_audio", "file"):
        return BadRequestError(f"a part of type '{kind}' lacks its '{kind}'", FIELD)
    return UnsupportedError(f"this model's vendor has no content part of type '{kind}'", FIELD)


def _thinking(thinking: str | Iterable[Part] | None) -> str:
    if thinking is None or isinstance(thinking, str):
        return thinking or ""
    return "".join(each.text or "" for each in thinking)


def _media(sort: str, link: ImageUrl | str, *, cache: bool) -> Media:
    url, detail = (link, None) if isinstance(link, str) else (link.url, link.detail)
    kind, data = split_data_url(url) if url.startswith(_DATA) else ("", "")
    return Media(
        sort="video" if sort == "video" else "image",
        media_type=kind,
        data=data,
        url="" if data else url,
        detail=detail or "",
        cache=cache,
    )


def _file(file: File, *, cache: bool) -> Media:
    name = file.filename or ""
    data = file.file_data or ""
    if not data:
        message = "this model's vendor has no files of OpenAI's; send 'file_data' instead of an id"
        raise UnsupportedError(message, FIELD)
    if data.startswith(("https://", "http://")):
        return Media(sort="file", url=data, name=name, cache=cache)
    if data.startswith(_DATA):
        kind, data = split_data_url(data)
    else:
        kind = _TYPES.get(name.rpartition(".")[2].lower(), "")
    if not kind:
        message = "say of what type the file is: file_data as 'data:TYPE;base64,...'"
        raise BadRequestError(message, FIELD)
    return Media(sort="file", media_type=kind, data=data, name=name, cache=cache)


def split_data_url(url: str) -> tuple[str, str]:
    """Return media type and base64 text of a `data:` URL. Raises BadRequestError.

    Source: RFC 2397.
    """
    head, comma, data = url[len(_DATA) :].partition(",")
    if not comma or not data or not head.endswith(_BASE64):
        raise BadRequestError("a data: URL must be of the form 'data:TYPE;base64,...'", FIELD)
    return head[: -len(_BASE64)].partition(";")[0] or "text/plain", data
