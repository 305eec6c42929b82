"""What an answer and a chunk of a stream tell of their cost: shapes for the decoders, no code."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pai.dialect.body import NULL


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class Usage(msgspec.Struct):
    """A `usage` object."""

    prompt_tokens: int
    completion_tokens: int | UnsetType = UNSET
    total_tokens: int | UnsetType = UNSET
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class UsageWithoutDetails(msgspec.Struct):
    """A `usage` object whose details are not looked at."""

    prompt_tokens: int
    completion_tokens: int | UnsetType = UNSET
    total_tokens: int | UnsetType = UNSET


class Answer(msgspec.Struct):
    """A whole answer."""

    usage: Raw = NULL  # a union with Raw would take nothing but null


class UsualAnswer(msgspec.Struct):
    """A whole answer whose figures are as they should be: one pass reads all."""

    usage: Usage


class _Choice(msgspec.Struct):
    """delta: a chat's; text: a legacy completion's."""

    delta: dict[str, Raw] | None = None
    text: str | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    """One chunk of a stream."""

    choices: list[_Choice] | None = None
    usage: Raw = NULL


ANSWERS = msgspec.json.Decoder(Answer)
USUAL_ANSWERS = msgspec.json.Decoder(UsualAnswer)
USAGES = msgspec.json.Decoder(Usage)
USAGES_WITHOUT_DETAILS = msgspec.json.Decoder(UsageWithoutDetails)
CHUNKS = msgspec.json.Decoder(Chunk)
