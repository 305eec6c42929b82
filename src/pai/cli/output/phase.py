"""An agent's phase, with its colour, and which conditions deserve a look."""

from collections.abc import Callable

from pai.cli.output.paint import Paint
from pai.cli.output.resource import Condition, Resource, conditions, text

_COLOURS: dict[str, Callable[[Paint, str], str]] = {
    "Running": Paint.good,
    "Failed": Paint.bad,
    "Pending": Paint.warn,
    "Creating": Paint.warn,
    "Terminating": Paint.dim,
}
# The value each condition has when nothing is wrong; any other condition is always shown.
_FINE = {
    "Ready": "True",
    "Accepted": "True",
    "FilesystemConfined": "True",
    "ScalingActive": "True",
    "Exposed": "True",
    "Paused": "False",
    "BudgetExhausted": "False",
}


def painted_phase(agent: Resource, paint: Paint) -> str:
    """Return the phase in its colour, with `(paused)` where that is why nothing runs."""
    phase = text(agent, "status", "phase") or "Creating"
    paused = any(c.type == "Paused" and c.status == "True" for c in conditions(agent))
    return _COLOURS.get(phase, Paint.warn)(paint, phase + (" (paused)" if paused else ""))


def remarkable(agent: Resource) -> list[Condition]:
    """Return the conditions that are not fine, in the order of the status."""
    return [c for c in conditions(agent) if _FINE.get(c.type) != c.status]
