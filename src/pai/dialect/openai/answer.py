"""Read what an answer cost. A vendor's figures are believed only when they can be true."""

from typing import Final

import msgspec
from msgspec import UNSET, Raw

from pai.budget.price import Tokens
from pai.dialect.openai.figures import (
    ANSWERS,
    USAGES,
    USAGES_WITHOUT_DETAILS,
    USUAL_ANSWERS,
    Usage,
    UsageWithoutDetails,
)

_MOST: Final = 2**40  # no answer has so many tokens


_Unreadable = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def read_tokens(body: bytes) -> Tokens | None:
    """Return the tokens of a whole JSON answer; None when they are absent or impossible."""
    try:
        return _tokens_in(USUAL_ANSWERS.decode(body).usage)
    except _Unreadable:
        return _unusual_tokens(body)


def _unusual_tokens(body: bytes) -> Tokens | None:
    try:
        answer = ANSWERS.decode(body)
    except _Unreadable:
        return None
    return tokens_of(answer.usage)


def tokens_of(usage: Raw) -> Tokens | None:
    """Return the tokens of a `usage` object; None when absent or impossible.

    Where `total_tokens` is more than its parts (vendors that leave reasoning out of the
    completion's count), the rest is output. Details only inform: strange ones are 0.
    """
    try:
        return _tokens_in(USAGES.decode(usage))
    except _Unreadable:
        return _tokens_without_details(usage)


def _tokens_in(full: Usage) -> Tokens | None:
    inputs, outputs = full.prompt_tokens_details, full.completion_tokens_details
    cached = 0 if inputs is None else inputs.cached_tokens or 0
    written = 0 if inputs is None else inputs.cache_write_tokens or 0
    reasoning = 0 if outputs is None else outputs.reasoning_tokens or 0
    return _tokens(full, cached, reasoning, written)


def _tokens_without_details(usage: Raw) -> Tokens | None:
    try:
        return _tokens(USAGES_WITHOUT_DETAILS.decode(usage), 0, 0, 0)
    except _Unreadable:
        return None


def _tokens(
    usage: Usage | UsageWithoutDetails, cached: int, reasoning: int, written: int
) -> Tokens | None:
    prompt, completion, total = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
    if completion is UNSET:
        completion = 0
        if total is UNSET:
            return None  # of the output nothing is known
    total = 0 if total is UNSET else total
    if not (0 <= prompt <= _MOST and 0 <= completion <= _MOST and 0 <= total <= _MOST):
        return None
    output = completion if completion > total - prompt else total - prompt
    if cached or reasoning or written:
        cached, reasoning = max(0, min(cached, prompt)), max(0, min(reasoning, output))
        written = max(0, min(written, prompt - cached))
    return Tokens(prompt, output, cached, reasoning, written)


def usage_of(tokens: Tokens) -> dict[str, object]:
    """Return the `usage` of an answer."""
    inputs = {"cached_tokens": tokens.cached}
    if tokens.written:
        inputs["cache_write_tokens"] = tokens.written
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.total,
        "prompt_tokens_details": inputs,
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }
