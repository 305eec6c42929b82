"""The reconcile loop: who wakes it, how often, and what happens when a look fails."""

import asyncio
import random
from collections import Counter

from pai.control.agenda import Agenda
from pai.control.around import spent_budget
from pai.control.bridge import Bridge
from pai.control.catalog import Catalog
from pai.control.engine_door import EngineDoor
from pai.control.ledger_door import LedgerDoor
from pai.control.reconciler import RESYNC_SECONDS, Reconciler
from pai.errors import PaiError
from pai.ir.agent import AgentKey
from pai.wire import log

CONCURRENCY = 8
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
_BUDGET_SECONDS = 2.0
_ENGINE_SECONDS = 2.0


class Worker:
    """Looks at agents that changed, that the engine tells of, and at all from time to time."""

    def __init__(
        self,
        agenda: Agenda,
        reconciler: Reconciler,
        catalog: Catalog,
        engine: EngineDoor,
        bridge: Bridge,
        ledger: LedgerDoor,
    ) -> None:
        self._agenda = agenda
        self._reconciler = reconciler
        self._catalog = catalog
        self._engine = engine
        self._bridge = bridge
        self._ledger = ledger
        self._failures: Counter[AgentKey] = Counter()
        self._spent: dict[AgentKey, str] = {}
        catalog.subscribe(self._look_at_all)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(CONCURRENCY):
                group.create_task(self._work(), name=f"reconcile-{number}")
            group.create_task(self._follow_engine(), name="engine-events")
            group.create_task(self._follow_budgets(), name="budgets")
            group.create_task(self._resync(), name="resync")

    async def _work(self) -> None:
        while True:
            key = await self._agenda.next()
            try:
                after = await self._look(key)
            finally:
                self._agenda.done(key)
            if after is not None:
                self._agenda.look_at(key, after)

    async def _look(self, key: AgentKey) -> float | None:
        """Take one step; a failure is told and tried again with growing pauses."""
        try:
            after = await self._reconciler.reconcile(key)
        except PaiError as error:
            log.warning("reconcile failed", agent=str(key), error=error.message)
            await self._tell(key, error)
        except Exception as error:  # a bug: told in full, and it must not stop other agents
            log.crash(f"reconcile of {key} broke", error)
        else:
            self._failures.pop(key, None)
            return after
        self._failures[key] += 1
        return pause_after(self._failures[key], random.random())

    async def _tell(self, key: AgentKey, error: PaiError) -> None:
        try:
            await self._reconciler.tell(key, error)
        except PaiError as second:
            log.warning("status not written", agent=str(key), error=second.message)

    async def _follow_engine(self) -> None:
        told = ""
        while True:
            try:
                await self._listen()
            except PaiError as error:
                if error.message != told:
                    log.warning("engine out of reach", error=error.message)
                told = error.message
            await asyncio.sleep(_ENGINE_SECONDS)

    async def _listen(self) -> None:
        await self._bridge.network(anew=True)
        async for key in self._engine.use().events():
            if key is None:
                await self._bridge.network(anew=True)
                await self._sweep()
                self._look_at_all(frozenset(self._catalog.agents()))
            else:
                self._agenda.look_at(key)

    async def _sweep(self) -> None:
        """Look at whatever the engine holds for us, also of agents that no document describes."""
        for key in await self._engine.use().observe_all():
            self._agenda.look_at(key)

    async def _resync(self) -> None:
        while True:
            for key in self._catalog.agents():
                self._agenda.look_at(key, random.uniform(0.0, RESYNC_SECONDS / 2))
            await asyncio.sleep(RESYNC_SECONDS)
            try:
                await self._bridge.network(anew=True)
                await self._sweep()
            except PaiError as error:
                log.warning("no sweep", error=error.message)

    async def _follow_budgets(self) -> None:
        """Look at agents that have reached a limit of the day, or may spend again."""
        while True:
            try:
                self._reconciler.balances = await self._ledger.balances()
            except PaiError as error:
                log.warning("ledger out of reach", error=error.message)
            for key in self._catalog.agents():
                resolution = self._catalog.resolved(key)
                agent = resolution.agent if resolution else None
                text = spent_budget(agent, self._reconciler.balances) if agent else ""
                if text != self._spent.get(key, ""):
                    self._spent[key] = text
                    self._agenda.look_at(key)
            await asyncio.sleep(_BUDGET_SECONDS)

    def _look_at_all(self, keys: frozenset[AgentKey]) -> None:
        for key in keys:
            self._failures.pop(key, None)
            self._agenda.look_at(key)


def pause_after(failures: int, jitter: float) -> float:
    """Return seconds to wait after so many failures in a row. jitter: 0 to 1."""
    full = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10))
    return full * (0.5 + jitter / 2)
