"""The budget's day: a UTC date, counted from seconds since 1970."""

from datetime import date
from functools import lru_cache
from typing import Final

_DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=8)
def _name(days: int) -> str:
    return date.fromordinal(_EPOCH + days).isoformat()


def utc_day(now: float) -> str:
    """Return the UTC date at `now` as `YYYY-MM-DD`; now: seconds since 1970."""
    return _name(int(now // _DAY_SECONDS))


def seconds_to_midnight(now: float) -> int:
    """Return whole seconds until the next UTC midnight, at least 1, rounded up."""
    return max(1, -int(-(_DAY_SECONDS - now % _DAY_SECONDS) // 1))
