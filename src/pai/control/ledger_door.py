"""The ledger seen from the event loop: its calls run on one thread of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pai.ir.ledger import Usage
from pai.ledger.balance import Balance
from pai.ledger.handlers import handle_leases, handle_settlements
from pai.ledger.protocol import Ledger, LimitOf

T = TypeVar("T")


class LedgerDoor:
    """Async face of a `pai.ledger.protocol.Ledger`.

    now: seconds since 1970.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = now
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pai-ledger")

    async def leases(self, body: bytes, limit_of: LimitOf) -> bytes:
        """Answer a worker's call for leases; durable when it returns."""
        return await self._run(lambda: handle_leases(self._ledger, body, limit_of, self._now()))

    async def settlements(self, body: bytes) -> bytes:
        """Answer a worker's batch; durable when it returns."""
        return await self._run(lambda: handle_settlements(self._ledger, body, self._now()))

    async def balances(self) -> dict[str, Balance]:
        """Return the present day of every subject that has one."""
        return await self._run(lambda: self._ledger.balances(self._now()))

    async def usage(self, *, agent: str | None, since: str | None) -> list[Usage]:
        """Return usage per agent, model and day."""
        return await self._run(lambda: self._ledger.usage(agent=agent, since=since))

    async def close(self) -> None:
        """Finish what is running and let go of the database."""
        await self._run(self._ledger.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
