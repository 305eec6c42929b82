"""Run control: one process a data directory, until a signal."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pai.control import library_logs
from pai.control.assembly import Control
from pai.control.containers.engine_door import Connect, connect_engine
from pai.control.containers.readiness import Prober
from pai.errors import SpecError
from pai.wire import log


async def run(data: Path, connect: Connect = connect_engine, prober: Prober | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises SpecError, TransientError when it can't start.

    connect, prober: a test brings its own engine and sidecars.
    """
    library_logs.install()
    os.umask(0o077)  # whatever is made below DATA is its owner's alone
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with _only_one(data / "run" / "control.lock"):
        control = Control(data, connect, prober)
        try:
            await control.start()
            log.info("control serves", instance=control.instance)
            await control.serve_until(stop)
        finally:
            await control.close()
    log.info("control ended")


@contextmanager
def _only_one(file: Path) -> Iterator[None]:
    """Hold a lock while control runs; two of them would work against each other."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SpecError(
            "control runs already for this data directory", hint="`pai down` ends it"
        ) from None
    try:
        yield
    finally:
        os.close(handle)
