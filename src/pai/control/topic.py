"""The newest version of one snapshot, and those who wait for the next."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


class Topic(Generic[S]):
    """Publishes one snapshot. Versions grow with each change, also over restarts of control.

    now_ms: milliseconds since 1970; what a version starts from.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._plain: S | None = None
        self._changed = asyncio.Event()
        self._closed = False
        self.version = 0
        self.snapshot: S | None = None

    def publish(self, plain: S) -> bool:
        """Take a snapshot (its version is not looked at); False when nothing changed."""
        if plain == self._plain:
            return False
        self._plain = plain
        self.version = max(self.version + 1, self._now_ms())
        self.snapshot = msgspec.structs.replace(plain, version=self.version)
        self._wake()
        return True

    def withdraw(self) -> None:
        """Take the snapshot back: who asks gets nothing."""
        self._plain = self.snapshot = None
        self._wake()

    def close(self) -> None:
        """Let everyone who waits go: the process is about to end."""
        self._closed = True
        self._wake()

    async def newer(self, after: int, seconds: float) -> S | None:
        """Return the snapshot once its version differs from `after`; None after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not self._closed and (self.snapshot is None or self.version == after):
                    await self._changed.wait()
        except TimeoutError:
            return None
        return None if self.version == after else self.snapshot

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
