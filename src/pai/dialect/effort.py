"""How much to think, as a word and as a budget of tokens: one table for every dialect.

Some APIs take a word, some a number, some either. A number stands for the highest word that it
pays for.
"""

from collections.abc import Mapping

NO_EFFORT = "none"
USUAL_EFFORT = "medium"
_BUDGETS: Mapping[str, int] = {
    NO_EFFORT: 0,
    "minimal": 1_024,
    "low": 2_048,
    USUAL_EFFORT: 8_192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 65_536,
}
EFFORTS = tuple(_BUDGETS)
"""From no thinking to the most."""


def budget_of(effort: str) -> int:
    """Return the tokens for an effort; the usual ones for a word that is not in the table."""
    return _BUDGETS.get(effort, _BUDGETS[USUAL_EFFORT])


def effort_of(budget_tokens: int) -> str:
    """Return the effort that a budget pays for; a budget below the least is still some effort."""
    if budget_tokens <= 0:
        return NO_EFFORT
    paid = [each for each, tokens in _BUDGETS.items() if 0 < tokens <= budget_tokens]
    return paid[-1] if paid else "minimal"


def nearest_effort(effort: str, offered: tuple[str, ...]) -> str:
    """Return the highest of `offered` up to `effort`, else the lowest.

    offered: in the order of EFFORTS, not empty. A word that is not in the table is the usual one.
    """
    rank = EFFORTS.index(effort if effort in _BUDGETS else USUAL_EFFORT)
    within = [each for each in offered if EFFORTS.index(each) <= rank]
    return within[-1] if within else offered[0]
