"""What requests used, by agent, model and day: statements. Transactions belong to the caller."""

from collections.abc import Iterable

from pai.ir.ledger import Usage
from pai.ledger.sql import Db

SUMS = (
    "requests",
    "input",
    "cached",
    "output",
    "reasoning",
    "cost_microusd",
    "estimated",
    "first_byte_ms",
    "duration_ms",
)
"""Columns that only grow; fields of `Usage`."""
_COLUMNS = ", ".join(SUMS)


def add_usages(db: Db, usages: Iterable[Usage]) -> None:
    """Add usage to its (agent, model, day)."""
    marks = ", ".join("?" * (3 + len(SUMS)))
    sums = ", ".join(f"{each} = usage_day.{each} + excluded.{each}" for each in SUMS)
    statement = (
        f"INSERT INTO usage_day (agent, model, day, {_COLUMNS}) VALUES ({marks})"
        f" ON CONFLICT (agent, model, day) DO UPDATE SET {sums}"
    )
    for each in usages:
        counts = (getattr(each, column) for column in SUMS)
        db.execute(statement, (each.agent, each.model, each.day, *counts))


def find_usages(db: Db, agent: str | None, model: str | None, since: str | None) -> list[Usage]:
    """Return the usage rows that match, sorted by agent, model and day."""
    found = db.execute(
        f"SELECT agent, model, day, {_COLUMNS} FROM usage_day"
        " WHERE (agent = ? OR ?) AND (model = ? OR ?) AND day >= ? ORDER BY agent, model, day",
        (agent or "", agent is None, model or "", model is None, since or ""),
    )
    return [
        Usage(agent=a, model=m, day=d, **dict(zip(SUMS, sums, strict=True)))
        for a, m, d, *sums in found.fetchall()
    ]
