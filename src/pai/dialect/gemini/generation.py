"""What a Gemini model takes, by the version in its name: what one accepts another refuses.

Sources: https://ai.google.dev/gemini-api/docs/thinking,
https://ai.google.dev/gemini-api/docs/gemini-3,
https://ai.google.dev/gemini-api/docs/function-calling,
https://ai.google.dev/gemini-api/docs/structured-output
"""

import re
from functools import lru_cache
from typing import NamedTuple

from pai.dialect.conversation import Reasoning
from pai.dialect.effort import (
    EFFORTS,
    NO_EFFORT,
    USUAL_EFFORT,
    budget_of,
    effort_of,
    nearest_effort,
)

_NAME = re.compile(r"gemini-(?P<major>\d{1,2})(?:\.(?P<minor>\d{1,2}))?-?(?P<kind>[a-z-]*)")
_WITH_MINIMAL = re.compile(r"gemini-3(?:\.[1-7])?-flash")
_BUDGETS = {"pro": (128, 32_768), "flash-lite": (512, 24_576), "flash": (1, 24_576)}


class Generation(NamedTuple):
    """One model's ways; the defaults are for names without a version, such as `gemini-pro-latest`.

    signs: calls must come with a signature. levels: of thinking, from the least, may be none.
    budget: least and most tokens of thinking, for models that take no level. off: thinking can be
    turned off. penalties: it takes them. mixes: answers in JSON though it has tools. shows_media:
    a tool's result may hold media.
    """

    signs: bool = True
    levels: tuple[str, ...] = ("low", "medium", "high")
    budget: tuple[int, int] | None = None
    off: bool = False
    penalties: bool = False
    mixes: bool = True
    shows_media: bool = True


_OLD = Generation(
    signs=False, levels=(), penalties=True, mixes=False, shows_media=False
)  # it does not think


@lru_cache(maxsize=1024)
def generation_of(model: str) -> Generation:
    """Return what a model takes; of a version that is not known, what the newest takes."""
    name = model.rpartition("/")[2].lower()
    found = _NAME.match(name)
    if found is None:
        return Generation() if name.startswith("gemini") else _OLD
    version = (int(found["major"]), int(found["minor"] or 0))
    if version >= (3, 0):
        return Generation(levels=_levels(name))
    if version < (2, 5) or "image" in name or "tts" in name:
        return _OLD
    for kind, budget in _BUDGETS.items():
        if found["kind"].startswith(kind):
            return _OLD._replace(penalties=False, budget=budget, off=kind != "pro")
    return _OLD._replace(penalties=False)


def _levels(name: str) -> tuple[str, ...]:
    if name.startswith("gemini-3-pro"):
        return ("low", "high")
    if _WITH_MINIMAL.match(name):
        return ("minimal", "low", "medium", "high")
    return ("low", "medium", "high")


def thinking_of(wanted: Reasoning, model: Generation) -> dict[str, object] | None:
    """Return the `thinkingConfig`; None for a model that does not think, or when all is said.

    Where thinking can't be turned off, it is turned down as far as it goes. Thoughts are shown
    only where there are some: Google refuses the wish otherwise.
    """
    effort, budget = wanted.effort, wanted.budget_tokens
    if effort and effort not in EFFORTS:
        effort = USUAL_EFFORT
    config: dict[str, object] = {}
    if model.levels and (effort or budget is not None):
        level = effort or effort_of(budget or 0)
        config["thinkingLevel"] = nearest_effort(level, model.levels).upper()
    elif model.budget is not None and (effort or budget is not None):
        config["thinkingBudget"] = _budget(effort, budget, model.budget, off=model.off)
    elif not (model.levels or model.budget):
        return None
    if wanted.shown and config.get("thinkingBudget") != 0:
        config["includeThoughts"] = True
    return config or None


def _budget(effort: str, budget: int | None, bounds: tuple[int, int], *, off: bool) -> int:
    tokens = budget if budget is not None and effort != NO_EFFORT else budget_of(effort)
    least, most = bounds
    if tokens <= 0 and off:
        return 0
    return max(least, min(tokens, most))
