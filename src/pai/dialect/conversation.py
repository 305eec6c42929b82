"""What a request means, whichever API it was written in: the middle between any two dialects.

A client dialect reads its request into a `Conversation`, a vendor dialect writes it out again.
Whatever would change the meaning and has no place in the vendor's API is refused there
(`UnsupportedError`); what only advises is left out and named (`Written.dropped`).
"""

from typing import Literal

import msgspec
from msgspec import Raw

Vendor = Literal["openai", "anthropic", "gemini"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """cache: the client marks the prompt up to here as worth caching; advice."""

    cache: bool = False


class Text(_Part, frozen=True, kw_only=True, tag="text"):
    """Plain text."""

    text: str


class Media(_Part, frozen=True, kw_only=True, tag="media"):
    """An image, a document, sound or video: inline (`data`, base64) or by `url`; or a vendor's id.

    media_type: as in HTTP, may be empty with a URL. name: of the file. detail: an image's, as
    OpenAI spells it. file_id: known to one vendor only.
    """

    sort: Literal["image", "file", "audio", "video"]
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    name: str = ""
    detail: str = ""


class Thinking(_Part, frozen=True, kw_only=True, tag="thinking"):
    """A model's own reasoning, as far as it is shown.

    seal: signature or encrypted text that its vendor wants back unchanged with the turn; worthless
    to any other. hidden: there is nothing but the seal.
    """

    text: str = ""
    seal: str = ""
    vendor: Vendor | Literal[""] = ""
    hidden: bool = False


class ToolCall(_Part, frozen=True, kw_only=True, tag="tool_call"):
    """The model wants a tool run. arguments: JSON text of an object, as the vendor wrote it.

    seal, vendor: as in `Thinking` (Gemini signs calls). free_form: `arguments` is plain text.
    """

    id: str
    name: str
    arguments: str = "{}"
    seal: str = ""
    vendor: Vendor | Literal[""] = ""
    free_form: bool = False


class ToolResult(_Part, frozen=True, kw_only=True, tag="tool_result"):
    """What a tool gave. name: of the tool, where the dialect says it; see `name_results`."""

    id: str
    name: str = ""
    parts: tuple[Text | Media, ...] = ()
    failed: bool = False


Part = Text | Media | Thinking | ToolCall | ToolResult


class Turn(msgspec.Struct, frozen=True):
    """One speaker's parts, in order. Tool results stand in the user's turns."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model may call. schema: JSON schema of its arguments, b"" = none."""

    name: str
    description: str = ""
    schema: Raw = Raw(b"")
    strict: bool | None = None
    cache: bool = False


class ToolChoice(msgspec.Struct, frozen=True):
    """any: some tool must be called; tool: this one (`name`); only `names` if there are some."""

    mode: Literal["auto", "none", "any", "tool"]
    name: str = ""
    names: tuple[str, ...] = ()


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is JSON. schema: b"" = any JSON."""

    schema: Raw = Raw(b"")
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much to think before answering, as far as the client says.

    effort: none, minimal, low, medium, high, xhigh, max; "" = not said. budget_tokens: None = not
    said. shown: the thoughts (or a summary) are wanted in the answer.
    """

    effort: str = ""
    budget_tokens: int | None = None
    shown: bool = False


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A request for the next turn.

    system: instructions, in order. top_logprobs: None = no log probabilities; 0 = of the chosen
    tokens only. cap is not here: it is the budget's. advisory: names, as the client spelled them,
    of fields that are advice and have no place here; a vendor dialect names them as dropped.
    """

    turns: tuple[Turn, ...]
    system: tuple[Text, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    output: OutputFormat | None = None
    stops: tuple[str, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    top_logprobs: int | None = None
    answers: int = 1
    reasoning: Reasoning | None = None
    stream: bool = False
    advisory: tuple[str, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """A request in a vendor's API. dropped: names of advisory fields that were left out, sorted."""

    body: bytes
    dropped: tuple[str, ...] = ()


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to embed. dimensions: None = the model's own. task: Gemini's `taskType`."""

    texts: tuple[str, ...]
    dimensions: int | None = None
    task: str = ""
    title: str = ""
    advisory: tuple[str, ...] = ()


def name_results(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Give each tool result the name of its call, for vendors that go by names."""
    names: dict[str, str] = {}
    named = []
    for turn in turns:
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolCall):
                names[part.id] = part.name
            if isinstance(part, ToolResult) and not part.name:
                part = msgspec.structs.replace(part, name=names.get(part.id, ""))
            parts.append(part)
        named.append(Turn(turn.role, tuple(parts)))
    return tuple(named)
