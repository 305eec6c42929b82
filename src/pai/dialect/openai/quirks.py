"""What differs between models behind the same API, told by their names.

An endpoint refuses what it does not know, so what only some models take is sent to those that are
known to take it, and left out and named elsewhere.
"""

import re
from typing import Literal

from pai.dialect.conversation import Vendor
from pai.dialect.effort import EFFORTS, nearest_effort

_NEWER = re.compile(r"(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)|codex-)")
_LEVELS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), levels)
    for pattern, levels in (
        (r"gpt-.*-chat", ()),
        (r"(?:ft:)?(?:o\d|codex-)|gpt-oss", ("low", "medium", "high")),
        (r"(?:ft:)?gpt-5(?:-|$)", ("minimal", "low", "medium", "high")),
        (r"(?:ft:)?gpt-5\.1", ("none", "low", "medium", "high")),
        (r"(?:ft:)?gpt-5\.", ("none", "low", "medium", "high", "xhigh")),
        (r"(?:ft:)?gpt-(?:[6-9]|\d\d)", EFFORTS),
        (r"gemini-2\.5-flash", ("none", "minimal", "low", "medium", "high")),
        (r"gemini-(?:2\.5|[3-9])", ("minimal", "low", "medium", "high")),
        (r"claude", ("low", "medium", "high")),
        (r"deepseek", ("low", "medium", "high", "max")),
    )
)
_HOUSES: dict[str, Vendor] = {"openai": "openai", "anthropic": "anthropic", "google": "gemini"}
_WANT_THOUGHTS_BACK = ("deepseek", "kimi", "minimax", "glm-", "mimo-")


def _name(model: str) -> str:
    return model.rpartition("/")[2].lower()


def cap_field(model: str) -> str:
    """Return how the output cap is spelled: OpenAI's newer models take only the newer spelling.

    Source: https://platform.openai.com/docs/api-reference/chat/create (`max_completion_tokens`).
    """
    return "max_completion_tokens" if _NEWER.match(model) else "max_tokens"


def reasons(model: str) -> bool:
    """Say whether this is one of OpenAI's reasoning models, under whatever prefix.

    They take no sampling parameters and no log probabilities.
    """
    name = _name(model)
    return _NEWER.match(name) is not None and "-chat" not in name


def effort_for(model: str, effort: str) -> str:
    """Return the level nearest to `effort` that the model takes; "" when it takes none.

    Sources: the vendors' reasoning guides (OpenAI, Gemini's OpenAI compatibility, DeepSeek,
    OpenRouter).
    """
    name = _name(model)
    levels = next((levels for pattern, levels in _LEVELS if pattern.match(name)), ())
    return nearest_effort(effort, levels) if levels and effort in EFFORTS else ""


def calls_in_parallel(model: str) -> bool:
    """Say whether the model may be told not to; o-series models never do and refuse the field."""
    return re.match(r"o\d", _name(model)) is None


def house(model: str) -> Vendor | Literal[""]:
    """Return whose seals are given back in `reasoning_details`: of OpenRouter's `VENDOR/MODEL`."""
    prefix, slash, _ = model.partition("/")
    return _HOUSES.get(prefix.lower(), "") if slash else ""


def is_googles_own(model: str) -> bool:
    """Say whether this is Gemini's OpenAI endpoint, which has a place of its own for seals.

    Source: https://ai.google.dev/gemini-api/docs/openai (`extra_content`).
    """
    return model.lower().removeprefix("models/").startswith("gemini-")


def wants_thoughts_back(model: str) -> bool:
    """Say whether the model's own reasoning has to go back to it with its tool calls.

    Source: https://api-docs.deepseek.com/guides/thinking_mode
    """
    return any(each in model.lower() for each in _WANT_THOUGHTS_BACK)
