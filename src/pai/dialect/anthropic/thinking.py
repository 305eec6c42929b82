"""Ask a Claude model to think as much as a client wants, where its request allows for it."""

from typing import NamedTuple

from pai.dialect.anthropic.generation import Generation
from pai.dialect.anthropic.request import LEAST_THINKING
from pai.dialect.conversation import Conversation, Reasoning, Thinking, ToolCall, Turn
from pai.dialect.effort import NO_EFFORT, USUAL_EFFORT, budget_of, effort_of, nearest_effort

_LEAST_TOP_P = 0.95  # below it a model does not think


class Thought(NamedTuple):
    """thinking, effort: what to send, None = nothing. dropped: not all of the wish is granted."""

    thinking: dict[str, object] | None = None
    effort: str | None = None
    dropped: bool = False


def thought_of(conversation: Conversation, generation: Generation, cap: int) -> Thought:
    """Return how to ask for the thinking that a conversation wants."""
    wish = conversation.reasoning
    if wish is None:
        return Thought()
    if wish.effort == NO_EFFORT:
        return _none(generation)
    if generation.thinks == "never" or _is_at_odds(conversation, generation):
        return Thought(dropped=True)
    if generation.thinks == "adaptive":
        return _adaptive(wish, generation)
    if cap <= LEAST_THINKING or _lacks_thought(conversation.turns):
        return Thought(dropped=True)
    budget = wish.budget_tokens or budget_of(wish.effort or USUAL_EFFORT)
    if budget >= cap:
        budget = cap // 2
    return Thought({"type": "enabled", "budget_tokens": max(LEAST_THINKING, budget)})


def _none(generation: Generation) -> Thought:
    if generation.off == "":  # it always thinks, if only a little
        return Thought(effort=generation.efforts[0], dropped=True)
    if generation.thinks == "adaptive":
        return Thought({"type": generation.off})
    return Thought()  # it doesn't unless told to


def _adaptive(wish: Reasoning, generation: Generation) -> Thought:
    thinking: dict[str, object] = {"type": "adaptive"}
    if wish.shown and generation.silent:
        thinking["display"] = "summarized"
    effort = wish.effort
    if not effort and wish.budget_tokens is not None:
        effort = effort_of(wish.budget_tokens)
    return Thought(thinking, nearest_effort(effort, generation.efforts) if effort else None)


def _is_at_odds(conversation: Conversation, generation: Generation) -> bool:
    """Return whether something else in the request forbids to think."""
    if conversation.turns and conversation.turns[-1].role == "assistant":
        return True
    if generation.samples and (
        conversation.temperature not in (None, 1.0)
        or conversation.top_k is not None
        or (conversation.top_p is not None and conversation.top_p < _LEAST_TOP_P)
    ):
        return True
    choice = conversation.tool_choice
    forced = choice is not None and choice.mode in ("any", "tool")
    return forced and generation.thinks == "budget"


def _lacks_thought(turns: tuple[Turn, ...]) -> bool:
    """Return whether the thought is lost with which the last call of a tool began.

    A model with a budget demands it back; the client may have had no place for it.
    """
    answers = [turn for turn in turns if turn.role == "assistant"]
    if not answers or not any(isinstance(part, ToolCall) for part in answers[-1].parts):
        return False
    first = answers[-1].parts[0]
    return not (isinstance(first, Thinking) and first.vendor == "anthropic" and first.seal)
