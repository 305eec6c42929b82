"""What of a Messages request costs input tokens."""

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL

_AS_TEXT = frozenset(
    {"text", "thinking", "redacted_thinking", "tool_use", "tool_reference", "search_result"}
)
# The vendor adds up to two thousand tokens for one of these: as many as for so many tools.
_TYPED_TOOL = 128
_TYPED = ("bash_", "text_editor_", "memory_", "computer_2024", "computer_2025")


class Source(msgspec.Struct):
    """Where an image or a document comes from."""

    type: str = ""
    data: str = ""
    content: "str | list[Block] | None" = None


class Block(msgspec.Struct):
    """A piece of content, of whatever type; only what costs is looked at."""

    type: str = ""
    source: Source | str | None = None
    content: "str | list[Block] | dict[str, Raw] | None" = None


class Message(msgspec.Struct):
    """One message."""

    content: str | list[Block] | None = None


class ToolHead(msgspec.Struct):
    """A tool; type: None or `custom` for the client's own."""

    type: str | None = None


class Counted(msgspec.Struct):
    """The fields of a Messages request that cost input tokens."""

    messages: list[Message] | None = None
    tools: list[ToolHead] | None = None
    mcp_servers: list[Raw] | None = None
    container: Raw = NULL
    compaction: Raw = NULL
    context_management: Raw = NULL


class _Sums:
    __slots__ = ("images", "inline", "unbounded")

    def __init__(self) -> None:
        self.images = self.inline = self.unbounded = 0

    def add(self, blocks: list[Block]) -> None:
        """Take in a list of blocks."""
        for block in blocks:
            if block.type in _AS_TEXT:
                continue
            if block.type == "tool_result":
                if isinstance(block.content, list):
                    self.add(block.content)
            elif isinstance(block.source, Source) and block.type in ("image", "document"):
                self._add_media(block.type, block.source)
            else:  # made by a tool of the vendor's, or unknown
                self.unbounded += 1

    def _add_media(self, kind: str, source: Source) -> None:
        if kind == "image" and source.type in ("base64", "url"):
            self.images += 1
            self.inline += len(source.data)
        elif kind == "document" and source.type == "content":
            if isinstance(source.content, list):
                self.add(source.content)
        elif kind == "image" or source.type != "text":
            self.unbounded += 1


def input_shape(length: int, request: Counted) -> InputShape:
    """Return the shape of a request whose body is `length` bytes long."""
    sums, tools = _Sums(), 0
    messages = request.messages or ()
    for message in messages:
        if isinstance(message.content, list):
            sums.add(message.content)
    for tool in request.tools or ():
        if tool.type is None or tool.type == "custom":
            tools += 1
        elif tool.type.startswith(_TYPED):
            tools += _TYPED_TOOL
        else:
            sums.unbounded += 1
    sums.unbounded += bool(request.mcp_servers)
    sums.unbounded += sum(each != NULL for each in (request.container, request.compaction))
    # a summary of the conversation, made on the way, is billed beside the answer
    sums.unbounded += b"compact_" in bytes(request.context_management)
    return InputShape(length - sums.inline, len(messages), tools, sums.images, sums.unbounded)
