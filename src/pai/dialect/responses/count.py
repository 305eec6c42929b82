"""Count the input of a request without an answer.

Source: https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens
"""

import msgspec
from msgspec import Raw

_MOST = 2**40
_COUNTED = frozenset(
    {
        *("input", "instructions", "model", "parallel_tool_calls", "reasoning", "text"),
        *("tool_choice", "tools", "truncation"),
    }
)
"""Fields that a request to count may have too, but those that lean on what OpenAI has stored."""
_COSTLESS = frozenset(
    {
        *("max_output_tokens", "stream", "stream_options", "store", "include", "background"),
        *("temperature", "top_p", "top_logprobs", "max_tool_calls", "metadata", "client_metadata"),
        *("user", "safety_identifier", "service_tier"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    }
)
"""Fields that add nothing to the input."""
_objects = msgspec.json.Decoder(dict[str, Raw])


class _Answer(msgspec.Struct):
    input_tokens: int


_answers = msgspec.json.Decoder(_Answer)


def count_target(base: str) -> bytes:
    """Return the path that counts a prompt."""
    return f"{base}/responses/input_tokens".encode()


def count_body_of(request: bytes, model: str) -> bytes | None:
    """Return the body that counts a request for an answer; None where it holds what isn't counted.

    model: of no use, the request names it.
    """
    fields = _objects.decode(request)
    if not fields.keys() <= _COUNTED | _COSTLESS:
        return None
    return msgspec.json.encode({name: fields[name] for name in fields if name in _COUNTED})


def read_count_answer(body: bytes) -> int | None:
    """Return the count in OpenAI's answer; None when absent or impossible."""
    try:
        count = _answers.decode(body).input_tokens
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return count if 0 <= count <= _MOST else None
