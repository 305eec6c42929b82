"""Which agent to look at next: each at most once at a time, the most overdue first."""

import asyncio
from collections.abc import Callable

from pai.ir.agent import AgentKey


class Agenda:
    """Due times by agent. A wish to look at one that is being looked at is kept for after.

    monotonic: seconds of a clock that never steps.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due: dict[AgentKey, float] = {}
        self._busy: set[AgentKey] = set()
        self._changed = asyncio.Event()

    def look_at(self, key: AgentKey, after_seconds: float = 0.0) -> None:
        """Look at an agent in so many seconds, or sooner if that was wished already."""
        due = self._monotonic() + after_seconds
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
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
            waiting = [(due, key) for key, due in self._due.items() if key not in self._busy]
            due, key = min(waiting, default=(float("inf"), None))
            left = due - self._monotonic()
            if key is not None and left <= 0:
                del self._due[key]
                self._busy.add(key)
                return key
            await self._wait(left)

    def done(self, key: AgentKey) -> None:
        """Let an agent be looked at again."""
        self._busy.discard(key)
        self._changed.set()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._changed.wait()
        except TimeoutError:
            return
