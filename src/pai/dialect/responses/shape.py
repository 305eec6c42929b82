"""What of a Responses request costs input tokens, and whether it leans on stored state."""

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL

_DATA = b'"data:'
_LIST = ord("[")
_BRACKETS = (_LIST, ord("{"))
_TEXT = frozenset(
    {"input_text", "output_text", "text", "refusal", "summary_text", "reasoning_text"}
)
_IMAGE = frozenset({"input_image", "computer_screenshot"})
_OWN_TOOLS = frozenset({"function", "custom", "namespace"})
"""Tools that the client runs and describes in full; for any other the vendor adds text."""


class _Part(msgspec.Struct):
    type: str = ""
    image_url: Raw = NULL


class _Tool(msgspec.Struct):
    type: str = ""
    execution: str | None = None
    tools: list[Raw] | None = None


class Item(msgspec.Struct):
    """One item of the input; content and output: text or parts, unread."""

    type: str | None = None
    id: str | None = None
    content: Raw = NULL
    output: Raw = NULL
    encrypted_content: Raw = NULL
    tools: list[_Tool] | None = None


class Counted(msgspec.Struct):
    """The fields that cost input tokens."""

    input: str | list[Item] | None = None
    tools: list[_Tool] | None = None
    previous_response_id: str | None = None
    conversation: Raw = NULL
    prompt: Raw = NULL
    background: bool | None = None
    context_management: list[Raw] | None = None


_parts = msgspec.json.Decoder(list[_Part | str])
_part = msgspec.json.Decoder(_Part)


def stored_state(request: Counted) -> str:
    """Return the field that needs what the vendor has stored, or would store; "" if none does."""
    if request.previous_response_id:
        return "previous_response_id"
    if request.conversation != NULL:
        return "conversation"
    if request.prompt != NULL:
        return "prompt"
    if isinstance(request.input, list):
        for item in request.input:
            if item.type == "item_reference" or (item.type is None and item.content == NULL):
                return "item_reference"
    return ""


def input_shapes(length: int, request: Counted, state: str) -> tuple[InputShape, InputShape]:
    """Return the shape of a request whose body is `length` bytes long, and that of its translation.

    What a translation leaves out (the vendor's tools, its store, its care for the context) costs
    nothing there; all else may. state: as `stored_state` says.
    Raises msgspec.DecodeError when parts are not of the right kind.
    """
    text, images, messages, parts = length, 0, 1, 0
    unbounded = bool(state) + bool(request.context_management)
    tools, foreign = _tools(request.tools)
    if isinstance(request.input, list):
        messages = len(request.input)
        for item in request.input:
            more, own = _tools(item.tools)
            tools, foreign = tools + more, foreign + own
            if item.type == "reasoning" and item.id and item.encrypted_content == NULL:
                unbounded += 1  # the vendor takes the text from its store
            for value in (item.content, item.output):
                first = memoryview(value)[0]
                if first in _BRACKETS:
                    inline, pictures, others = _parts_of(value, first)
                    text, images = text - inline, images + pictures
                    parts += others
    counts = (text, messages, tools, images)
    return InputShape(*counts, unbounded + foreign + parts), InputShape(*counts, parts)


def _tools(tools: list[_Tool] | None) -> tuple[int, int]:
    """Return the number of tools, and of those to which the vendor adds text."""
    count = foreign = 0
    for tool in tools or ():
        count += 1 + len(tool.tools or ())
        foreign += not (tool.type in _OWN_TOOLS or tool.execution == "client")
    return count, foreign


def _parts_of(value: Raw, first: int) -> tuple[int, int, int]:
    """Return bytes of inline image data, number of images, number of unbounded parts."""
    inline = images = unbounded = 0
    for part in _parts.decode(value) if first == _LIST else [_part.decode(value)]:
        if isinstance(part, str) or part.type in _TEXT:
            continue
        if part.type not in _IMAGE:
            unbounded += 1
            continue
        images += 1
        url = memoryview(part.image_url)
        if url[: len(_DATA)] == _DATA:
            inline += len(url) - 2
    return inline, images, unbounded
