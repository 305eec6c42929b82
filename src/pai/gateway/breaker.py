"""Stops asking a vendor that keeps failing, and tries it again carefully. Pure: time is given.

closed: all pass. open: none pass until its time. After that one request is let through: its success
closes the breaker, its failure opens it for twice as long.
"""

from typing import Final

FAILURES: Final = 5
FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 60.0


class Breaker:
    """State of one binding in one worker. A failure is what another attempt may mend."""

    __slots__ = ("_failures", "_pause", "_probing", "_until")

    def __init__(self) -> None:
        self._failures = 0
        self._pause = 0.0
        self._until = 0.0
        self._probing = False

    @property
    def closed(self) -> bool:
        """Whether nothing stands in the way; the usual case, asked first."""
        return not self._pause

    def wait_seconds(self, now: float) -> float:
        """Return 0 when a request may pass now, which it then must report; else how long not."""
        if not self._pause:
            return 0.0
        if now < self._until:
            return self._until - now
        if self._probing:
            return FIRST_PAUSE_SECONDS
        self._probing = True
        return 0.0

    def succeeded(self) -> None:
        """The vendor answered."""
        if self._failures or self._pause:
            self._failures, self._pause, self._probing = 0, 0.0, False

    def failed(self, now: float) -> None:
        """The vendor failed."""
        self._failures += 1
        if self._probing or (not self._pause and self._failures >= FAILURES):
            self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * 2 or FIRST_PAUSE_SECONDS)
            self._until = now + self._pause
            self._probing = False

    def gave_up(self) -> None:
        """The request that was let through ended without telling anything."""
        self._probing = False
