"""Google's Gemini API: answers, counts of tokens, embeddings and the list of models.

Source: https://ai.google.dev/api
"""

from pai.dialect.gemini.client import GENERATE_CLIENT
from pai.dialect.gemini.count import (
    CountRequest,
    count_answer,
    count_body_of,
    read_count,
    read_count_answer,
)
from pai.dialect.gemini.embed import (
    EMBED_CLIENT,
    EMBED_ONE_CLIENT,
    EMBED_ONE_VENDOR,
    EMBED_VENDOR,
)
from pai.dialect.gemini.embed_request import EmbedRequest
from pai.dialect.gemini.meter import ArrayMeter
from pai.dialect.gemini.models import model_body, models_body
from pai.dialect.gemini.request import GenerateRequest
from pai.dialect.gemini.vendor import GENERATE_VENDOR, count_target
from pai.dialect.gemini.write import count_request

__all__ = [
    "EMBED_CLIENT",
    "EMBED_ONE_CLIENT",
    "EMBED_ONE_VENDOR",
    "EMBED_VENDOR",
    "GENERATE_CLIENT",
    "GENERATE_VENDOR",
    "ArrayMeter",
    "CountRequest",
    "EmbedRequest",
    "GenerateRequest",
    "count_answer",
    "count_body_of",
    "count_request",
    "count_target",
    "model_body",
    "models_body",
    "read_count",
    "read_count_answer",
]
