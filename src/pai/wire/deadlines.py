"""One timer for all connections of a server or pool, instead of one each.

A timer set and cleared with every request would cost more than parsing it. A connection keeps its
deadline as a number; four times a second all are compared with the clock.
"""

import asyncio
from typing import Final, Protocol

PERIOD_SECONDS: Final = 0.25
NEVER: Final = float("inf")


class Timed(Protocol):
    """Something with a deadline. deadline: in the loop's time; NEVER = none."""

    deadline: float

    def on_deadline(self, now: float) -> None:
        """The deadline has passed."""


class Deadlines:
    """The members whose deadlines are watched; costs nothing while there are none."""

    def __init__(self) -> None:
        self._members: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, member: Timed) -> None:
        """Watch `member` until `discard`."""
        self._members.add(member)
        if self._timer is None:
            self._schedule()

    def discard(self, member: Timed) -> None:
        """Stop watching `member`."""
        self._members.discard(member)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PERIOD_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        self._tell_late_ones()
        self._schedule_if_needed()

    def _tell_late_ones(self) -> None:
        now = asyncio.get_running_loop().time()
        for member in [member for member in self._members if member.deadline <= now]:
            member.on_deadline(now)

    def _schedule_if_needed(self) -> None:
        if self._members and self._timer is None:  # one that was told may have added another
            self._schedule()
