"""Calls that read what happened in a namespace: usage and audit."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from msgspec import structs

from pai.budget.day import utc_day
from pai.control.http.answers import json_answer
from pai.control.http.services import Services
from pai.ir.ledger import Usage, agent_subject

MAX_AUDIT = 2000
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_SUMMED = ("requests", "input", "cached", "output", "reasoning")
_GROUPINGS = {"agent": ("agent",), "model": ("model",), "day": ("day",)}


def record_calls(services: Services) -> APIRouter:
    """Return the routes below `/api/v1/namespaces/{namespace}`."""
    router = APIRouter(tags=["records"])

    @router.get("/usage", summary="Tokens and requests per agent, model and UTC day")
    async def usage(
        namespace: str,
        agent: str | None = None,
        since: Annotated[str | None, Query(pattern=_DAY)] = None,
        by: Annotated[str | None, Query(pattern="^(agent|model|day)$")] = None,
    ) -> Response:
        rows = await usage_rows(services, namespace, agent, since)
        return json_answer({"items": _grouped(rows, by)})

    @router.get("/audit", summary="Decisions of sidecars, oldest first")
    async def audit(
        namespace: str,
        agent: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_AUDIT)] = 100,
    ) -> Response:
        records = await services.store.audit(namespace, agent, limit)
        return json_answer({"items": records})

    return router


async def usage_rows(
    services: Services, namespace: str, agent: str | None, since: str | None
) -> list[dict[str, Any]]:
    """Return usage of a namespace's agents; names without the namespace.

    reserved: tokens held for running requests, told once per agent, in today's first row.
    """
    identity = f"{namespace}/{agent}" if agent else None
    found = await services.ledger.usage(agent=identity, since=since)
    balances = await services.ledger.balances()
    today = utc_day(services.now().timestamp())
    told: set[str] = set()
    rows = []
    for item in found:
        if item.agent.partition("/")[0] != namespace:
            continue
        balance = balances.get(agent_subject(item.agent))
        first_today = item.day == today and item.agent not in told
        if first_today:
            told.add(item.agent)
        rows.append(_row(item, balance.reserved if balance and first_today else 0))
    return rows


def _row(usage: Usage, reserved: int) -> dict[str, Any]:
    row = structs.asdict(usage)
    return {
        "agent": usage.agent.partition("/")[2],
        "model": usage.model.partition("/")[2],
        "day": usage.day,
        **{name: row[name] for name in _SUMMED},
        "reserved": reserved,
        "cost": round(usage.cost_microusd / 1_000_000, 6),
        "estimated": usage.estimated,
        "firstByteMs": usage.first_byte_ms,
        "durationMs": usage.duration_ms,
    }


def _grouped(rows: list[dict[str, Any]], by: str | None) -> list[dict[str, Any]]:
    """Sum rows over everything but `by`; None leaves them as they are."""
    if by is None:
        return rows
    keep = _GROUPINGS[by]
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        name = tuple(row[field] for field in keep)
        group = groups.setdefault(name, {"agent": "", "model": "", "day": "", **_of(row, keep)})
        for field, value in row.items():
            if isinstance(value, int | float):
                group[field] = round(group.get(field, 0) + value, 6)
    return [groups[name] for name in sorted(groups)]


def _of(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: row[field] for field in fields}
