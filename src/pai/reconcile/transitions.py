"""Changes between two statuses that people would look for among an agent's events. Pure."""

from pai.reconcile.event import Event
from pai.reconcile.status import AgentStatus, Condition

_WARNING_PHASES = frozenset({"Failed"})


def transitions(before: AgentStatus | None, after: AgentStatus) -> tuple[Event, ...]:
    """Return what happened between two looks: a new phase, another failure, a spent budget."""
    return (*_phase(before, after), *_budget(before, after))


def _phase(before: AgentStatus | None, after: AgentStatus) -> tuple[Event, ...]:
    kind = "Warning" if after.phase in _WARNING_PHASES else "Normal"
    if before is None or before.phase != after.phase:
        text = after.message or f"the agent is {after.phase.lower()}"
        return (Event(kind, after.phase, text),)
    if after.phase in _WARNING_PHASES and after.message not in ("", before.message):
        ready = _condition(after, "Ready")
        return (Event(kind, ready.reason if ready else after.phase, after.message),)
    return ()


def _budget(before: AgentStatus | None, after: AgentStatus) -> tuple[Event, ...]:
    was, now = (_condition(status, "BudgetExhausted") for status in (before, after))
    if now is None or now.status == (was.status if was else "False"):
        return ()
    if now.status == "True":
        return (Event("Warning", now.reason, now.message),)
    return (Event("Normal", now.reason, "tokens are left again"),)


def _condition(status: AgentStatus | None, kind: str) -> Condition | None:
    found = (item for item in (status.conditions if status else ()) if item.type == kind)
    return next(found, None)
