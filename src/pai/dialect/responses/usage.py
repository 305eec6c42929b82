"""Read and write what an answer cost. A vendor's figures are believed only if they can be true."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pai.budget.price import Tokens
from pai.dialect.body import NULL

_MOST = 2**40  # no answer has so many tokens


class _Input(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Output(msgspec.Struct):
    reasoning_tokens: int | None = None


class _WithoutDetails(msgspec.Struct):
    input_tokens: int
    output_tokens: int | UnsetType = UNSET
    total_tokens: int | UnsetType = UNSET


class _Usage(_WithoutDetails):
    input_tokens_details: _Input | None = None
    output_tokens_details: _Output | None = None


class _Images(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _ToolUsage(msgspec.Struct):
    image_gen: _Images | None = None


class Charged(msgspec.Struct):
    """The part of a response that says what it cost."""

    usage: Raw = NULL  # a union with Raw would take nothing but null
    tool_usage: Raw = NULL


_charged = msgspec.json.Decoder(Charged)
_usages = msgspec.json.Decoder(_Usage)
_plain_usages = msgspec.json.Decoder(_WithoutDetails)
_tool_usages = msgspec.json.Decoder(_ToolUsage | None)
_Unreadable = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def read_tokens(response: bytes | Raw) -> Tokens | None:
    """Return the tokens of a whole response; None when they are absent or impossible."""
    try:
        return tokens_of(_charged.decode(response))
    except _Unreadable:
        return None


def tokens_of(charged: Charged) -> Tokens | None:
    """Return the tokens of a response; None when absent or impossible.

    Where `total_tokens` is more than its parts the rest is output. What the image tool used is
    billed besides. Details only inform: strange ones are 0.
    """
    try:
        usage: _Usage | _WithoutDetails = _usages.decode(charged.usage)
    except _Unreadable:
        try:
            usage = _plain_usages.decode(charged.usage)
        except _Unreadable:
            return None
    if usage.output_tokens is UNSET and usage.total_tokens is UNSET:
        return None  # of the output nothing is known
    spent = usage.input_tokens
    output = 0 if usage.output_tokens is UNSET else usage.output_tokens
    total = 0 if usage.total_tokens is UNSET else usage.total_tokens
    if not all(0 <= figure <= _MOST for figure in (spent, output, total)):
        return None
    output = max(output, total - spent)
    cached, written, reasoning = _details(usage) if isinstance(usage, _Usage) else (0, 0, 0)
    cached, reasoning = max(0, min(cached, spent)), max(0, min(reasoning, output))
    written = max(0, min(written, spent - cached))
    images = _images(charged.tool_usage)
    return Tokens(
        spent + images.input_tokens, output + images.output_tokens, cached, reasoning, written
    )


def _details(usage: _Usage) -> tuple[int, int, int]:
    inputs, outputs = usage.input_tokens_details, usage.output_tokens_details
    cached = 0 if inputs is None else inputs.cached_tokens or 0
    written = 0 if inputs is None else inputs.cache_write_tokens or 0
    return cached, written, 0 if outputs is None else outputs.reasoning_tokens or 0


def _images(sent: Raw) -> _Images:
    try:
        used: _ToolUsage | None = _tool_usages.decode(sent)
    except _Unreadable:
        return _Images()
    images = None if used is None else used.image_gen
    if images is None or not (
        0 <= images.input_tokens <= _MOST and 0 <= images.output_tokens <= _MOST
    ):
        return _Images()
    return images


def usage_of(tokens: Tokens | None) -> dict[str, object] | None:
    """Return `usage` as this API writes it."""
    if tokens is None:
        return None
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.written,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }
