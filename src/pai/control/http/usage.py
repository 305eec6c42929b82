"""What agents used, as the public API tells it: rows, sums of them, and CSV. Pure."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pai.budget.model_facts import model_facts
from pai.ir.ledger import Usage, agent_subject
from pai.ledger.balance import Balance

Row = dict[str, Any]
NAMES = ("agent", "model", "day")
_COUNTS = ("requests", "input", "cached", "output", "reasoning")
_SUMMED = (*_COUNTS, "reserved", "cost", "estimated", "firstByteMs", "durationMs")
COLUMNS = (*NAMES, *_SUMMED, "priced")
"""Columns of a row, in order."""


def rows_of(
    usages: Iterable[Usage],
    namespace: str,
    balances: Mapping[str, Balance],
    today: str,
    is_priced: Callable[[str], bool],
) -> list[Row]:
    """Return usage of a namespace's agents; names without the namespace.

    reserved: tokens held for running requests, told once per agent, in today's first row.
    priced: whether the cost is known. is_priced: says so of a binding that there is, by its name.
    """
    told: set[str] = set()
    rows = []
    for usage in usages:
        if usage.agent.partition("/")[0] != namespace:
            continue
        balance = balances.get(agent_subject(usage.agent))
        first_today = usage.day == today and usage.agent not in told
        if first_today:
            told.add(usage.agent)
        rows.append(_row(usage, balance.reserved if balance and first_today else 0, is_priced))
    return rows


def grouped(rows: list[Row], by: str | None) -> list[Row]:
    """Sum rows over everything but `by`, one of `NAMES`; None leaves them as they are."""
    if by is None:
        return rows
    groups: dict[str, Row] = {}
    for row in rows:
        group = groups.get(row[by])
        if group is None:
            groups[row[by]] = {**row, **dict.fromkeys(NAMES, ""), by: row[by]}
            continue
        for column in _SUMMED:
            group[column] = round(group[column] + row[column], 6)
        group["priced"] = group["priced"] and row["priced"]
    return [groups[name] for name in sorted(groups)]


def as_csv(rows: list[Row]) -> str:
    """Return rows as CSV with a line of names. Times are sums of milliseconds.

    Source: RFC 4180, but for its line ends.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in COLUMNS])
    return out.getvalue()


def has_price(spec: Mapping[str, Any]) -> bool:
    """Say whether calls of a binding are priced; spec: of the ModelBinding, as written."""
    known = model_facts(str(spec.get("model", ""))).price
    return spec.get("prices") is not None or known is not None


def _row(usage: Usage, reserved: int, is_priced: Callable[[str], bool]) -> Row:
    model = usage.model.partition("/")[2]
    tokens = usage.input + usage.output
    return {
        "agent": usage.agent.partition("/")[2],
        "model": model,
        "day": usage.day,
        **{name: getattr(usage, name) for name in _COUNTS},
        "reserved": reserved,
        "cost": round(usage.cost_microusd / 1_000_000, 6),
        "estimated": usage.estimated,
        "firstByteMs": usage.first_byte_ms,
        "durationMs": usage.duration_ms,
        "priced": bool(usage.cost_microusd) or not tokens or is_priced(model),
    }


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
