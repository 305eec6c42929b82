"""The store of one machine: `DATA/pai.db`.

All work runs on one thread of its own, one transaction a call, so the event loop never waits
for the disk and no two writes interleave.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Executable, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from pai.errors import TransientError
from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.store import activity, changelog, resources, tables
from pai.store.database import open_database, transaction
from pai.store.errors import KeyMismatchError
from pai.store.instance_key import InstanceKey
from pai.store.migrations import migrate
from pai.store.protocol import Listener
from pai.store.record import Change, Document, Event, Record, ResourceKey, Write, Written
from pai.store.sealing import Sealer
from pai.store.secret_entries import values_of

T = TypeVar("T")


class _UndoError(Exception):
    """Undoes a transaction whose result is wanted all the same."""

    def __init__(self, done: list[Written]) -> None:
        super().__init__("dry run")
        self.done = done


class SqliteStore:
    """A `pai.store.protocol.Store` in one SQLite file."""

    def __init__(self, file: Path, key: InstanceKey) -> None:
        self._file = file
        self._sealer = Sealer(key)
        self._engine = open_database(file)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pai-store")
        self._listeners: list[Listener] = []

    async def open(self) -> None:
        """Make or migrate the file. Raises SchemaTooNewError, KeyMismatchError."""
        await self._run(self._prepare)

    async def close(self) -> None:
        """Finish what is running and let go of the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()

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

    async def record_event(self, agent: AgentKey, event: Event) -> None:
        """Keep an event; one with the same type, reason and message only counts up."""
        await self._run(lambda connection: activity.record_event(connection, agent, event))

    async def events(self, agent: AgentKey) -> list[Event]:
        """Return an agent's events, oldest first."""
        return await self._run(lambda connection: activity.read_events(connection, agent))

    async def add_audit(self, agent: AgentKey, records: Sequence[AuditRecord]) -> None:
        """Keep decisions of an agent's sidecars; the oldest go when there are too many."""
        if records:
            await self._run(lambda connection: activity.add_audit(connection, agent, records))

    async def audit(self, namespace: str, agent: str | None, limit: int) -> list[AuditRecord]:
        """Return the newest decisions, oldest first."""
        return await self._run(lambda c: activity.read_audit(c, namespace, agent, limit))

    async def requests_on(self, agent: AgentKey, day: str) -> Mapping[str, int]:
        """Return requests by provider on a UTC day (`YYYY-MM-DD`)."""
        return await self._run(lambda connection: activity.requests_on(connection, agent, day))

    async def add_token(self, name: str, sha256: str, now: datetime) -> None:
        """Keep the hash of an API token; an older one of that name is replaced."""
        values = {"sha256": sha256, "created_at": resources.timestamp(now)}
        row = upsert(tables.tokens).values(name=name, **values)
        statement = row.on_conflict_do_update(index_elements=["name"], set_=values)
        await self._execute(statement)

    async def token_hashes(self) -> dict[str, str]:
        """Return the hashes of all API tokens by name."""
        query = select(tables.tokens.c.name, tables.tokens.c.sha256)
        return await self._run(lambda c: {row.name: row.sha256 for row in c.execute(query)})

    async def note(self, scope: str, name: str) -> Document | None:
        """Return a small document control keeps for itself, or None."""
        return (await self.notes(scope)).get(name)

    async def write_note(self, scope: str, name: str, document: Document | None) -> None:
        """Keep, replace or (None) drop such a document."""
        table = tables.notes
        if document is None:
            drop = delete(table).where(table.c.scope == scope, table.c.name == name)
            await self._execute(drop)
            return
        text = msgspec.json.encode(document).decode()
        row = upsert(table).values(scope=scope, name=name, document=text)
        put = row.on_conflict_do_update(index_elements=["scope", "name"], set_={"document": text})
        await self._execute(put)

    async def notes(self, scope: str) -> dict[str, Document]:
        """Return all documents of a scope by name."""
        query = select(tables.notes).where(tables.notes.c.scope == scope)
        return await self._run(
            lambda c: {row.name: msgspec.json.decode(row.document) for row in c.execute(query)}
        )

    async def forget(self, agent: AgentKey) -> None:
        """Drop events and counters of an agent that no longer exists; its audit stays."""
        await self._run(lambda connection: activity.forget(connection, agent))

    def _prepare(self, connection: Connection) -> None:
        migrate(connection)
        query = select(tables.meta.c.value).where(tables.meta.c.name == "seal-check")
        found = connection.execute(query).scalar()
        expected = self._sealer.check_value
        if found is None:
            row = upsert(tables.meta).values(name="seal-check", value=expected)
            connection.execute(row)
        elif found != expected:
            raise KeyMismatchError(
                f"instance.key is not the one that {self._file.name} was written with",
                hint="restore instance.key, or move the data directory away to start anew",
            )

    async def _execute(self, statement: Executable) -> None:
        def work(connection: Connection) -> None:
            connection.execute(statement)

        await self._run(work)

    async def _run(self, work: Callable[[Connection], T]) -> T:
        return await self._submit(lambda connection: (work(connection), ()))

    async def _submit(self, work: Callable[[Connection], tuple[T, Sequence[Change]]]) -> T:
        loop = asyncio.get_running_loop()

        def in_thread() -> T:
            with transaction(self._engine, self._file) as connection:
                result, changes = work(connection)
            if changes:  # told from here: a caller that was cancelled must not swallow the news
                loop.call_soon_threadsafe(self._tell, changes)
            return result

        try:
            return await loop.run_in_executor(self._thread, in_thread)
        except RuntimeError as error:
            if "shutdown" in str(error):
                raise TransientError("the store is closed") from error
            raise

    def _tell(self, changes: Sequence[Change]) -> None:
        for listener in tuple(self._listeners):
            listener(changes)
