"""Exits of containers, told in words."""

from pai.reconcile.containers.observed import ObservedContainer
from pai.render.containers import Container

_UNITS = (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10))
_KILLED = 137


def describe_exit(container: ObservedContainer, wanted: Container) -> str:
    """Say how a container ended, with the last line it wrote."""
    limit = container.memory_bytes
    if container.oom_killed:
        return f"{wanted.step} was killed: over its memory limit{_amount(limit)}"
    text = f"{wanted.step} exited with code {container.exit_code}"
    if container.exit_code == _KILLED and limit:
        text = f"{wanted.step} was killed (137), perhaps over its memory limit{_amount(limit)}"
    detail = container.last_log or container.error
    return f"{text}: {detail}" if detail else text


def _amount(limit: int) -> str:
    return f" of {quantity(limit)}" if limit else ""


def quantity(number: int) -> str:
    """Return bytes as a Kubernetes quantity, exact."""
    for unit, size in _UNITS:
        if number and number % size == 0:
            return f"{number // size}{unit}"
    return str(number)
