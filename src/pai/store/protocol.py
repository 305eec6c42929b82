"""The store as control sees it; every implementation passes tests/contract/test_store.py."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.store.record import Change, Document, Event, Record, ResourceKey, Write, Written

Listener = Callable[[Sequence[Change]], None]


class Store(Protocol):
    """Everything control keeps. Every call raises TransientError when the store is out of reach."""

    async def get(self, key: ResourceKey) -> Record | None:
        """Return one resource, or None."""

    async def find(self, kind: str | None, namespace: str | None) -> tuple[list[Record], int]:
        """Return resources sorted by key, and the newest resource version; None = all."""

    async def commit(
        self, writes: Sequence[Write], now: datetime, *, dry_run: bool = False
    ) -> list[Written]:
        """Do all writes or none; a dry run only says what they would do.

        Raises ConflictError when an expectation fails, NotFoundError for a delete of nothing.
        """

    async def write_status(self, key: ResourceKey, uid: str, status: Document) -> bool:
        """Replace the status; False when nothing changed or that object is gone."""

    async def secret_values(self, key: ResourceKey) -> dict[str, str]:
        """Return the unsealed entries of a Secret; {} when there is none."""

    async def changes(self, after: int, limit: int) -> list[Change]:
        """Return the changes after a version, oldest first. Raises VersionGoneError."""

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` in the event loop after each commit; the answer ends it."""

    async def record_event(self, agent: AgentKey, event: Event) -> None:
        """Keep an event; one with the same type, reason and message only counts up."""

    async def events(self, agent: AgentKey) -> list[Event]:
        """Return an agent's events, oldest first."""

    async def add_audit(self, agent: AgentKey, records: Sequence[AuditRecord]) -> None:
        """Keep decisions of an agent's sidecars; the oldest go when there are too many."""

    async def audit(self, namespace: str, agent: str | None, limit: int) -> list[AuditRecord]:
        """Return the newest decisions, oldest first."""

    async def requests_on(self, agent: AgentKey, day: str) -> Mapping[str, int]:
        """Return requests by provider on a UTC day (`YYYY-MM-DD`)."""

    async def add_token(self, name: str, sha256: str, now: datetime) -> None:
        """Keep the hash of an API token; an older one of that name is replaced."""

    async def token_hashes(self) -> dict[str, str]:
        """Return the hashes of all API tokens by name."""

    async def note(self, scope: str, name: str) -> Document | None:
        """Return a small document control keeps for itself, or None."""

    async def write_note(self, scope: str, name: str, document: Document | None) -> None:
        """Keep, replace or (None) drop such a document."""

    async def notes(self, scope: str) -> dict[str, Document]:
        """Return all documents of a scope by name."""

    async def forget(self, agent: AgentKey) -> None:
        """Drop events and counters of an agent that no longer exists; its audit stays."""

    async def close(self) -> None:
        """Let go of the file or the connection."""
