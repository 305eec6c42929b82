"""When a vendor's failure is worth another attempt, and after how long. Pure."""

from pai.ir.agent import Retry
from pai.wire.message import Headers, first

LONGEST_WAIT_SECONDS = 20.0
_WORTH_IT = frozenset({408, 409, 429, 500, 502, 503, 504, 520, 522, 529})


def is_retryable(status: int) -> bool:
    """Say whether the vendor answered in a way that may pass."""
    return status in _WORTH_IT


def may_be_billed(status: int) -> bool:
    """Say whether the vendor's front only gave up waiting while the model may have gone on."""
    return status in (504, 524)


def backoff_seconds(retry: Retry, failures: int, jitter: float) -> float:
    """Return the pause after the nth failure in a row; jitter: 0 to 1."""
    ceiling = min(retry.max_backoff_ms, retry.min_backoff_ms * 2.0 ** (failures - 1))
    return ceiling * (0.5 + jitter / 2) / 1000


def pause_seconds(retry: Retry, failures: int, jitter: float, headers: Headers) -> float | None:
    """Return how long to wait before the next attempt, or None to make none.

    The vendor's own `retry-after` and `x-should-retry` come first.
    """
    if failures >= retry.max_attempts or first(headers, b"x-should-retry") == b"false":
        return None
    stated = _seconds(first(headers, b"retry-after"))
    if stated is None:
        return backoff_seconds(retry, failures, jitter)
    return None if stated > LONGEST_WAIT_SECONDS else stated


def _seconds(value: bytes | None) -> float | None:
    """Return a `retry-after` in seconds; a date or nonsense counts as absent."""
    try:
        seconds = float(value or b"")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 10**6 else None
