"""Check requests against the types that the vendors publish with their SDKs, strictly.

Runs in the clients' environment only. Every level refuses what the types don't name.
"""

import sys
import typing
from typing import Any

typing.Iterable = list  # type: ignore[misc]  # lazily checked otherwise

import anthropic._models  # noqa: E402
import anthropic.types.message_count_tokens_params as anthropic_count  # noqa: E402
import anthropic.types.message_create_params as anthropic_message  # noqa: E402
import openai.types.chat.completion_create_params as openai_chat  # noqa: E402
import openai.types.completion_create_params as openai_completion  # noqa: E402
import openai.types.embedding_create_params as openai_embedding  # noqa: E402
import openai.types.responses.response_create_params as openai_response  # noqa: E402
from google.genai import types as gemini  # noqa: E402
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError  # noqa: E402
from typing_extensions import is_typeddict  # noqa: E402

_LONGEST = 2_000


class RefusedError(Exception):
    """A request is not of the vendor's published shape, or breaks one of its rules."""


def _forbid_extras() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith(("openai.types", "anthropic.types")):
            for value in vars(module).values():
                if is_typeddict(value):
                    value.__pydantic_config__ = ConfigDict(
                        extra="forbid", arbitrary_types_allowed=True
                    )
    pending: list[type[BaseModel]] = [anthropic._models.BaseModel]
    while pending:  # answers' own types may be sent back, and allow anything
        model = pending.pop()
        pending += model.__subclasses__()
        model.model_config["extra"] = "forbid"
        model.model_rebuild(force=True)


_forbid_extras()
_TYPES: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(shape)
    for name, shape in {
        "chat": openai_chat.CompletionCreateParamsNonStreaming,
        "chat-stream": openai_chat.CompletionCreateParamsStreaming,
        "responses": openai_response.ResponseCreateParamsNonStreaming,
        "responses-stream": openai_response.ResponseCreateParamsStreaming,
        "completions": openai_completion.CompletionCreateParamsNonStreaming,
        "completions-stream": openai_completion.CompletionCreateParamsStreaming,
        "embeddings": openai_embedding.EmbeddingCreateParams,
        "messages": anthropic_message.MessageCreateParamsNonStreaming,
        "messages-stream": anthropic_message.MessageCreateParamsStreaming,
        "count": anthropic_count.MessageCountTokensParams,
        "contents": list[gemini.Content],
        "tools": list[gemini.Tool],
        "toolConfig": gemini.ToolConfig,
        "systemInstruction": gemini.Content,
        "generationConfig": gemini.GenerationConfig,
        "safetySettings": list[gemini.SafetySetting],
        "labels": dict[str, str],
        "cachedContent": str,
        "content": gemini.Content,
    }.items()
}


def check(kind: str, value: Any) -> None:
    """Raise RefusedError unless `value` is of this kind."""
    try:
        _TYPES[kind].validate_python(value)
    except ValidationError as error:
        places = {
            ".".join(map(str, each["loc"])) + ": " + each["msg"] for each in error.errors()[:40]
        }
        raise RefusedError(f"{kind}: " + "; ".join(sorted(places))[:_LONGEST]) from None
