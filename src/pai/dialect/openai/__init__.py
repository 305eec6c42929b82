"""OpenAI's API: chat completions and the list of models.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from pai.dialect.openai.answer import read_tokens
from pai.dialect.openai.errors import Refused, error_body
from pai.dialect.openai.models import model_body, models_body
from pai.dialect.openai.request import BadRequestError, ChatRequest, read_request
from pai.dialect.openai.stream import StreamMeter

__all__ = [
    "BadRequestError",
    "ChatRequest",
    "Refused",
    "StreamMeter",
    "error_body",
    "model_body",
    "models_body",
    "read_request",
    "read_tokens",
]
