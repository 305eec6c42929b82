"""Read what an answer cost. A vendor's figures are believed only when they can be true."""

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens

NULL = Raw(b"null")
_MOST = 2**40  # no answer has so many tokens


class _Answer(msgspec.Struct):
    usage: Raw = NULL  # a union with Raw would take nothing but null


_answers = msgspec.json.Decoder(_Answer)
_object = msgspec.json.Decoder(dict[str, Raw])
_count = msgspec.json.Decoder(int)


def read_tokens(body: bytes) -> Tokens | None:
    """Return the tokens of a whole JSON answer; None when they are absent or impossible."""
    try:
        answer = _answers.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return None if answer.usage == NULL else tokens_of(answer.usage)


def tokens_of(usage: Raw) -> Tokens | None:
    """Return the tokens of a `usage` object; None when absent or impossible.

    Where `total_tokens` is more than its parts (vendors that leave reasoning out of the
    completion's count), the rest is output.
    """
    try:
        fields = _object.decode(usage)
        prompt = _read(fields, "prompt_tokens")
        completion = _read(fields, "completion_tokens", 0)
        total = _read(fields, "total_tokens", prompt + completion)
        cached = _detail(fields, "prompt_tokens_details", "cached_tokens")
        reasoning = _detail(fields, "completion_tokens_details", "reasoning_tokens")
    except (msgspec.DecodeError, KeyError, ValueError, RecursionError, UnicodeDecodeError):
        return None
    output = max(completion, total - prompt)
    return Tokens(prompt, output, min(cached, prompt), min(reasoning, output))


def _read(fields: dict[str, Raw], name: str, absent: int | None = None) -> int:
    raw = fields.get(name)
    if raw is None and absent is not None:
        return absent
    if raw is None:
        raise KeyError(name)
    value = _count.decode(raw)
    if not 0 <= value <= _MOST:
        raise ValueError(name)
    return value


def _detail(fields: dict[str, Raw], group: str, name: str) -> int:
    """Return one of the details; they only inform, so a strange one is 0."""
    try:
        return _read(_object.decode(fields[group]), name, 0)
    except (msgspec.DecodeError, KeyError, ValueError, UnicodeDecodeError):
        return 0
