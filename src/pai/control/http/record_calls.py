"""Calls that read what happened in a namespace: usage and audit."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response

from pai.budget.day import utc_day
from pai.control.documents import MODEL
from pai.control.http.answers import json_answer
from pai.control.http.services import Services
from pai.control.http.usage import Row, as_csv, grouped, has_price, rows_of
from pai.store.record import ResourceKey

MAX_AUDIT = 2000
CSV = "text/csv"
_DAY = r"^\d{4}-\d{2}-\d{2}$"


def record_calls(services: Services) -> APIRouter:
    """Return the routes below `/api/v1/namespaces/{namespace}`."""
    router = APIRouter(tags=["records"])

    @router.get("/usage", summary="Tokens, cost and times per agent, model and UTC day")
    async def usage(
        namespace: str,
        agent: str | None = None,
        since: Annotated[str | None, Query(pattern=_DAY)] = None,
        by: Annotated[str | None, Query(pattern="^(agent|model|day)$")] = None,
        shape: Annotated[Literal["json", "csv"] | None, Query(alias="format")] = None,
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        rows = grouped(await usage_rows(services, namespace, agent, since), by)
        if shape == "csv" or (shape is None and _wants_csv(accept)):
            return Response(as_csv(rows), media_type=f"{CSV}; charset=utf-8; header=present")
        return json_answer({"items": rows})

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
) -> list[Row]:
    """Return usage of a namespace's agents, or of one. Raises TransientError."""
    identity = f"{namespace}/{agent}" if agent else None
    found = await services.ledger.usage(agent=identity, since=since)
    balances = await services.ledger.balances()
    today = utc_day(services.now().timestamp())

    def is_priced(binding: str) -> bool:
        record = services.catalog.records.get(ResourceKey(MODEL, namespace, binding))
        return record is not None and has_price(record.spec)

    return rows_of(found, namespace, balances, today, is_priced)


def _wants_csv(accept: str) -> bool:
    """Say whether a caller names CSV, and no JSON beside it."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return CSV in kinds and "application/json" not in kinds
