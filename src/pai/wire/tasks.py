"""Background tasks that are kept alive and whose crash is logged."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from pai.wire import log

_running: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    """Start `coroutine` as a task, keep a reference to it and log it if it crashes."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_done)
    return task


def _done(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        log.crash(f"task {task.get_name()} crashed", error)
