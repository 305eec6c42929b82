"""One child for as long as the platform runs: started, logged, restarted."""

import asyncio
import os
import signal
import time
from typing import Protocol

from pai.cli.supervisor.backoff import Backoff
from pai.cli.supervisor.logfile import LogFile
from pai.cli.supervisor.plan import Child, child_environment
from pai.cli.supervisor.processes import Identity, die_with_parent, identify

_LINE_LIMIT = 1024 * 1024
_LAST_WORDS_SECONDS = 1.0


class Watcher(Protocol):
    """Told what becomes of a child."""

    def started(self, child: Child, identity: Identity | None) -> None:
        """It has a process now."""

    def exited(self, child: Child, code: int, delay_seconds: float) -> None:
        """Its process ended and will be started again after the delay."""

    def line(self, process: str, text: str) -> None:
        """It wrote a line."""


class Keeper:
    """Keeps one child running until `stop`."""

    def __init__(self, child: Child, log: LogFile, watcher: Watcher) -> None:
        self.child = child
        self._log = log
        self._watcher = watcher
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Start the child, and again whenever it ends; returns after `stop`."""
        backoff = Backoff()
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._once()
            if self._stopping.is_set():
                return
            backoff = backoff.after(time.monotonic() - began)
            self._watcher.exited(self.child, code, backoff.delay_seconds)
            await _until(self._stopping, backoff.delay_seconds)

    async def stop(self, seconds: float) -> None:
        """End the child: SIGTERM, and SIGKILL when it takes longer than `seconds`."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            self._note(f"did not end within {seconds:g} s: killed")
        # Also after a clean end: what the child has started must not outlive it.
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()

    async def _once(self) -> int:
        """Run the child's process once and return its exit code."""
        try:
            process = await _spawn(self.child)
        except OSError as error:
            self._note(f"can't be started: {error}")
            return 127
        self._process = process
        if self._stopping.is_set():  # asked to stop while the process was being made
            _signal_group(process.pid, signal.SIGKILL)
        self._watcher.started(self.child, identify(process.pid))
        reading = asyncio.ensure_future(self._read(process))
        try:
            code = await process.wait()
            await asyncio.wait([reading], timeout=_LAST_WORDS_SECONDS)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        self._note(f"ended with {_meaning(code)}")
        return code

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Copy what the child writes into its log, line by line."""
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                line = error.partial + b"\n" if error.partial else b""
            except asyncio.LimitOverrunError as error:
                line = await process.stdout.readexactly(error.consumed)
            if not line:
                return
            self._log.write(line)
            self._watcher.line(self.child.name, line.decode(errors="replace").rstrip("\n"))

    def _note(self, text: str) -> None:
        """Write a line of the supervisor's own into the child's log."""
        self._log.write(f"supervisor: {self.child.name} {text}\n".encode())


async def _spawn(child: Child) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *child.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LINE_LIMIT,
        env=child_environment(dict(os.environ)),
        cwd="/",
        umask=0o077,
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _signal_group(pid: int, number: int) -> None:
    """Signal the child's session; it leads one of its own, so nobody else is in it."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _meaning(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
