"""The reconcile loop: who wakes it, how often, and what happens when a look fails."""

import asyncio
import random
import time
from collections import Counter
from typing import Generic, Protocol

from pai.control.agenda import Agenda
from pai.control.around import spent_budget
from pai.control.catalog import Catalog
from pai.control.ledger_door import LedgerDoor
from pai.control.reconciler import Reconciler
from pai.control.side import Side, SightT
from pai.errors import PaiError
from pai.ir.agent import AgentKey
from pai.ir.ledger import agent_subject
from pai.wire import log

CONCURRENCY = 8
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
_BUDGET_SECONDS = 2.0
_ENGINE_SECONDS = 2.0


class Measure(Protocol):
    """Takes what a look at an agent cost."""

    def looked(self, seconds: float, failed: bool, waiting: int) -> None:
        """Note one look. waiting: agents whose time to be looked at has come."""


class Worker(Generic[SightT]):
    """Looks at agents that changed, that the engine tells of, and at all from time to time.

    resync_seconds: how often it looks at all. tokens_seconds: how often a status may be written
    for tokens alone; None = tokens are shown when a resource is read and never written.
    """

    def __init__(
        self,
        agenda: Agenda,
        reconciler: Reconciler[SightT],
        catalog: Catalog,
        side: Side[SightT],
        ledger: LedgerDoor,
        *,
        resync_seconds: float,
        tokens_seconds: float | None = None,
        measure: Measure | None = None,
    ) -> None:
        self._agenda = agenda
        self._reconciler = reconciler
        self._catalog = catalog
        self._side = side
        self._ledger = ledger
        self._resync_seconds = resync_seconds
        self._tokens_seconds = tokens_seconds
        self._measure = measure
        self._tokens: dict[AgentKey, tuple[int, int]] = {}
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
            started = time.perf_counter()
            try:
                after = await self._look(key)
            finally:
                self._agenda.done(key)
            if self._measure is not None:
                failed = key in self._failures
                self._measure.looked(time.perf_counter() - started, failed, self._agenda.waiting)
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
        async for key in self._side.events():
            if key is None:
                await self._sweep()
                self._look_at_all(frozenset(self._catalog.agents()))
            else:
                self._agenda.look_at(key)

    async def _sweep(self) -> None:
        """Look at whatever the engine holds for us, also of agents that no document describes."""
        for key in await self._side.present():
            self._agenda.look_at(key)

    async def _resync(self) -> None:
        while True:
            for key in self._catalog.agents():
                self._agenda.look_at(key, random.uniform(0.0, self._resync_seconds / 2))
            await asyncio.sleep(self._resync_seconds)
            try:
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
                self._follow_tokens(key)
            await asyncio.sleep(_BUDGET_SECONDS)

    def _follow_tokens(self, key: AgentKey) -> None:
        """Have a status written whose tokens are no longer those of the ledger."""
        balance = self._reconciler.balances.get(agent_subject(str(key)))
        tokens = (balance.used, balance.reserved) if balance else (0, 0)
        if self._tokens_seconds is not None and self._tokens.get(key, (0, 0)) != tokens:
            self._tokens[key] = tokens
            self._agenda.look_at(key, self._tokens_seconds)

    def _look_at_all(self, keys: frozenset[AgentKey]) -> None:
        for key in keys:
            self._failures.pop(key, None)
            self._agenda.look_at(key)


def pause_after(failures: int, jitter: float) -> float:
    """Return seconds to wait after so many failures in a row. jitter: 0 to 1."""
    full = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10))
    return full * (0.5 + jitter / 2)
