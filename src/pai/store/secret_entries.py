"""Entries of Secrets in SQLite: sealed values, and their names for everybody else."""

from collections import defaultdict

from sqlalchemy import Connection, delete, insert, select

from pai.store import tables
from pai.store.record import ResourceKey, SecretEntry
from pai.store.sealing import Sealer

_T = tables.secret_entries


def entry_names(connection: Connection, uid: str) -> tuple[SecretEntry, ...]:
    """Return the names of one Secret's entries, sorted."""
    query = select(_T.c.name, _T.c.updated_at).where(_T.c.uid == uid).order_by(_T.c.name)
    return tuple(SecretEntry(row.name, row.updated_at) for row in connection.execute(query))


def entries_of(connection: Connection) -> dict[str, tuple[SecretEntry, ...]]:
    """Return the names of all Secrets' entries by uid, sorted."""
    found: dict[str, list[SecretEntry]] = defaultdict(list)
    query = select(_T.c.uid, _T.c.name, _T.c.updated_at).order_by(_T.c.uid, _T.c.name)
    for row in connection.execute(query):
        found[row.uid].append(SecretEntry(row.name, row.updated_at))
    return {uid: tuple(entries) for uid, entries in found.items()}


def values_of(connection: Connection, sealer: Sealer, key: ResourceKey, uid: str) -> dict[str, str]:
    """Return the unsealed entries of one Secret."""
    query = select(_T.c.name, _T.c.sealed).where(_T.c.uid == uid).order_by(_T.c.name)
    return {
        row.name: sealer.open(row.sealed, *_place(key, uid, row.name))
        for row in connection.execute(query)
    }


def put_entries(
    connection: Connection,
    sealer: Sealer,
    key: ResourceKey,
    uid: str,
    values: dict[str, str],
    now: str,
) -> None:
    """Make the entries exactly `values`; those that stay the same keep their age."""
    before = values_of(connection, sealer, key, uid)
    changed = {name for name in values if before.get(name) != values[name]}
    outdated = changed | (before.keys() - values.keys())
    connection.execute(delete(_T).where(_T.c.uid == uid, _T.c.name.in_(sorted(outdated))))
    for name in sorted(changed):
        sealed = sealer.seal(values[name], *_place(key, uid, name))
        connection.execute(insert(_T).values(uid=uid, name=name, sealed=sealed, updated_at=now))


def _place(key: ResourceKey, uid: str, name: str) -> tuple[str, ...]:
    return (key.namespace, key.name, name, uid)
