"""Read what an answer cost. A vendor's figures are believed only when they can be true.

Source: https://ai.google.dev/api/generate-content#UsageMetadata
"""

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.body import NULL

_MOST = 2**40  # no answer has so many tokens
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    usage_metadata: Raw = NULL


_usages = msgspec.json.Decoder(_Usage)
_answers = msgspec.json.Decoder(_Answer)


def read_tokens(body: bytes) -> Tokens | None:
    """Return the tokens of a whole answer; None when they are absent or impossible."""
    try:
        return tokens_of(_answers.decode(body).usage_metadata)
    except UNREADABLE:
        return None


def tokens_of(usage: Raw) -> Tokens | None:
    """Return the tokens of a `usageMetadata`; None when absent or impossible.

    Thoughts are counted beside the answer, prompts of the vendor's tools beside the prompt. What
    the total holds beyond its parts is output.
    """
    try:
        found = _usages.decode(usage)
    except UNREADABLE:
        return None
    prompt, total = found.prompt_token_count, found.total_token_count or 0
    tools, thoughts = found.tool_use_prompt_token_count or 0, found.thoughts_token_count or 0
    answer, cached = found.candidates_token_count or 0, found.cached_content_token_count or 0
    if not all(0 <= each <= _MOST for each in (prompt, tools, thoughts, answer, total)):
        return None
    output = max(answer + thoughts, total - prompt - tools)
    return Tokens(prompt + tools, output, max(0, min(cached, prompt)), thoughts)


def more_tokens(known: Tokens | None, usage: Raw) -> Tokens | None:
    """Return a stream's figures so far: the new ones, unless they are less than what is known.

    Each piece of a stream counts all that came before it; a sum that shrinks is not believed.
    """
    found = tokens_of(usage)
    if known is not None and (found is None or found.total < known.total):
        return known
    return found


def usage_of(tokens: Tokens) -> dict[str, int]:
    """Return the `usageMetadata` of an answer; what is nothing is left out, as Google does."""
    usage = {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": max(0, tokens.output - tokens.reasoning),
        "totalTokenCount": tokens.total,
    }
    if tokens.reasoning:
        usage["thoughtsTokenCount"] = tokens.reasoning
    if tokens.cached:
        usage["cachedContentTokenCount"] = tokens.cached
    return usage
