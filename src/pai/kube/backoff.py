"""Pauses between tries, growing and spread. Pure."""

FIRST_SECONDS = 0.5
MOST_SECONDS = 20.0


def pause_seconds(failures: int, spread: float, asked_seconds: float | None = None) -> float:
    """Return how long to wait after that many failures in a row (from 1).

    spread: a random number of [0, 1): between half and all of the pause. asked_seconds: what the
    server asked for (`Retry-After`); it is never undercut.
    """
    longest = min(FIRST_SECONDS * 2.0 ** min(failures - 1, 16), MOST_SECONDS)
    return float(max(longest * (0.5 + spread / 2), (asked_seconds or 0.0) * (1 + spread / 10)))
