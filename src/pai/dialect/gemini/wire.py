"""The parts of a request as Google spells them, in camelCase (see `pai.dialect.gemini.spelling`).

Where Google has a list, one element may come without the list around it.
Source: https://ai.google.dev/api/caching#Content, https://ai.google.dev/api/generate-content
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL


class Blob(msgspec.Struct, rename="camel"):
    """data: base64."""

    mime_type: str = ""
    data: str = ""
    display_name: str | None = None


class FileData(msgspec.Struct, rename="camel"):
    """A file by its address."""

    file_uri: str = ""
    mime_type: str | None = None
    display_name: str | None = None


class FunctionCall(msgspec.Struct, rename="camel"):
    """args: an object."""

    name: str = ""
    id: str | None = None
    args: Raw = NULL


class ResponsePart(msgspec.Struct, rename="camel"):
    """What a function gave besides its object."""

    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(msgspec.Struct, rename="camel"):
    """response: an object."""

    name: str = ""
    id: str | None = None
    response: Raw = NULL
    parts: list[ResponsePart] | ResponsePart | None = None


class Part(msgspec.Struct, rename="camel"):
    """One part of a content; what the vendor's own tools left there is not looked into."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    video_metadata: Raw = NULL
    media_resolution: Raw = NULL
    part_metadata: Raw = NULL


class Content(msgspec.Struct, rename="camel"):
    """One speaker's parts."""

    role: str | None = None
    parts: list[Part] | Part | None = None


class Declaration(msgspec.Struct, rename="camel"):
    """A function. parameters: in Google's subset of OpenAPI schemas."""

    name: str
    description: str | None = None
    parameters: Raw = NULL
    parameters_json_schema: Raw = NULL
    response: Raw = NULL
    response_json_schema: Raw = NULL
    behavior: Raw = NULL


class FunctionCalling(msgspec.Struct, rename="camel"):
    """mode: AUTO, ANY, NONE, VALIDATED."""

    mode: str | None = None
    allowed_function_names: list[str] | str | None = None


class ToolConfig(msgspec.Struct, rename="camel"):
    """Which tools may be called."""

    function_calling_config: FunctionCalling | None = None


class ThinkingConfig(msgspec.Struct, rename="camel"):
    """thinking_budget: -1 = as much as the model likes."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class Config(msgspec.Struct, rename="camel"):
    """`generationConfig`. top_k: a whole number, which SDKs write with a point."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    stop_sequences: list[str] | str | None = None
    candidate_count: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    response_schema: Raw = NULL
    response_json_schema: Raw = NULL
    response_logprobs: bool | None = None
    logprobs: int | None = None
    thinking_config: ThinkingConfig | None = None
    response_modalities: list[str] | str | None = None


class Wish(msgspec.Struct, rename="camel"):
    """All fields that mean something in other dialects."""

    contents: list[Content] | Content | None = None
    system_instruction: Content | None = None
    tools: list[dict[str, Raw]] | dict[str, Raw] | None = None
    tool_config: ToolConfig | None = None
    generation_config: dict[str, Raw] | None = None
