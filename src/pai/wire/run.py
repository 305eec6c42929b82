"""The frame of a data-plane process: uvloop, signals, an orderly end."""

import asyncio
import gc
import resource
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from pai.wire import log

Main = Callable[[asyncio.Event], Awaitable[int | None]]
"""Gets an event that is set when the process should end; drains, then returns its exit code."""


def run(main: Main) -> int:
    """Run `main` until it returns; SIGTERM and SIGINT set its event. Returns the exit code."""
    _raise_descriptor_limit()
    # what is loaded now stays; requests leave few cycles, so looking for them can be rare
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    return uvloop.run(_guarded(main))


async def _guarded(main: Main) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_loop_error)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await main(stop) or 0


def _log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    message = str(context.get("message", "error in the event loop"))
    if isinstance(error, OSError):  # connections break; that is not a fault of ours
        log.debug(message, error=type(error).__name__)
    elif isinstance(error, BaseException):
        log.crash(message, error)
    else:
        log.error(message)


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
