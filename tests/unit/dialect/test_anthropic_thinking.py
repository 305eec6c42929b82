from typing import Any

import pytest

from pai.dialect.anthropic.generation import generation_of
from pai.dialect.anthropic.thinking import Thought, thought_of
from pai.dialect.conversation import (
    Conversation,
    Reasoning,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

OLD, MIDDLE, NEW, GREAT = "claude-opus-4-1", "claude-opus-4-6", "claude-sonnet-5", "claude-fable-5"
USER = Turn("user", (Text(text="hi"),))
CALL = ToolCall(id="c", name="f")
RESULT = Turn("user", (ToolResult(id="c"),))
DROPPED = Thought(dropped=True)


def thought(
    model: str, wish: Reasoning | None, cap: int = 100_000, *turns: Turn, **more: Any
) -> Thought:
    conversation = Conversation(turns=turns or (USER,), reasoning=wish, **more)
    return thought_of(conversation, generation_of(model), cap)


def enabled(budget: int) -> Thought:
    return Thought({"type": "enabled", "budget_tokens": budget})


@pytest.mark.parametrize(
    ("wish", "cap", "expected"),
    [
        (None, 9_000, Thought()),
        (Reasoning(effort="none"), 9_000, Thought()),
        (Reasoning(effort="low"), 9_000, enabled(2_048)),
        (Reasoning(), 9_000, enabled(8_192)),
        (Reasoning(effort="high", budget_tokens=3_000), 9_000, enabled(3_000)),
        (Reasoning(budget_tokens=5), 9_000, enabled(1_024)),
        (Reasoning(effort="high"), 9_000, enabled(4_500)),
        (Reasoning(effort="high"), 1_025, enabled(1_024)),
        (Reasoning(effort="high"), 1_024, DROPPED),
    ],
)
def test_a_budget_within_the_cap(wish: Reasoning | None, cap: int, expected: Thought) -> None:
    assert thought(OLD, wish, cap) == expected


@pytest.mark.parametrize(
    ("model", "wish", "expected"),
    [
        (MIDDLE, Reasoning(effort="minimal"), Thought({"type": "adaptive"}, "low")),
        (MIDDLE, Reasoning(effort="xhigh", shown=True), Thought({"type": "adaptive"}, "high")),
        (MIDDLE, Reasoning(), Thought({"type": "adaptive"})),
        (
            NEW,
            Reasoning(effort="xhigh", shown=True),
            Thought({"type": "adaptive", "display": "summarized"}, "xhigh"),
        ),
        (NEW, Reasoning(budget_tokens=25_000), Thought({"type": "adaptive"}, "high")),
        (NEW, Reasoning(effort="none"), Thought({"type": "disabled"})),
        ("claude-sonnet-5-5", Reasoning(effort="none"), Thought({"type": "between_tools"})),
        (GREAT, Reasoning(effort="none"), Thought(None, "low", dropped=True)),
        ("claude-3-5-haiku", Reasoning(effort="low"), DROPPED),
        ("claude-3-5-haiku", Reasoning(effort="none"), Thought()),
    ],
)
def test_an_effort_where_the_model_adapts(model: str, wish: Reasoning, expected: Thought) -> None:
    assert thought(model, wish) == expected


@pytest.mark.parametrize(
    ("more", "at_odds"),
    [
        ({"temperature": 0.5}, True),
        ({"temperature": 1.0}, False),
        ({"top_k": 5}, True),
        ({"top_p": 0.5}, True),
        ({"top_p": 0.96}, False),
    ],
)
def test_sampling_and_thinking_exclude_each_other(more: dict[str, Any], at_odds: bool) -> None:
    wish = Reasoning(effort="low")
    assert (thought(OLD, wish, **more) == DROPPED) is at_odds
    assert (thought(MIDDLE, wish, **more) == DROPPED) is at_odds
    assert thought(NEW, wish, **more) != DROPPED  # there sampling yields


def test_a_forced_tool_excludes_a_budget() -> None:
    wish, forced = Reasoning(effort="low"), ToolChoice("any")
    assert thought(OLD, wish, tool_choice=forced) == DROPPED
    assert thought(OLD, wish, tool_choice=ToolChoice("auto")) != DROPPED
    assert thought(MIDDLE, wish, tool_choice=forced) != DROPPED


def test_the_beginning_of_an_answer_excludes_thinking() -> None:
    begun = Turn("assistant", (Text(text="It is"),))
    assert thought(OLD, Reasoning(effort="low"), 9_000, USER, begun) == DROPPED


@pytest.mark.parametrize(
    ("parts", "lost"),
    [
        ((CALL,), True),
        ((Text(text="x"), CALL), True),
        ((Thinking(text="x"), CALL), True),
        ((Thinking(text="x", seal="s", vendor="anthropic"), CALL), False),
        ((Thinking(seal="s", vendor="anthropic", hidden=True), CALL), False),
        ((Text(text="x"),), False),
    ],
)
def test_a_lost_thought_before_a_call_ends_thinking_by_budget(
    parts: tuple[Any, ...], lost: bool
) -> None:
    turns = (USER, Turn("assistant", parts), RESULT)
    wish = Reasoning(effort="low")
    assert (thought(OLD, wish, 9_000, *turns) == DROPPED) is lost
    assert thought(NEW, wish, 9_000, *turns) != DROPPED
