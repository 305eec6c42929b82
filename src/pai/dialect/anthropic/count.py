"""Count a prompt's tokens without an answer.

Source: https://platform.claude.com/docs/en/api/messages/count_tokens
"""

import msgspec
from msgspec import Raw

_MOST = 2**40
_COUNTED = frozenset(
    {
        *("messages", "model", "system", "thinking", "tool_choice", "tools", "output_config"),
        *("cache_control", "speed", "user_profile_id", "workspace_id"),
    }
)
"""Fields that a request to count may have too."""
_COSTLESS = frozenset(
    {
        *("max_tokens", "stream", "metadata", "stop_sequences", "temperature", "top_p", "top_k"),
        *("service_tier", "inference_geo", "diagnostics"),
        "context_management",  # it makes input smaller, where it does not write text of its own
    }
)
"""Fields that add nothing to the input."""
_objects = msgspec.json.Decoder(dict[str, Raw])


class _Answer(msgspec.Struct):
    input_tokens: int


_answers = msgspec.json.Decoder(_Answer)


def count_body_of(request: bytes, model: str) -> bytes | None:
    """Return the body that counts a request for an answer; None where it holds what isn't counted.

    model: of no use, the request names it.
    """
    fields = _objects.decode(request)
    if not fields.keys() <= _COUNTED | _COSTLESS:
        return None
    return msgspec.json.encode({name: fields[name] for name in fields if name in _COUNTED})


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
