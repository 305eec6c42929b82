"""From a client's messages to what they mean."""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from pai.dialect.anthropic import blocks as wire
from pai.dialect.anthropic.foreign import open_data
from pai.dialect.anthropic.shape import Block as AnyBlock
from pai.dialect.anthropic.shape import Message as AnyMessage
from pai.dialect.body import NULL
from pai.dialect.conversation import Media, Part, Text, Thinking, ToolCall, ToolResult, Turn
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.seal import open_id

_BRACE = ord("{")
_messages = msgspec.json.Decoder(list[wire.Message])
_any_messages = msgspec.json.Decoder(list[AnyMessage])


class Read(msgspec.Struct):
    """What messages mean. system: what the system said before anyone spoke.

    advisory: names of what is advice, and has no place here.
    """

    turns: list[Turn] = []
    system: list[Text] = []
    advisory: set[str] = set()


def read_turns(messages: Raw) -> Read:
    """Return what messages mean. Raises BadRequestError, UnsupportedError."""
    try:
        found = _messages.decode(messages)
    except msgspec.ValidationError as error:
        _refuse_unknown(_any_messages.decode(messages))
        raise BadRequestError(f"messages: {error}", "messages") from error
    read = Read()
    users = [place for place, message in enumerate(found) if message.role == "user"]
    for place, message in enumerate(found):
        if message.role == "system":
            shown = message.clear_at != "next_user_message" or not users or users[-1] < place
            _add_system(read, message, shown=shown)
        else:
            _add_turn(read, message)
    return read


def _refuse_unknown(messages: Iterable[AnyMessage]) -> None:
    """Refuse a type of content that only Anthropic has, by its name."""
    pending: list[AnyBlock] = []
    for message in messages:
        if isinstance(message.content, list):
            pending += message.content
    while pending:
        block = pending.pop()
        if block.type not in wire.TYPES:
            kind = block.type[:64]
            raise UnsupportedError(f"content of type '{kind}' is Anthropic's own", "messages")
        if block.type == "tool_result" and isinstance(block.content, list):
            pending += block.content


def _add_system(read: Read, message: wire.Message, *, shown: bool) -> None:
    """Take in a word of the system: first of all it is an instruction, later a word in its place.

    Elsewhere only the user can speak in the middle of a conversation.
    """
    if message.output_config != NULL:
        read.advisory.add("messages.output_config")
    if not shown or not message.content:
        return
    parts: list[Part] = []
    for each in _content(message):
        if not isinstance(each, wire.TextBlock):
            raise BadRequestError("messages: a system message holds text only", "messages")
        parts.append(text_of(each, read.advisory))
    if read.turns:
        read.turns.append(Turn("user", tuple(parts)))
    else:
        read.system += [each for each in parts if isinstance(each, Text)]


def _add_turn(read: Read, message: wire.Message) -> None:
    parts: list[Part] = []
    for block in _content(message):
        parts += _parts_of(block, read.advisory)
    if message.role == "assistant":
        read.turns.append(Turn("assistant", tuple(parts)))
    elif message.role == "user":
        read.turns.append(Turn("user", tuple(parts)))
    else:
        raise BadRequestError(f"messages: there is no role '{message.role[:64]}'", "messages")


def _content(message: wire.Message) -> list[wire.Block]:
    if isinstance(message.content, str):
        return [wire.TextBlock(text=message.content)] if message.content else []
    return message.content or []


