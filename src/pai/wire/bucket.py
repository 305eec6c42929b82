"""A bound on how often something may happen: so many a second, and a burst."""

import time
from collections.abc import Callable


class Bucket:
    """Holds `burst` at first and at most; fills up by `per_second`."""

    def __init__(
        self, per_second: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._now = per_second, burst, now
        self._left, self._at = burst, now()

    def take(self) -> bool:
        """Take one, if there is one."""
        at = self._now()
        self._left = min(self._burst, self._left + (at - self._at) * self._per_second)
        self._at = at
        if self._left < 1:
            return False
        self._left -= 1
        return True
