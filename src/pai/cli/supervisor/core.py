"""The supervisor's life: start everything, wait until it answers, keep it up, stop in order."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pai.cli.failures import CommandError
from pai.cli.locations import DataDir
from pai.cli.supervisor.child import Keeper
from pai.cli.supervisor.logfile import LogFile, last_lines
from pai.cli.supervisor.plan import Child
from pai.cli.supervisor.processes import Identity, end, remember, remembered
from pai.cli.supervisor.readiness import answers
from pai.cli.supervisor.report import Reporter

READY_SECONDS = 60.0
DRAIN_SECONDS = 10.0
_EXITS_TOLERATED = 3
_POLL_SECONDS = 0.03
_LAST_LINES = 30
_SHOWN_LINES = 4


class Supervisor:
    """Runs the children of one data directory. The caller holds the pid file's lock."""

    def __init__(
        self,
        data: DataDir,
        reporter: Reporter,
        *,
        ready_seconds: float = READY_SECONDS,
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        self._data = data
        self._reporter = reporter
        self._ready_seconds = ready_seconds
        self._drain_seconds = drain_seconds
        self._alive: dict[str, Identity] = {}
        self._exits: Counter[str] = Counter()
        self._stop = asyncio.Event()

    async def run(self, children: Sequence[Child]) -> None:
        """Run the children until SIGTERM or SIGINT.

        Raises CommandError when they don't become ready; then all of them are stopped.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        end(remembered(self._data.children).values())
        self._data.api_socket.unlink(missing_ok=True)  # a dead one must not look like an answer
        with ExitStack() as open_logs:
            keepers = [
                Keeper(child, open_logs.enter_context(self._log(child)), self) for child in children
            ]
            failure = await self._keep(keepers)
        self._data.children.unlink(missing_ok=True)
        if failure is not None:
            raise failure

    def stop(self) -> None:
        """Ask for the orderly end, as SIGTERM does."""
        self._stop.set()

    def started(self, child: Child, identity: Identity | None) -> None:
        """Remember the process, so that a later start can end it should we die."""
        if identity is None:
            return
        self._alive[child.name] = identity
        try:
            remember(self._data.children, self._alive)
        except OSError as error:  # a full disk; the kernel still ends the child when we die
            self._reporter.line(child.name, f"its pid can't be written: {error.strerror}")

    def exited(self, child: Child, code: int, delay_seconds: float) -> None:
        """Count an exit and tell of it."""
        self._exits[child.name] += 1
        self._reporter.line(child.name, f"ended with {code}, starts again in {delay_seconds:g} s")

    def line(self, process: str, text: str) -> None:
        """Pass a child's line on."""
        self._reporter.line(process, text)

    async def _keep(self, keepers: Sequence[Keeper]) -> CommandError | None:
        """Run the keepers until we are to stop; returns why the platform can't start, if so."""
        async with asyncio.TaskGroup() as running:
            for keeper in keepers:
                running.create_task(keeper.run(), name=keeper.child.name)
            try:
                await self._until_ready([keeper.child for keeper in keepers])
                await self._stop.wait()
            except CommandError as error:  # a group would wrap it
                return error
            finally:
                await self._stop_all(keepers)
        return None

    async def _until_ready(self, children: Sequence[Child]) -> None:
        began = time.monotonic()
        waiting = list(children)
        while waiting and not self._stop.is_set():
            for child in list(waiting):
                if await answers(child.probe):
                    waiting.remove(child)
                    self._reporter.progress(f"{child.name} is ready")
            self._give_up_on(waiting, time.monotonic() - began)
            if waiting:
                await asyncio.sleep(_POLL_SECONDS)
        if not waiting:
            self._reporter.ready(time.monotonic() - began)

    def _give_up_on(self, waiting: Sequence[Child], seconds: float) -> None:
        """Raise CommandError when a child that is not ready can't become so."""
        for child in waiting:
            log = self._data.log(child.name)
            if self._exits[child.name] >= _EXITS_TOLERATED:
                raise CommandError(f"{child.name} ends again and again: {_tail(log)}", f"see {log}")
            if seconds > self._ready_seconds:
                raise CommandError(
                    f"{child.name} does not answer after {seconds:.0f} s: {_tail(log)}",
                    f"see {log}",
                )

    async def _stop_all(self, keepers: Sequence[Keeper]) -> None:
        """Stop stage by stage, control last: others settle with it while they drain."""
        for stage in sorted({keeper.child.stage for keeper in keepers}, reverse=True):
            ending = [keeper for keeper in keepers if keeper.child.stage == stage]
            await asyncio.gather(*(keeper.stop(self._drain_seconds) for keeper in ending))

    def _log(self, child: Child) -> LogFile:
        return LogFile(self._data.log(child.name))


def _tail(log: Path) -> str:
    """Return the last different lines of the child's own."""
    lines = (line.strip() for line in last_lines(log, _LAST_LINES))
    own = [line for line in lines if line and not line.startswith("supervisor: ")]
    return " / ".join(list(dict.fromkeys(own))[-_SHOWN_LINES:]) or "it wrote nothing"
