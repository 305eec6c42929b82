"""Read the fields of a resource as the API gives it; absent ones are told apart from empty ones."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pai.cli.output.plain import printable

Resource = Mapping[str, Any]


class Condition(NamedTuple):
    """One condition of an agent."""

    type: str
    status: str
    reason: str
    message: str


class Tokens(NamedTuple):
    """The day's tokens of an agent. limit None = not known; likewise resets_in_seconds."""

    used: int
    reserved: int
    limit: int | None
    resets_in_seconds: int | None = None


def dig(document: Any, *path: str) -> Any:
    """Return what lies at `path`, or None where any step is missing."""
    for step in path:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def text(document: Any, *path: str) -> str:
    """Return the text at `path` as one printable line, "" where there is none."""
    found = dig(document, *path)
    return "" if found is None else printable(str(found)).replace("\n", " ").expandtabs(4)


def number(document: Any, *path: str) -> int:
    """Return the whole number at `path`, 0 where there is none."""
    found = dig(document, *path)
    return int(found) if isinstance(found, int | float) else 0


def items(document: Any, *path: str) -> Sequence[Any]:
    """Return the list at `path`, empty where there is none."""
    found = dig(document, *path)
    return found if isinstance(found, list | tuple) else ()


def name_of(resource: Resource) -> str:
    """Return the resource's name."""
    return text(resource, "metadata", "name")


def conditions(agent: Resource) -> list[Condition]:
    """Return the agent's conditions in the order of the status."""
    return [
        Condition(*(text(item, field) for field in Condition._fields))
        for item in items(agent, "status", "conditions")
    ]


def desired_replicas(agent: Resource) -> int:
    """Return how many replicas should run now."""
    if dig(agent, "spec", "paused"):
        return 0
    current = dig(agent, "status", "currentReplicas")
    if dig(agent, "spec", "autoscaling") and isinstance(current, int):
        return current
    wanted = dig(agent, "spec", "replicas")
    return wanted if isinstance(wanted, int) else 1


def tokens(agent: Resource, usage: Resource | None = None) -> Tokens:
    """Return the day's tokens, from a report's `usage` where it is given, else from the status."""
    limit = dig(usage, "limit")
    if limit is None:
        limit = dig(agent, "spec", "tokens", "maxPerDay")
    used = dig(usage, "used")
    reserved = dig(usage, "reserved")
    resets = dig(usage, "resetsInSeconds")
    return Tokens(
        number(agent, "status", "tokensToday") if used is None else int(used),
        number(agent, "status", "tokensReserved") if reserved is None else int(reserved),
        limit if isinstance(limit, int) else None,
        resets if isinstance(resets, int) else None,
    )
