"""What an agent's spec can name, and following those names."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pai.api.modelbinding import ModelBinding
from pai.api.provider import Provider
from pai.errors import RefNotFoundError

Written = TypeVar("Written", ModelBinding, Provider)
Resolved = TypeVar("Resolved")


class References(NamedTuple):
    """Everything in the agent's namespace, by name. secret_keys: entry names, never values."""

    bindings: Mapping[str, ModelBinding] = {}
    providers: Mapping[str, Provider] = {}
    secret_keys: Mapping[str, Collection[str]] = {}


def follow(
    names: Sequence[str],
    known: Mapping[str, Written],
    path: str,
    kind: str,
    translate: Callable[[Written], Resolved | RefNotFoundError],
) -> tuple[list[Resolved], list[RefNotFoundError]]:
    """Return what the names lead to, in their order, and what is missing."""
    found: list[Resolved] = []
    missing: list[RefNotFoundError] = []
    for index, name in enumerate(names):
        if name not in known:
            missing.append(RefNotFoundError(f"{path}[{index}]", kind, name, sorted(known)))
            continue
        result = translate(known[name])
        if isinstance(result, RefNotFoundError):
            missing.append(result)
        else:
            found.append(result)
    return found, missing
