"""Read what an answer cost, and say it again. Figures are believed only when they can be true.

Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching (input without cache
reads and writes), https://platform.claude.com/docs/en/build-with-claude/compaction (iterations).
"""

from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.body import NULL

_MOST = 2**40  # no answer has so many tokens
_INCLUDED = frozenset({"message", "fallback_message"})  # in the figures of the whole


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Figures(msgspec.Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None


class _Iteration(_Figures):
    type: str = ""


class _Usage(_Figures):
    output_tokens_details: _OutputDetails | None = None
    iterations: list[_Iteration] | None = None


class _Answer(msgspec.Struct):
    usage: Raw = NULL


_answers = msgspec.json.Decoder(_Answer)
_usages = msgspec.json.Decoder(_Usage)
_Before = TypeVar("_Before", int, int | None)
_Unreadable = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Figures(NamedTuple):
    """Figures so far: a stream gives them cumulatively, and leaves out what has not changed.

    beside, beside_output: of side requests that the rest does not include (summaries, advisers).
    """

    input: int | None = None
    written: int = 0
    cached: int = 0
    output: int | None = None
    reasoning: int = 0
    beside: int = 0
    beside_output: int = 0

    @property
    def tokens(self) -> Tokens | None:
        """Tokens in all; None while input or output is not known."""
        if self.input is None or self.output is None:
            return None
        whole = self.input + self.written + self.cached + self.beside
        output = self.output + self.beside_output
        return Tokens(whole, output, self.cached, min(self.reasoning, output), self.written)


def more_figures(before: Figures, usage: Raw) -> Figures | None:
    """Return the figures after one more `usage` object; None when it can't be true."""
    try:
        seen = _usages.decode(usage)
    except _Unreadable:
        return None
    details = seen.output_tokens_details
    sums = [before.beside, before.beside_output]
    if seen.iterations is not None:
        side = [each for each in seen.iterations if each.type not in _INCLUDED]
        sums = [sum(_inputs(each) for each in side), sum(each.output_tokens or 0 for each in side)]
        if not all(_likely(each) for each in seen.iterations):
            return None
    if not _likely(seen):
        return None
    reasoning = None if details is None else details.thinking_tokens
    return Figures(
        _last(seen.input_tokens, before.input),
        _last(seen.cache_creation_input_tokens, before.written),
        _last(seen.cache_read_input_tokens, before.cached),
        _last(seen.output_tokens, before.output),
        max(0, _last(reasoning, before.reasoning)),
        *sums,
    )


def _inputs(seen: _Figures) -> int:
    parts = (seen.input_tokens, seen.cache_creation_input_tokens, seen.cache_read_input_tokens)
    return sum(each or 0 for each in parts)


def _likely(seen: _Figures) -> bool:
    return all(
        each is None or 0 <= each <= _MOST
        for each in (
            seen.input_tokens,
            seen.cache_creation_input_tokens,
            seen.cache_read_input_tokens,
            seen.output_tokens,
        )
    )


def _last(seen: int | None, before: _Before) -> int | _Before:
    return before if seen is None else seen


def read_tokens(body: bytes) -> Tokens | None:
    """Return the tokens of a whole JSON answer; None when they are absent or impossible."""
    try:
        usage = _answers.decode(body).usage
    except _Unreadable:
        return None
    return tokens_of(usage)


def tokens_of(usage: Raw) -> Tokens | None:
    """Return the tokens of a whole answer's `usage`; None when absent or impossible."""
    figures = more_figures(Figures(), usage)
    return None if figures is None else figures.tokens


def usage_of(tokens: Tokens | None) -> dict[str, object]:
    """Return a `usage` object; zeros while nothing is known."""
    known = tokens or Tokens()
    usage: dict[str, object] = {
        "input_tokens": max(0, known.input - known.cached - known.written),
        "cache_creation_input_tokens": known.written,
        "cache_read_input_tokens": known.cached,
        "output_tokens": known.output,
    }
    if known.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": known.reasoning}
    return usage
