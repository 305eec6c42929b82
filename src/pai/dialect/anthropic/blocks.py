"""The pieces of a message as a client writes them, those that other vendors know too.

Source: https://platform.claude.com/docs/en/api/messages/create
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL

_Mark = dict[str, Raw] | None


class _Block(msgspec.Struct, tag_field="type", kw_only=True):
    cache_control: _Mark = None


class TextBlock(_Block, tag="text"):
    """citations: where the vendor found what the text says."""

    text: str
    citations: list[Raw] | None = None


class Base64Source(msgspec.Struct, tag_field="type", tag="base64"):
    """Inline media."""

    data: str
    media_type: str


class UrlSource(msgspec.Struct, tag_field="type", tag="url"):
    """Media that the vendor fetches."""

    url: str


class FileSource(msgspec.Struct, tag_field="type", tag="file"):
    """Media that Anthropic holds."""

    file_id: str


class ImageBlock(_Block, tag="image"):
    """An image."""

    source: Base64Source | UrlSource | FileSource


class TextSource(msgspec.Struct, tag_field="type", tag="text"):
    """A document that is plain text."""

    data: str


class ContentSource(msgspec.Struct, tag_field="type", tag="content"):
    """A document in pieces."""

    content: str | list[TextBlock | ImageBlock]


class Citations(msgspec.Struct):
    """Whether the answer shall cite it."""

    enabled: bool | None = None


class DocumentBlock(_Block, tag="document"):
    """A document; `source` by address or inline is a PDF."""

    source: Base64Source | UrlSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None


class SearchResultBlock(_Block, tag="search_result"):
    """Something the client has found. source: where, as a rule a URL."""

    source: str
    title: str
    content: list[TextBlock]
    citations: Citations | None = None


class ThinkingBlock(_Block, tag="thinking"):
    """A thought, as the vendor gave it."""

    thinking: str
    signature: str = ""


class RedactedBlock(_Block, tag="redacted_thinking"):
    """A thought that only the vendor can read."""

    data: str


class Caller(msgspec.Struct):
    """Who called a tool: the model itself (`direct`), or code that it ran."""

    type: str = "direct"


class ToolUseBlock(_Block, tag="tool_use"):
    """A tool call. toolset_name: of Anthropic's own tool that it is a part of."""

    id: str
    name: str
    input: Raw
    caller: Caller | None = None
    toolset_name: str | None = None


class ToolReferenceBlock(_Block, tag="tool_reference"):
    """A tool that a search for tools has found."""

    tool_name: str


ResultBlock = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolReferenceBlock


class ToolResultBlock(_Block, tag="tool_result"):
    """What a tool gave."""

    tool_use_id: str
    content: str | list[ResultBlock] | None = None
    is_error: bool | None = None


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedBlock
    | ToolUseBlock
    | ToolResultBlock
)
TYPES = frozenset(
    {
        *("text", "image", "document", "search_result", "thinking", "redacted_thinking"),
        *("tool_use", "tool_result", "tool_reference"),
    }
)


class Message(msgspec.Struct):
    """One message. clear_at, output_config: of the role `system` only."""

    role: str
    content: str | list[Block] | None = None
    clear_at: str | None = None
    output_config: Raw = NULL
