"""OpenAI's Responses API.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from pai.dialect.responses.client import RESPONSES_CLIENT
from pai.dialect.responses.count import count_body_of, count_target, read_count_answer
from pai.dialect.responses.fields import PATHS_OF_STORED_STATE
from pai.dialect.responses.request import ResponsesReading
from pai.dialect.responses.vendor import RESPONSES_VENDOR

__all__ = [
    "PATHS_OF_STORED_STATE",
    "RESPONSES_CLIENT",
    "RESPONSES_VENDOR",
    "ResponsesReading",
    "count_body_of",
    "count_target",
    "read_count_answer",
]
