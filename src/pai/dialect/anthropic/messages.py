"""Write a conversation's turns as Anthropic wants them.

It wants turns to alternate, tool results first in theirs, no empty text, ids of letters, digits,
`-` and `_`, and no more than four cache marks.
Source: https://platform.claude.com/docs/en/api/messages/create
"""

import re
from base64 import b64decode, urlsafe_b64encode
from binascii import Error

import msgspec
from msgspec import Raw

from pai.dialect.conversation import Media, Part, Text, Thinking, ToolCall, ToolResult, Turn
from pai.dialect.refused import BadRequestError, UnsupportedError

Written = dict[str, object]

_MOST_MARKS = 4
_LEGAL_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF = "application/pdf"
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml"})
_objects = msgspec.json.Decoder(dict[str, Raw])


class Marks:
    """Cache marks in the order of the prompt; the last four are worth the most."""

    def __init__(self) -> None:
        self._marked: list[Written] = []

    def put(self, block: Written, *, cache: bool) -> Written:
        """Mark a block if it is to be cached; return it."""
        if cache:
            block["cache_control"] = {"type": "ephemeral"}
            self._marked.append(block)
        return block

    def trim(self) -> bool:
        """Take away what is too much; return whether there was any."""
        extra = self._marked[:-_MOST_MARKS]
        for block in extra:
            del block["cache_control"]
        return bool(extra)


def merged(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Return turns that alternate and say something, tool results first; last text is trimmed.

    Thoughts of other vendors are left out: they mean nothing to Anthropic.
    """
    found: list[tuple[Turn, list[Part]]] = []
    for turn in turns:
        parts = [part for part in turn.parts if _says_something(part)]
        if not parts:
            continue
        if found and found[-1][0].role == turn.role:
            found[-1][1].extend(parts)
        else:
            found.append((turn, parts))
    if found and found[-1][0].role == "assistant" and isinstance(found[-1][1][-1], Text):
        last = found[-1][1][-1]
        found[-1][1][-1] = msgspec.structs.replace(last, text=last.text.rstrip())
    return tuple(
        Turn(turn.role, tuple(sorted(parts, key=lambda part: not isinstance(part, ToolResult))))
        for turn, parts in found
    )


def _says_something(part: Part) -> bool:
    if isinstance(part, Text):
        return bool(part.text.strip())
    if isinstance(part, Thinking):
        return part.vendor == "anthropic" and bool(part.seal)
    return True


def messages_of(turns: tuple[Turn, ...], marks: Marks) -> list[Written]:
    """Return the messages. Raises UnsupportedError."""
    return [
        {"role": turn.role, "content": [_block(part, turn.role, marks) for part in turn.parts]}
        for turn in turns
    ]


def _block(part: Part, role: str, marks: Marks) -> Written:
    match part:
        case Text():
            return marks.put({"type": "text", "text": part.text}, cache=part.cache)
        case Media():
            if role == "assistant":
                raise UnsupportedError("Anthropic's models answer with text only", "messages")
            return marks.put(_media(part), cache=part.cache)
        case Thinking():  # a thought can't be marked
            if part.hidden:
                return {"type": "redacted_thinking", "data": part.seal}
            return {"type": "thinking", "thinking": part.text, "signature": part.seal}
        case ToolCall():
            call: Written = {"type": "tool_use", "id": legal_id(part.id), "name": part.name}
            call["input"] = arguments_of(part)
            return marks.put(call, cache=part.cache)
        case _:
            return marks.put(_result(part, marks), cache=part.cache)


def _result(part: ToolResult, marks: Marks) -> Written:
    result: Written = {"type": "tool_result", "tool_use_id": legal_id(part.id)}
    content = []
    for each in part.parts:
        if isinstance(each, Media):
            content.append(marks.put(_media(each), cache=each.cache))
        elif each.text.strip():
            content.append(marks.put({"type": "text", "text": each.text}, cache=each.cache))
    if content:
        result["content"] = content
    if part.failed:
        result["is_error"] = True
    return result


def legal_id(call_id: str) -> str:
    """Return an id that Anthropic takes; the same for the same, and for no other."""
    if _LEGAL_ID.match(call_id):
        return call_id
    return "toolu_x" + urlsafe_b64encode(call_id.encode()).decode().rstrip("=")


def arguments_of(call: ToolCall) -> Raw:
    """Return a call's arguments as an object; what is none becomes the field `input`."""
    if not call.arguments.strip() and not call.free_form:
        return Raw(b"{}")
    if not call.free_form:
        try:
            _objects.decode(call.arguments)
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            return Raw(call.arguments.encode())
    return Raw(msgspec.json.encode({"input": call.arguments}))


def _media(media: Media) -> Written:
    if media.file_id:
        raise UnsupportedError("a file by another vendor's id is unknown to Anthropic", "messages")
    if media.sort == "image":
        if media.url:
            return {"type": "image", "source": {"type": "url", "url": media.url}}
        if media.media_type not in _IMAGES:
            kind = media.media_type[:64]
            raise UnsupportedError(f"Anthropic takes no images of type '{kind}'", "messages")
        return {"type": "image", "source": _inline(media)}
    if media.sort != "file":
        raise UnsupportedError(f"Anthropic's models take no {media.sort}", "messages")
    document: Written = {"type": "document", "source": _document(media)}
    if media.name:
        document["title"] = media.name
    return document


def _document(media: Media) -> Written:
    if media.url:
        return {"type": "url", "url": media.url}
    if media.media_type == _PDF:
        return _inline(media)
    if not (media.media_type.startswith("text/") or media.media_type in _TEXTS):
        kind = media.media_type[:64]
        raise UnsupportedError(f"Anthropic takes no files of type '{kind}'", "messages")
    try:
        text = b64decode(media.data, validate=True).decode()
    except (Error, ValueError) as error:
        raise BadRequestError("a text file is not base64 of UTF-8", "messages") from error
    return {"type": "text", "media_type": "text/plain", "data": text}


def _inline(media: Media) -> Written:
    return {"type": "base64", "media_type": media.media_type, "data": media.data}
