"""Rules over whole lists: every item once.

Used as field validators, so that a broken rule is reported together with faults elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pai.api.fault import Path, Problem, all_wrong
from pai.api.scalars import echo

Item = TypeVar("Item")


def repeated(
    items: Sequence[Item], key: Callable[[Item], str], what: str, field: Path = ()
) -> list[Problem]:
    """Return a problem for each item whose key an earlier one has. field: below the item."""
    seen: dict[str, int] = {}
    problems = []
    for index, item in enumerate(items):
        first = seen.setdefault(key(item), index)
        if first != index:
            message = f"{what} {echo(key(item))} is given twice, first at [{first}]"
            problems.append(Problem(message, path=(index, *field)))
    return problems


def unique_words(items: tuple[str, ...]) -> tuple[str, ...]:
    """Check that no text of a list is given twice."""
    problems = repeated(items, str, "the entry")
    if problems:
        raise all_wrong(problems)
    return items
