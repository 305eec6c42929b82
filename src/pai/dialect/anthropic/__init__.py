"""Anthropic's API: messages, counts of tokens and the list of models.

Source: https://platform.claude.com/docs/en/api/overview
"""

from pai.dialect.anthropic.client import MESSAGES_CLIENT
from pai.dialect.anthropic.count import count_answer, count_body_of, read_count_answer
from pai.dialect.anthropic.models import model_body, models_body
from pai.dialect.anthropic.request import CountRequest, MessagesRequest, read_count
from pai.dialect.anthropic.vendor import (
    CLIENT_HEADERS,
    MESSAGES_VENDOR,
    VERSION_HEADER,
    count_target,
)
from pai.dialect.anthropic.write import count_request

__all__ = [
    "CLIENT_HEADERS",
    "MESSAGES_CLIENT",
    "MESSAGES_VENDOR",
    "VERSION_HEADER",
    "CountRequest",
    "MessagesRequest",
    "count_answer",
    "count_body_of",
    "count_request",
    "count_target",
    "model_body",
    "models_body",
    "read_count",
    "read_count_answer",
]
