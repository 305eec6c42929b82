"""OpenAI's API but for Responses: chat, legacy completions, embeddings, models.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from pai.dialect.openai.answer import read_tokens
from pai.dialect.openai.client import CHAT_CLIENT
from pai.dialect.openai.completions import COMPLETIONS_CLIENT, COMPLETIONS_VENDOR
from pai.dialect.openai.completions_request import CompletionRequest
from pai.dialect.openai.embeddings import EMBEDDINGS_CLIENT, EMBEDDINGS_VENDOR
from pai.dialect.openai.embeddings_request import EmbeddingRequest
from pai.dialect.openai.errors import error, error_body, error_text
from pai.dialect.openai.models import model_body, models_body
from pai.dialect.openai.quirks import cap_field, effort_for, reasons
from pai.dialect.openai.request import ChatRequest, read_request
from pai.dialect.openai.stream import StreamMeter
from pai.dialect.openai.vendor import CHAT_VENDOR
from pai.dialect.refused import BadRequestError, Refused

__all__ = [
    "CHAT_CLIENT",
    "CHAT_VENDOR",
    "COMPLETIONS_CLIENT",
    "COMPLETIONS_VENDOR",
    "EMBEDDINGS_CLIENT",
    "EMBEDDINGS_VENDOR",
    "BadRequestError",
    "ChatRequest",
    "CompletionRequest",
    "EmbeddingRequest",
    "Refused",
    "StreamMeter",
    "cap_field",
    "effort_for",
    "error",
    "error_body",
    "error_text",
    "model_body",
    "models_body",
    "read_request",
    "read_tokens",
    "reasons",
]
