"""Count a prompt's tokens without an answer.

Source: https://platform.claude.com/docs/en/api/messages/count_tokens
"""

import msgspec

_MOST = 2**40


class _Answer(msgspec.Struct):
    input_tokens: int


_answers = msgspec.json.Decoder(_Answer)


def count_answer(input_tokens: int) -> bytes:
    """Return a count as Anthropic answers it."""
    return msgspec.json.encode({"input_tokens": input_tokens})


def read_count_answer(body: bytes) -> int | None:
    """Return the count in Anthropic's answer; None when absent or impossible."""
    try:
        count = _answers.decode(body).input_tokens
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return count if 0 <= count <= _MOST else None
