"""What becomes an event: a phase, another failure, a spent budget; and nothing twice."""

from pai.reconcile import AgentStatus, Condition, Event, transitions
from pai.reconcile.status import Phase


def status(phase: Phase = "Running", message: str = "", *, spent: bool = False) -> AgentStatus:
    budget = Condition(
        type="BudgetExhausted",
        status=str(spent),
        reason="BudgetSpent" if spent else "WithinBudget",
        message="the agent has used its 9 tokens" if spent else "",
    )
    ready = Condition(type="Ready", status="False", reason="Exited", message=message)
    return AgentStatus(phase=phase, message=message, conditions=(ready, budget))


def test_nothing_happens_when_nothing_changes() -> None:
    for same in (status(), status("Failed", "agent exited"), status(spent=True)):
        assert transitions(same, same) == ()


def test_a_first_and_a_new_phase() -> None:
    assert transitions(None, status()) == (Event("Normal", "Running", "the agent is running"),)
    assert transitions(status(), status("Failed", "agent exited with code 1")) == (
        Event("Warning", "Failed", "agent exited with code 1"),
    )


def test_another_failure_is_told_another_wait_is_not() -> None:
    first, second = status("Failed", "code 1"), status("Failed", "code 2")
    assert transitions(first, second) == (Event("Warning", "Exited", "code 2"),)
    assert transitions(status("Pending", "starts a"), status("Pending", "starts b")) == ()


def test_a_budget_ends_and_begins_again() -> None:
    spent = transitions(status(), status(spent=True))
    assert spent == (Event("Warning", "BudgetSpent", "the agent has used its 9 tokens"),)
    again = transitions(status(spent=True), status())
    assert again == (Event("Normal", "WithinBudget", "tokens are left again"),)
