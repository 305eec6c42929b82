"""Which agent to look at next: each at most once at a time, the most overdue first."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

from pai.ir.agent import AgentKey


class Agenda:
    """Due times by agent. A wish to look at one that is being looked at is kept for after.

    monotonic: seconds of a clock that never steps.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due: dict[AgentKey, float] = {}
        self._order: list[tuple[float, AgentKey]] = []  # a heap; what `_due` denies is outdated
        self._busy: set[AgentKey] = set()
        self._changed = asyncio.Event()

    def look_at(self, key: AgentKey, after_seconds: float = 0.0) -> None:
        """Look at an agent in so many seconds, or sooner if that was wished already."""
        due = self._monotonic() + after_seconds
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            if key not in self._busy:
                heappush(self._order, (due, key))
                self._changed.set()

    @property
    def waiting(self) -> int:
        """Return how many agents' time has come."""
        now = self._monotonic()
        return sum(due <= now for due in self._due.values())

    async def next(self) -> AgentKey:
        """Return an agent whose time has come; call `done` when finished with it."""
        while True:
            self._changed.clear()
            left = self._first() - self._monotonic()
            if left <= 0:
                _, key = heappop(self._order)
                del self._due[key]
                self._busy.add(key)
                return key
            await self._wait(left)

    def done(self, key: AgentKey) -> None:
        """Let an agent be looked at again."""
        self._busy.discard(key)
        if key in self._due:
            heappush(self._order, (self._due[key], key))
            self._changed.set()

    def _first(self) -> float:
        """Return when the first is due that nobody is looking at, infinity when there is none."""
        while self._order:
            due, key = self._order[0]
            if key not in self._busy and self._due.get(key) == due:
                return due
            heappop(self._order)
        return float("inf")

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._changed.wait()
        except TimeoutError:
            return
