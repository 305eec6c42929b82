"""N gateway workers in one pod: started, started again when they crash, and ended together.

The process itself serves nothing but probes. A worker that says nothing for long hangs, and is
replaced. When no worker can run at all the process ends, and the engine says so.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable

from pai.gateway.worker import WELL
from pai.wire import log
from pai.wire.probes import Probes
from pai.wire.tasks import spawn

SILENT_SECONDS = 20.0
MOST_FAILURES = 5
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 10.0
_SETTLED_SECONDS = 10.0
_GRACE_SECONDS = 15.0  # beyond lead and drain: settling, and the end of the interpreter

Start = Callable[[int, int], Awaitable[Process]]
"""(number of the worker, descriptor of its status pipe) to its process."""


class Crew:
    """The workers. ready: at least one takes work. broken: set when none can be kept running."""

    def __init__(self, count: int, start: Start) -> None:
        self._start = start
        self._well: set[int] = set()
        self._failures = dict.fromkeys(range(count), 0)
        self._running: dict[int, Process] = {}
        self._ending = False
        self.broken = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether work may be sent here."""
        return bool(self._well) and not self._ending

    async def keep(self, number: int) -> None:
        """Keep one worker running, until the end begins."""
        while True:
            code = await self._run(number)
            if self._ending:
                return
            self._failures[number] += 1
            log.error("a gateway worker ended", number=number, code=code)
            if min(self._failures.values()) >= MOST_FAILURES:
                self.broken.set()
            pause = _FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures[number], 10)
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))

    async def _run(self, number: int) -> int:
        """Run a worker once; return its exit code."""
        reading, writing = os.pipe()
        try:
            process = await self._start(number, writing)
        except OSError as error:
            os.close(reading)
            log.error("can't start a worker", reason=error.strerror or str(error))
            return 1
        finally:
            os.close(writing)
        self._running[number] = process
        if self._ending:
            process.terminate()
        try:
            await self._follow(number, reading)
        except TimeoutError:
            log.error("a gateway worker hangs", number=number)
            process.kill()
        finally:
            self._well.discard(number)
        code = await process.wait()
        del self._running[number]
        return code

    async def _follow(self, number: int, descriptor: int) -> None:
        """Take a worker's word for how it is, until it ends.

        Raises TimeoutError when it is silent for too long.
        """
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        settled = loop.time() + _SETTLED_SECONDS
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
        )
        try:
            while True:
                async with asyncio.timeout(SILENT_SECONDS):
                    word = await reader.read(64)
                if not word:
                    return
                if loop.time() >= settled:
                    self._failures[number] = 0
                (self._well.add if word.endswith(WELL) else self._well.discard)(number)
        finally:
            transport.close()

    async def end(self, seconds: float) -> None:
        """Tell all workers to end, and kill what has not after so long."""
        self._ending = True
        for process in self._running.values():
            process.terminate()
        loop = asyncio.get_running_loop()
        latest = loop.time() + seconds
        while self._running and loop.time() < latest:
            await asyncio.sleep(0.05)
        for process in self._running.values():
            process.kill()


async def serve(options: argparse.Namespace, stop: asyncio.Event) -> int:
    """Run a crew until `stop` is set or no worker can run; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="pai-gateway-") as sockets:  # mode 0700
        options.sockets = sockets
        return await _serve(options, stop)


async def _serve(options: argparse.Namespace, stop: asyncio.Event) -> int:
    crew = Crew(options.workers, lambda number, status: _start(options, number, status))
    probes = Probes(lambda: crew.ready)
    try:
        if options.listen_probes:
            await probes.listen(*options.listen_probes)
    except OSError as error:
        log.error("can't listen", reason=error.strerror or str(error))
        return 1
    keeping = [spawn(crew.keep(number), f"worker {number}") for number in range(options.workers)]
    ends = [asyncio.ensure_future(event.wait()) for event in (stop, crew.broken)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if crew.broken.is_set():
        log.error("no gateway worker can run")
    await crew.end(options.drain_lead_seconds + options.drain_seconds + _GRACE_SECONDS)
    for task in (*keeping, *ends):
        task.cancel()
    await asyncio.gather(*keeping, *ends, return_exceptions=True)
    await probes.close()
    return 1 if crew.broken.is_set() else 0


async def _start(options: argparse.Namespace, number: int, status: int) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pai.gateway", *worker_arguments(options, number, status)),
        stdin=asyncio.subprocess.DEVNULL,
        pass_fds=(status,),
    )


def worker_arguments(options: argparse.Namespace, number: int, status: int) -> list[str]:
    """Return the command line of one worker of a crew. Pure."""
    source = ("--bootstrap", options.bootstrap) if options.bootstrap else ("--data", options.data)
    words = [
        *source,
        *("--worker", number, "--status-fd", status),
        *("--drain-lead-seconds", options.drain_lead_seconds),
        *("--drain-seconds", options.drain_seconds),
    ]
    if options.sockets:
        words += ["--sockets", options.sockets]
    metrics = [options.listen_metrics] if options.listen_metrics else []
    for flag, addresses in (
        ("--listen", options.listen),
        ("--listen-tls", options.listen_tls),
        ("--listen-metrics", metrics),
    ):
        for host, port in addresses:
            words += [flag, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    return [str(word) for word in words]
