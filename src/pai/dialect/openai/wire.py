"""The parts of a chat request as OpenAI and the servers that follow it spell them.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.openai.thoughts import Detail


class ImageUrl(msgspec.Struct):
    """url: of the web, or `data:` with the image itself."""

    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct):
    """data: base64."""

    data: str
    format: str


class File(msgspec.Struct):
    """file_data: a `data:` URL, bare base64, or (OpenRouter) a URL of the web."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Part(msgspec.Struct):
    """One part of a message's content."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    thinking: "str | list[Part] | None" = None
    image_url: ImageUrl | str | None = None
    video_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    cache_control: Raw = NULL
    prompt_cache_breakpoint: Raw = NULL


Content = str | list[Part | str] | None


class FunctionCall(msgspec.Struct):
    """arguments: JSON text; some servers send the object itself."""

    name: str | None = None
    arguments: Raw = NULL


class CustomCall(msgspec.Struct):
    """A call of a free-form tool."""

    name: str
    input: str = ""


class Google(msgspec.Struct):
    """What Gemini's OpenAI endpoint adds to a call."""

    thought_signature: str | None = None


class Extra(msgspec.Struct):
    """Room for what a vendor adds."""

    google: Google | None = None


class Call(msgspec.Struct):
    """One tool call; in a stream a piece of one, and `index` says of which."""

    id: str | None = None
    type: str | None = None
    index: int | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None
    extra_content: Extra | None = None

    @property
    def signature(self) -> str:
        """Gemini's signature of the call."""
        google = self.extra_content.google if self.extra_content else None
        return (google.thought_signature if google else None) or ""


class Message(msgspec.Struct):
    """One message of any role."""

    role: str
    content: Content = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[Call] | None = None
    function_call: FunctionCall | None = None
    tool_call_id: str | None = None
    audio: Raw = NULL


class Function(msgspec.Struct):
    """parameters: JSON schema."""

    name: str
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None


class Grammar(msgspec.Struct):
    """What a free-form tool's input must match."""

    definition: str
    syntax: str = ""


class CustomFormat(msgspec.Struct):
    """text, or grammar."""

    type: str = "text"
    grammar: Grammar | None = None


class Custom(msgspec.Struct):
    """A free-form tool."""

    name: str
    description: str | None = None
    format: CustomFormat | None = None


class ToolSpec(msgspec.Struct):
    """One of `tools`."""

    type: str = "function"
    function: Function | None = None
    custom: Custom | None = None
    cache_control: Raw = NULL


class Named(msgspec.Struct):
    """A tool, by name."""

    name: str = ""


class NamedTool(msgspec.Struct):
    """A tool as a choice names it."""

    type: str = "function"
    function: Named | None = None
    custom: Named | None = None

    @property
    def name(self) -> str:
        """The tool's name; "" when there is none."""
        named = self.function or self.custom
        return named.name if named else ""


class AllowedTools(msgspec.Struct):
    """mode: auto or required."""

    mode: str = "auto"
    tools: list[NamedTool] = []


class Choice(NamedTool):
    """`tool_choice` as an object."""

    allowed_tools: AllowedTools | None = None


class JsonSchema(msgspec.Struct):
    """A schema with its name."""

    name: str = ""
    description: str | None = None
    schema: Raw = NULL
    strict: bool | None = None


class ResponseFormat(msgspec.Struct):
    """type: text, json_object, json_schema."""

    type: str
    json_schema: JsonSchema | None = None


class ReasoningWish(msgspec.Struct):
    """OpenRouter's `reasoning`. Source: https://openrouter.ai/docs/use-cases/reasoning-tokens."""

    effort: str | None = None
    max_tokens: int | None = None
    exclude: bool | None = None
    enabled: bool | None = None


class ThinkingWish(msgspec.Struct):
    """`thinking` as DeepSeek, Zhipu and LiteLLM take it beside OpenAI's fields."""

    type: str = ""
    budget_tokens: int | None = None
