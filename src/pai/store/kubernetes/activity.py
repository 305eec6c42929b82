"""What a cluster's store keeps in SQL, as `KubernetesStore` needs it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.store.record import Document


class Activity(Protocol):
    """Audit, counts, tokens and notes; every call as in `pai.store.protocol.Store`."""

    async def add_audit(self, agent: AgentKey, records: Sequence[AuditRecord]) -> None:
        """Keep decisions of an agent's sidecars."""

    async def audit(self, namespace: str, agent: str | None, limit: int) -> list[AuditRecord]:
        """Return the newest decisions, oldest first."""

    async def requests_on(self, agent: AgentKey, day: str) -> Mapping[str, int]:
        """Return requests by provider on a UTC day."""

    async def add_token(self, name: str, sha256: str, now: datetime) -> None:
        """Keep the hash of an API token."""

    async def token_hashes(self) -> dict[str, str]:
        """Return the hashes of all API tokens by name."""

    async def note(self, scope: str, name: str) -> Document | None:
        """Return a small document control keeps for itself, or None."""

    async def write_note(self, scope: str, name: str, document: Document | None) -> None:
        """Keep, replace or (None) drop such a document."""

    async def notes(self, scope: str) -> dict[str, Document]:
        """Return all documents of a scope by name."""

    async def forget(self, agent: AgentKey) -> None:
        """Drop counters of an agent that no longer exists."""

    async def close(self) -> None:
        """Let go of the database."""
