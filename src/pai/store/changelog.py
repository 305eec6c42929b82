"""The change log: what watchers read, bounded, and the counter of resource versions."""

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from pai.store import tables
from pai.store.errors import VersionGoneError
from pai.store.record import Change, ChangeType, Outcome, Record, Written
from pai.store.upsert import put

KEPT_CHANGES = 10_000
_SLACK = 500  # prune in steps: one DELETE for many commits
_TYPES: dict[Outcome, ChangeType] = {
    "created": "ADDED",
    "configured": "MODIFIED",
    "deleted": "DELETED",
}
_T = tables.changes
_COUNTER = "resource_version"


def newest_version(connection: Connection) -> int:
    """Return the resource version of the newest write, 0 before the first."""
    query = select(tables.meta.c.value).where(tables.meta.c.name == _COUNTER)
    return int(connection.execute(query).scalar() or 0)


def next_version(connection: Connection) -> int:
    """Take the next resource version."""
    version = newest_version(connection) + 1
    put(connection, tables.meta, {"name": _COUNTER}, {"value": str(version)})
    return version


def record_change(connection: Connection, written: Written) -> Change:
    """Append what a write did; forget the oldest changes when there are too many."""
    record = written.record
    change = Change(record.resource_version, _TYPES[written.outcome], record)
    text = msgspec.json.encode(record).decode()
    values = {"resource_version": record.resource_version, "type": change.type, "record": text}
    connection.execute(insert(_T).values(values))
    if record.resource_version % _SLACK == 0:
        oldest = record.resource_version - KEPT_CHANGES
        connection.execute(delete(_T).where(_T.c.resource_version <= oldest))
    return change


def changes_after(connection: Connection, after: int, limit: int) -> list[Change]:
    """Return changes after a version, oldest first. Raises VersionGoneError."""
    newest = newest_version(connection)
    oldest = connection.execute(select(func.min(_T.c.resource_version))).scalar()
    if after > newest or (after < newest and (oldest is None or after < oldest - 1)):
        raise VersionGoneError(
            f"resourceVersion {after}: the change log no longer holds it",
            hint="list again and watch from the version of that list",
        )
    query = select(_T).where(_T.c.resource_version > after)
    rows = connection.execute(query.order_by(_T.c.resource_version).limit(limit))
    return [
        Change(row.resource_version, row.type, msgspec.json.decode(row.record, type=Record))
        for row in rows
    ]
