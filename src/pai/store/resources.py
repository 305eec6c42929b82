"""Resources in SQLite: plain functions over one open transaction."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from pai.errors import ConflictError, NotFoundError
from pai.store import tables
from pai.store.changelog import next_version, record_change
from pai.store.record import (
    Change,
    Delete,
    Document,
    Put,
    Record,
    ResourceKey,
    Write,
    Written,
)
from pai.store.sealing import Sealer
from pai.store.secret_entries import entries_of, entry_names, put_entries, values_of

_T = tables.resources


def read(connection: Connection, key: ResourceKey) -> Record | None:
    """Return one resource, or None."""
    row = connection.execute(select(_T).where(*_is(key))).first()
    return None if row is None else _record(connection, row)


def read_all(connection: Connection, kind: str | None, namespace: str | None) -> list[Record]:
    """Return resources sorted by key; None = all."""
    query = select(_T).order_by(_T.c.kind, _T.c.namespace, _T.c.name)
    if kind is not None:
        query = query.where(_T.c.kind == kind)
    if namespace is not None:
        query = query.where(_T.c.namespace == namespace)
    names = entries_of(connection)
    return [_record(connection, row, names.get(row.uid, ())) for row in connection.execute(query)]


def write_all(
    connection: Connection, sealer: Sealer, writes: Sequence[Write], now: datetime
) -> tuple[list[Written], list[Change]]:
    """Do the writes in order. Raises ConflictError, NotFoundError; the caller undoes all then."""
    done: list[Written] = []
    changes: list[Change] = []
    for write in writes:
        if isinstance(write, Put):
            written = _put(connection, sealer, write, timestamp(now))
        else:
            written = _delete(connection, write, timestamp(now))
        done.append(written)
        if written.outcome != "unchanged":
            changes.append(record_change(connection, written))
    return done, changes


def replace_status(
    connection: Connection, key: ResourceKey, uid: str, status: Document
) -> Change | None:
    """Write the status of that very object; None when it is as it was, or the object is gone."""
    before = read(connection, key)
    if before is None or before.uid != uid or before.status == status:
        return None
    after = msgspec.structs.replace(
        before, status=status, resource_version=next_version(connection)
    )
    _save(connection, after)
    return record_change(connection, Written(after, "configured"))


def timestamp(now: datetime) -> str:
    """Return RFC 3339 in UTC, whole seconds, as it appears in documents."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _put(connection: Connection, sealer: Sealer, put: Put, now: str) -> Written:
    before = read(connection, put.key)
    _check_expected(put, before)
    if before is None:
        after = Record(
            key=put.key,
            uid=str(uuid.uuid4()),
            generation=1,
            resource_version=0,
            created_at=now,
            spec=put.spec,
            labels=put.labels,
            annotations=put.annotations,
        )
        return Written(_store(connection, sealer, put, after, now, new=True), "created")
    after = msgspec.structs.replace(
        before,
        spec=put.spec,
        labels=put.labels,
        annotations=put.annotations,
        generation=before.generation + (put.spec != before.spec),
    )
    values_differ = put.values is not None and put.values != values_of(
        connection, sealer, put.key, before.uid
    )
    if after == before and not values_differ:
        return Written(before, "unchanged")
    return Written(_store(connection, sealer, put, after, now, new=False), "configured")


def _check_expected(put: Put, before: Record | None) -> None:
    if before is None:
        if put.expected:
            raise ConflictError(f"{put.key}: was deleted since it was read", hint="read it again")
        return
    if put.expected == 0:
        raise ConflictError(f"{put.key}: exists already", hint="use `apply` to change it")
    if before.deleted_at is not None:
        raise ConflictError(f"{put.key}: is being deleted", hint="wait until it is gone")
    if put.expected is not None and put.expected != before.resource_version:
        raise ConflictError(
            f"{put.key}: was changed by someone else since it was read", hint="read it again"
        )


def _store(
    connection: Connection, sealer: Sealer, put: Put, record: Record, now: str, *, new: bool
) -> Record:
    record = msgspec.structs.replace(record, resource_version=next_version(connection))
    if new:
        connection.execute(insert(_T).values(_columns(record)))
    else:
        _save(connection, record)
    if put.values is None:
        return record
    put_entries(connection, sealer, put.key, record.uid, put.values, now)
    return msgspec.structs.replace(record, entries=entry_names(connection, record.uid))


def _delete(connection: Connection, wish: Delete, now: str) -> Written:
    before = read(connection, wish.key)
    if before is None or (wish.uid is not None and before.uid != wish.uid):
        raise NotFoundError(f"{wish.key}: not found")
    if not wish.finalized:
        after = msgspec.structs.replace(
            before,
            deleted_at=before.deleted_at or now,
            delete_volumes=before.delete_volumes or wish.delete_volumes,
        )
        if after == before:
            return Written(before, "unchanged")
        after = msgspec.structs.replace(after, resource_version=next_version(connection))
        _save(connection, after)
        return Written(after, "configured")
    connection.execute(delete(_T).where(*_is(wish.key)))
    connection.execute(
        delete(tables.secret_entries).where(tables.secret_entries.c.uid == before.uid)
    )
    version = next_version(connection)
    return Written(msgspec.structs.replace(before, resource_version=version), "deleted")


def _save(connection: Connection, record: Record) -> None:
    connection.execute(update(_T).where(*_is(record.key)).values(_columns(record)))


def _is(key: ResourceKey) -> tuple[Any, ...]:
    return (_T.c.kind == key.kind, _T.c.namespace == key.namespace, _T.c.name == key.name)


def _columns(record: Record) -> dict[str, object]:
    return {
        "kind": record.key.kind,
        "namespace": record.key.namespace,
        "name": record.key.name,
        "uid": record.uid,
        "generation": record.generation,
        "resource_version": record.resource_version,
        "created_at": record.created_at,
        "deleted_at": record.deleted_at,
        "delete_volumes": int(record.delete_volumes),
        "labels": _json(record.labels),
        "annotations": _json(record.annotations),
        "spec": _json(record.spec),
        "status": _json(record.status),
    }


def _json(document: object) -> str:
    return msgspec.json.encode(document).decode()


def _record(
    connection: Connection, row: Row[Any], entries: tuple[Any, ...] | None = None
) -> Record:
    return Record(
        key=ResourceKey(row.kind, row.namespace, row.name),
        uid=row.uid,
        generation=row.generation,
        resource_version=row.resource_version,
        created_at=row.created_at,
        spec=msgspec.json.decode(row.spec),
        status=msgspec.json.decode(row.status),
        labels=msgspec.json.decode(row.labels),
        annotations=msgspec.json.decode(row.annotations),
        deleted_at=row.deleted_at,
        delete_volumes=bool(row.delete_volumes),
        entries=entry_names(connection, row.uid) if entries is None else entries,
    )
