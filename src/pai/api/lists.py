"""Rules over whole lists: every item once.

Used as field validators, so that a broken rule is reported together with faults elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pai.api.fault import Path, Problem, all_wrong
from pai.api.model import Cel, Twin
from pai.api.scalars import echo

# Of a list whose order counts: an applier's list replaces the one before as a whole.
UNIQUE_IN_ORDER = Twin(
    Cel(
        "self.all(one, self.exists_one(other, one == other))",
        "an entry is given twice",
        hint="keep one of the two",
    ),
    list_type="atomic",
)
# Of a list whose order is nothing: the API server keeps entries apart, and merges what several
# appliers add.
UNIQUE = Twin(list_type="set")

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