def _parts_of(block: wire.Block, advisory: set[str]) -> list[Part]:
    cache = block.cache_control is not None
    match block:
        case wire.ThinkingBlock():
            vendor, seal = open_data(block.signature)
            return [Thinking(text=block.thinking, seal=seal, vendor=vendor)]
        case wire.RedactedBlock():
            vendor, seal = open_data(block.data)
            return [Thinking(seal=seal, vendor=vendor, hidden=True)]
        case wire.ToolUseBlock():
            return [_call(block, cache=cache)]
        case wire.ToolResultBlock():
            content = [wire.TextBlock(text=block.content)] if isinstance(block.content, str) else []
            pieces = block.content if isinstance(block.content, list) else content
            parts: list[Text | Media] = []
            for piece in pieces:
                parts += _shown(piece, advisory)
            call_id, _, _ = open_id(block.tool_use_id)
            failed = bool(block.is_error)
            return [ToolResult(id=call_id, parts=tuple(parts), failed=failed, cache=cache)]
        case _:
            return list(_shown(block, advisory))


def _call(block: wire.ToolUseBlock, *, cache: bool) -> ToolCall:
    if block.toolset_name is not None or (block.caller and block.caller.type != "direct"):
        raise UnsupportedError("a call by a tool of Anthropic's own has no place here", "messages")
    arguments = bytes(block.input)
    if arguments[0] != _BRACE:
        raise BadRequestError("messages: the input of a tool_use must be an object", "messages")
    call_id, vendor, seal = open_id(block.id)
    return ToolCall(
        id=call_id,
        name=block.name,
        arguments=arguments.decode(),
        seal=seal,
        vendor=vendor or "",
        cache=cache,
    )


def _shown(block: wire.ResultBlock, advisory: set[str]) -> list[Text | Media]:
    cache = block.cache_control is not None
    match block:
        case wire.TextBlock():
            return [text_of(block, advisory)]
        case wire.ImageBlock():
            return [_image(block, cache=cache)]
        case wire.DocumentBlock():
            _refuse_citations(block.citations)
            return _document(block, advisory, cache=cache)
        case wire.SearchResultBlock():
            _refuse_citations(block.citations)
            found = "\n".join(each.text for each in block.content)
            return [Text(text=f"{block.title}\n{block.source}\n{found}", cache=cache)]
        case _:  # all tools are given from the start
            return [Text(text=f"tool '{block.tool_name}' is at hand", cache=cache)]


def text_of(block: wire.TextBlock, advisory: set[str]) -> Text:
    """Return a text block's text; what the vendor once cited for it stays behind."""
    if block.citations:
        advisory.add("citations")
    return Text(text=block.text, cache=block.cache_control is not None)


def _refuse_citations(citations: wire.Citations | None) -> None:
    if citations is not None and citations.enabled:
        raise UnsupportedError("only Anthropic cites documents in its answers", "citations")


def _image(block: wire.ImageBlock, *, cache: bool) -> Media:
    match block.source:
        case wire.Base64Source(data=data, media_type=kind):
            return Media(sort="image", media_type=kind, data=data, cache=cache)
        case wire.UrlSource(url=url):
            return Media(sort="image", url=url, cache=cache)
        case _:
            raise _held()


def _held() -> UnsupportedError:
    return UnsupportedError("a file by its id is known to Anthropic only; send it inline", "source")


def _document(block: wire.DocumentBlock, advisory: set[str], *, cache: bool) -> list[Text | Media]:
    about = [each for each in (block.title, block.context) if each]
    name = block.title or ""
    match block.source:
        case wire.Base64Source(data=data, media_type=kind):
            file = Media(sort="file", media_type=kind, data=data, name=name, cache=cache)
        case wire.UrlSource(url=url):
            kind = "application/pdf"
            file = Media(sort="file", media_type=kind, url=url, name=name, cache=cache)
        case wire.TextSource(data=data):
            return [Text(text="\n".join([*about, data]), cache=cache)]
        case wire.ContentSource(content=content):
            pieces = [wire.TextBlock(text=content)] if isinstance(content, str) else content
            parts: list[Text | Media] = [Text(text=each) for each in about]
            for piece in pieces:
                parts += _shown(piece, advisory)
            return parts
        case _:
            raise _held()
    context: list[Text | Media] = [Text(text=block.context)] if block.context else []
    return [*context, file]
