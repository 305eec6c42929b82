"""One at a time among the processes of a machine, let go by the kernel when its holder dies."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator

_TRIES = 200
_PAUSE_SECONDS = 0.05


@contextlib.asynccontextmanager
async def exclusive(name: str) -> AsyncIterator[None]:
    """Hold the lock of that name; after ten seconds go on without it.

    The lock is a name in Linux's abstract socket space: no file to be left or to be tampered
    with. What it guards must stay right, only less tidy, where there is none.
    """
    if sys.platform != "linux":
        yield
        return
    with socket.socket(socket.AF_UNIX) as held:
        for _ in range(_TRIES):
            try:
                held.bind(f"\0{name}")
                break
            except OSError:
                await asyncio.sleep(_PAUSE_SECONDS)
        yield
