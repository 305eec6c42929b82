"""What happened to agents: events, audit records and counts of requests, all bounded."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.store import tables
from pai.store.record import Event
from pai.store.upsert import put

KEPT_EVENTS = 100
KEPT_AUDIT = 2000  # of one agent
KEPT_AUDIT_IN_ALL = 200_000
KEPT_DAYS = 32
_MESSAGE_BYTES = 2000  # PostgreSQL's index holds no row of more than about 2,700


def record_event(connection: Connection, agent: AgentKey, event: Event) -> None:
    """Keep an event, or count up the one that says the same; the oldest go beyond the bound."""
    table = tables.events
    key = {
        "namespace": agent.namespace,
        "agent": agent.name,
        "type": event.type,
        "reason": event.reason,
        "message": _storable(event.message),
    }
    values = {"at": event.at, "count": event.count}
    put(connection, table, key, values, again={**values, "count": table.c.count + event.count})
    mine = (table.c.namespace == agent.namespace, table.c.agent == agent.name)
    kept = select(table.c.id).where(*mine).order_by(table.c.at.desc(), table.c.id.desc())
    connection.execute(delete(table).where(*mine, table.c.id.not_in(kept.limit(KEPT_EVENTS))))


def read_events(connection: Connection, agent: AgentKey) -> list[Event]:
    """Return an agent's events, oldest first."""
    table = tables.events
    query = select(table).where(table.c.namespace == agent.namespace, table.c.agent == agent.name)
    rows = connection.execute(query.order_by(table.c.at, table.c.id))
    return [Event(row.at, row.type, row.reason, row.message, row._mapping["count"]) for row in rows]


def add_audit(connection: Connection, agent: AgentKey, records: Sequence[AuditRecord]) -> None:
    """Keep decisions and count them by provider and day."""
    table = tables.audit
    rows = [
        {
            "namespace": agent.namespace,
            "agent": agent.name,
            "record": msgspec.json.encode(record).decode(),
        }
        for record in records
    ]
    connection.execute(insert(table), rows)
    mine = (table.c.namespace == agent.namespace, table.c.agent == agent.name)
    newest = select(table.c.id).where(*mine).order_by(table.c.id.desc())
    bound = newest.offset(KEPT_AUDIT).limit(1).scalar_subquery()
    connection.execute(delete(table).where(*mine, table.c.id <= bound))
    last = select(func.max(table.c.id)).scalar_subquery()
    connection.execute(delete(table).where(table.c.id <= last - KEPT_AUDIT_IN_ALL))
    counts = Counter((record.at[:10], record.provider) for record in records if record.provider)
    for (day, provider), number in sorted(counts.items()):
        _count(connection, agent, day, provider, number)


def read_audit(
    connection: Connection, namespace: str, agent: str | None, limit: int
) -> list[AuditRecord]:
    """Return the newest decisions, oldest first."""
    table = tables.audit
    query = select(table.c.record).where(table.c.namespace == namespace)
    if agent is not None:
        query = query.where(table.c.agent == agent)
    rows = connection.execute(query.order_by(table.c.id.desc()).limit(limit)).scalars().all()
    return [msgspec.json.decode(row, type=AuditRecord) for row in reversed(rows)]


def requests_on(connection: Connection, agent: AgentKey, day: str) -> dict[str, int]:
    """Return requests by provider on a UTC day."""
    table = tables.request_counts
    query = select(table.c.provider, table.c.requests).where(
        table.c.namespace == agent.namespace, table.c.agent == agent.name, table.c.day == day
    )
    return {row.provider: row.requests for row in connection.execute(query)}


def forget(connection: Connection, agent: AgentKey) -> None:
    """Drop events and counts of an agent; what it did to others stays on record."""
    for table in (tables.events, tables.request_counts):
        connection.execute(
            delete(table).where(table.c.namespace == agent.namespace, table.c.agent == agent.name)
        )


def _storable(message: str) -> str:
    """Return a message that every database can hold and index."""
    text = message.replace("\0", "\N{REPLACEMENT CHARACTER}")
    cut = text.encode()[:_MESSAGE_BYTES].decode(errors="ignore")
    return text if cut == text else f"{cut}…"


def _count(connection: Connection, agent: AgentKey, day: str, provider: str, number: int) -> None:
    table = tables.request_counts
    key = {"namespace": agent.namespace, "agent": agent.name, "day": day, "provider": provider}
    more = {"requests": table.c.requests + number}
    put(connection, table, key, {"requests": number}, again=more)
    mine = (table.c.namespace == agent.namespace, table.c.agent == agent.name)
    days = select(table.c.day).where(*mine).distinct().order_by(table.c.day.desc())
    connection.execute(delete(table).where(*mine, table.c.day.not_in(days.limit(KEPT_DAYS))))
