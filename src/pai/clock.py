"""The one place that reads the clock. Pure code takes `now` as an argument."""

import time
from datetime import UTC, datetime
from functools import lru_cache


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)


def timestamp() -> str:
    """Return the current time in UTC, to the millisecond: `2026-01-31T23:59:59.999Z` (RFC 3339)."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
