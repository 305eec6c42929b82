"""The part of a store that is not resources: events, audit, counts, API tokens, notes.

On one machine it lies in `DATA/pai.db` beside the resources (`sqlite.SqliteStore`); where the
resources lie in the API server, this is all that control keeps itself, in a file or in PostgreSQL.
All work runs on one thread of its own, one transaction a call, so the event loop never waits for a
disk and no two writes of a control interleave.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, delete, select

from pai.errors import TransientError
from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.store import activity, resources, tables
from pai.store.database import Database, SqliteDatabase
from pai.store.migrations import migrate
from pai.store.record import Document, Event
from pai.store.upsert import put

T = TypeVar("T")


class ActivityStore:
    """What `pai.store.protocol.Store` says of activity.

    place: a PostgreSQL URL (also `file:PATH`, `env:NAME`), else a SQLite file. Nothing is opened
    yet. Raises SpecError for a bad URL.
    """

    def __init__(self, place: str | Path) -> None:
        self._database = _database_at(place)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pai-store")

    async def open(self) -> None:
        """Make the tables or bring them forward. Raises SchemaTooNewError, TransientError."""
        await self._run(migrate)

    async def close(self) -> None:
        """Finish what is running and let go of the database."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._database.close)
        self._thread.shutdown()

    async def record_event(self, agent: AgentKey, event: Event) -> None:
        """Keep an event; one with the same type, reason and message only counts up."""
        await self._run(lambda connection: activity.record_event(connection, agent, event))

    async def events(self, agent: AgentKey) -> list[Event]:
        """Return an agent's events, oldest first."""
        return await self._read(lambda connection: activity.read_events(connection, agent))

    async def add_audit(self, agent: AgentKey, records: Sequence[AuditRecord]) -> None:
        """Keep decisions of an agent's sidecars; the oldest go when there are too many."""
        if records:
            await self._run(lambda connection: activity.add_audit(connection, agent, records))

    async def audit(self, namespace: str, agent: str | None, limit: int) -> list[AuditRecord]:
        """Return the newest decisions, oldest first."""
        return await self._read(lambda c: activity.read_audit(c, namespace, agent, limit))

    async def requests_on(self, agent: AgentKey, day: str) -> Mapping[str, int]:
        """Return requests by provider on a UTC day (`YYYY-MM-DD`)."""
        return await self._read(lambda connection: activity.requests_on(connection, agent, day))

    async def forget(self, agent: AgentKey) -> None:
        """Drop events and counters of an agent that no longer exists; its audit stays."""
        await self._run(lambda connection: activity.forget(connection, agent))

    async def add_token(self, name: str, sha256: str, now: datetime) -> None:
        """Keep the hash of an API token; an older one of that name is replaced."""
        values = {"sha256": sha256, "created_at": resources.timestamp(now)}
        await self._run(lambda c: put(c, tables.tokens, {"name": name}, values))

    async def token_hashes(self) -> dict[str, str]:
        """Return the hashes of all API tokens by name."""
        query = select(tables.tokens.c.name, tables.tokens.c.sha256)
        return await self._read(lambda c: {row.name: row.sha256 for row in c.execute(query)})

    async def note(self, scope: str, name: str) -> Document | None:
        """Return a small document control keeps for itself, or None."""
        return (await self.notes(scope)).get(name)

    async def write_note(self, scope: str, name: str, document: Document | None) -> None:
        """Keep, replace or (None) drop such a document."""
        table = tables.notes
        drop = delete(table).where(table.c.scope == scope, table.c.name == name)
        text = msgspec.json.encode(document).decode()

        def work(connection: Connection) -> None:
            if document is None:
                connection.execute(drop)
            else:
                put(connection, table, {"scope": scope, "name": name}, {"document": text})

        await self._run(work)

    async def notes(self, scope: str) -> dict[str, Document]:
        """Return all documents of a scope by name."""
        query = select(tables.notes).where(tables.notes.c.scope == scope)
        return await self._read(
            lambda c: {row.name: msgspec.json.decode(row.document) for row in c.execute(query)}
        )

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._run(work, writing=False)

    async def _run(self, work: Callable[[Connection], T], *, writing: bool = True) -> T:
        def in_thread() -> T:
            with self._database.transaction(writing=writing) as connection:
                return work(connection)

        return await self._in_thread(in_thread)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:
            if "shutdown" in str(error):
                raise TransientError("the store is closed") from error
            raise


def _database_at(place: str | Path) -> Database:
    if isinstance(place, str):  # who keeps files shall not carry PostgreSQL's driver
        from pai.postgres import is_postgres
        from pai.store.postgres_database import PostgresDatabase

        if is_postgres(place):
            return PostgresDatabase(place)
    return SqliteDatabase(Path(place))
