import pytest

from pai.dialect.effort import EFFORTS, budget_of, effort_of, nearest_effort


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_word_and_its_budget_mean_the_same(effort: str) -> None:
    assert effort_of(budget_of(effort)) == effort


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(-1, "none"), (0, "none"), (1, "minimal"), (4_000, "low"), (31_999, "high"), (10**9, "max")],
)
def test_a_budget_stands_for_the_highest_word_it_pays_for(budget: int, effort: str) -> None:
    assert effort_of(budget) == effort


def test_budgets_rise_with_the_effort() -> None:
    budgets = [budget_of(each) for each in EFFORTS]
    assert budgets == sorted(set(budgets))
    assert budget_of("strange") == budget_of("medium")


@pytest.mark.parametrize(
    ("effort", "nearest"),
    [("minimal", "low"), ("low", "low"), ("xhigh", "high"), ("max", "max"), ("strange", "medium")],
)
def test_the_nearest_effort_is_not_above_the_wish(effort: str, nearest: str) -> None:
    assert nearest_effort(effort, ("low", "medium", "high", "max")) == nearest
