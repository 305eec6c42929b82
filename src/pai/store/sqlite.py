"""The store of one machine: `DATA/pai.db`.

All work runs on one thread of its own, one transaction a call, so the event loop never waits
for the disk and no two writes interleave.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, select

from pai.store import changelog, resources, tables
from pai.store.activity_store import ActivityStore
from pai.store.errors import KeyMismatchError
from pai.store.instance_key import InstanceKey
from pai.store.protocol import Listener
from pai.store.record import Change, Document, Record, ResourceKey, Write, Written
from pai.store.sealing import Sealer
from pai.store.secret_entries import values_of
from pai.store.upsert import put

T = TypeVar("T")


class _UndoError(Exception):
    """Undoes a transaction whose result is wanted all the same."""

    def __init__(self, done: list[Written]) -> None:
        super().__init__("dry run")
        self.done = done


class SqliteStore(ActivityStore):
    """A `pai.store.protocol.Store` in one SQLite file: resources beside the activity."""

    def __init__(self, file: Path, key: InstanceKey) -> None:
        super().__init__(file)
        self._sealer = Sealer(key)
        self._listeners: list[Listener] = []

    async def open(self) -> None:
        """Make or migrate the file. Raises SchemaTooNewError, KeyMismatchError."""
        await super().open()
        await self._run(self._check_key)

    async def get(self, key: ResourceKey) -> Record | None:
        """Return one resource, or None."""
        return await self._run(lambda connection: resources.read(connection, key))

    async def find(self, kind: str | None, namespace: str | None) -> tuple[list[Record], int]:
        """Return resources sorted by key, and the newest resource version; None = all."""
        return await self._run(
            lambda connection: (
                resources.read_all(connection, kind, namespace),
                changelog.newest_version(connection),
            )
        )

    async def commit(
        self, writes: Sequence[Write], now: datetime, *, dry_run: bool = False
    ) -> list[Written]:
        """Do all writes or none; a dry run only says what they would do.

        Raises ConflictError, NotFoundError.
        """

        def work(connection: Connection) -> tuple[list[Written], Sequence[Change]]:
            done, changes = resources.write_all(connection, self._sealer, writes, now)
            if dry_run:
                raise _UndoError(done)
            return done, changes

        try:
            return await self._submit(work)
        except _UndoError as undone:
            return undone.done

    async def write_status(self, key: ResourceKey, uid: str, status: Document) -> bool:
        """Replace the status; False when nothing changed or that object is gone."""

        def work(connection: Connection) -> tuple[bool, Sequence[Change]]:
            change = resources.replace_status(connection, key, uid, status)
            return change is not None, [change] if change else []

        return await self._submit(work)

    async def secret_values(self, key: ResourceKey) -> dict[str, str]:
        """Return the unsealed entries of a Secret; {} when there is none."""

        def work(connection: Connection) -> dict[str, str]:
            record = resources.read(connection, key)
            return values_of(connection, self._sealer, key, record.uid) if record else {}

        return await self._run(work)

    async def changes(self, after: int, limit: int) -> list[Change]:
        """Return the changes after a version, oldest first. Raises VersionGoneError."""
        return await self._run(lambda c: changelog.changes_after(c, after, limit))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` in the event loop after each commit; the answer ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _check_key(self, connection: Connection) -> None:
        query = select(tables.meta.c.value).where(tables.meta.c.name == "seal-check")
        found = connection.execute(query).scalar()
        expected = self._sealer.check_value
        if found is None:
            put(connection, tables.meta, {"name": "seal-check"}, {"value": expected})
        elif found != expected:
            raise KeyMismatchError(
                f"instance.key is not the one that {self._database.name} was written with",
                hint="restore instance.key, or move the data directory away to start anew",
            )

    async def _submit(self, work: Callable[[Connection], tuple[T, Sequence[Change]]]) -> T:
        loop = asyncio.get_running_loop()

        def in_thread() -> T:
            with self._database.transaction() as connection:
                result, changes = work(connection)
            if changes:  # told from here: a caller that was cancelled must not swallow the news
                loop.call_soon_threadsafe(self._tell, changes)
            return result

        return await self._in_thread(in_thread)

    def _tell(self, changes: Sequence[Change]) -> None:
        for listener in tuple(self._listeners):
            listener(changes)
