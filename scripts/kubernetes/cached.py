"""One process at a time in the cache."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.cache import cache


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold a lock in the cache: to make the same thing twice at once takes twice the time."""
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
