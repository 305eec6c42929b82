"""Bring one agent one step closer to its document. No rule lives here; see `pai.reconcile`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Generic, Literal

import msgspec

from pai.control.around import hindered, previous_status, surroundings
from pai.control.catalog import Catalog
from pai.control.resolution import Resolution
from pai.control.side import Side, SightT
from pai.errors import PaiError
from pai.ir.agent import AgentKey
from pai.ir.settings import Settings
from pai.ledger.balance import Balance
from pai.reconcile import AgentStatus, rejected_status, transitions
from pai.store.protocol import Store
from pai.store.record import Delete, Event, Record


class Reconciler(Generic[SightT]):
    """Looks at an agent and acts; safe to call at any time, any number of times."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: Store,
        side: Side[SightT],
        settings: Settings,
        now: Callable[[], datetime],
        resync_seconds: float,
    ) -> None:
        self._resync_seconds = resync_seconds
        self._catalog = catalog
        self._store = store
        self._side = side
        self._settings = settings
        self._now = now
        self.balances: Mapping[str, Balance] = {}

    async def reconcile(self, key: AgentKey) -> float | None:
        """Take one step; return seconds until the next look, None to wait for a change.

        Raises TransientError while engine or store are out of reach.
        """
        record = self._catalog.record(key)
        if record is None:
            return await self._side.sweep(key)
        if record.deleted_at is not None:
            return await self._terminate(key, record)
        resolution = self._catalog.resolved(key)
        assert resolution is not None
        if resolution.agent is None:
            return await self._reject(key, record, resolution)
        sight = await self._side.look(record, resolution, resolution.agent, self.balances)
        await self._tell(key, record, sight)
        await self._side.act(record, sight)
        wanted = sight.requeue_seconds
        return self._resync_seconds if wanted is None else min(wanted, self._resync_seconds)

    async def tell(self, key: AgentKey, error: PaiError) -> None:
        """Say in the status what keeps control from looking after an agent."""
        record = self._catalog.record(key)
        if record is None:
            return
        stamp = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        before = previous_status(record)
        await self._write(record, hindered(before, record.generation, error, stamp))

    async def _terminate(self, key: AgentKey, record: Record) -> float | None:
        sight = await self._side.look(record, None, None, {})
        await self._tell(key, record, sight)
        if sight.done:
            await self._finalize(key, record)
            return None
        await self._side.act(record, sight)
        return sight.requeue_seconds

    async def _finalize(self, key: AgentKey, record: Record) -> None:
        """Forget an agent of which the engine holds nothing any more; the record goes last."""
        await self._side.forget(key, record)
        await self._store.forget(key)
        wish = Delete(key=record.key, finalized=True, uid=record.uid)
        await self._store.commit([wish], self._now())

    async def _reject(self, key: AgentKey, record: Record, resolution: Resolution) -> float:
        reason, message = resolution.problem
        around = surroundings(record, resolution, self._settings, "", self.balances)
        before = around.previous
        if before is not None:
            kept = before.public_address
            around = msgspec.structs.replace(around, public_address=kept)
        status = rejected_status(record.generation, reason, message, around, self._now())
        if before is None or before.message != message:
            await self._event(key, "Warning", reason, message)
        await self._write(record, status)
        return self._resync_seconds

    async def _tell(self, key: AgentKey, record: Record, sight: SightT) -> None:
        """Keep history and status before anything is done, so that a crash forgets nothing."""
        await self._side.keep(record, sight)
        changes = transitions(previous_status(record), sight.status)
        for event in (*sight.events, *changes):
            await self._event(key, event.type, event.reason, event.message)
        await self._write(record, sight.status)

    async def _write(self, record: Record, status: AgentStatus) -> None:
        document = msgspec.to_builtins(status)
        if document != record.status:
            await self._store.write_status(record.key, record.uid, document)

    async def _event(self, key: AgentKey, kind: str, reason: str, message: str) -> None:
        at = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        level: Literal["Normal", "Warning"] = "Warning" if kind == "Warning" else "Normal"
        await self._store.record_event(key, Event(at, level, reason, message, 1))
