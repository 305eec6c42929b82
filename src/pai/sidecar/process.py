"""The sidecar as a process: snapshots in, audit records out, and an orderly end."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from pai.errors import PaiError, TransientError
from pai.ir.snapshot import AuditRecord, SidecarSnapshot
from pai.sidecar.audit import AuditLog
from pai.sidecar.gateway_resolver import STALE_SECONDS
from pai.sidecar.listeners import Listeners, Ports
from pai.sidecar.state import State
from pai.wire import log
from pai.wire.dns import Cache
from pai.wire.feed import Bootstrap, ControlError, ControlLink, SnapshotFeed
from pai.wire.limits import ClientLimits, ServerLimits
from pai.wire.tasks import spawn

DRAIN_SECONDS = 7.0
FLUSH_SECONDS = 1.5
_GATHER_SECONDS = 0.02
_WORTH_REPEATING = frozenset((401, 403, 408, 429))


class Sidecar:
    """What is served now, and its replacement by what control says next.

    replica: which one this is, where the snapshot can't know.
    """

    def __init__(
        self, audit: AuditLog, limits: ClientLimits | None = None, replica: int | None = None
    ) -> None:
        self._audit = audit
        self._limits = limits or ClientLimits()
        self._replica = replica
        self._answers = Cache(STALE_SECONDS)
        self._state: State | None = None
        self._refused: int | None = None

    @property
    def state(self) -> State:
        """Return what is served now; there is always something once listeners are open."""
        assert self._state is not None
        return self._state

    def apply(self, snapshot: SidecarSnapshot) -> None:
        """Put a snapshot to work at once, in full or not at all.

        Requests under way end with what they began with; no later one uses an old credential or
        a connection that carried it. Raises SpecError or ValueError when the snapshot can't work;
        the one before stays in use.
        """
        try:
            new = State(snapshot, self._limits, self._answers)
        except (PaiError, ValueError) as error:
            if snapshot.version != self._refused:  # control is asked again and again
                self._refused = snapshot.version
                log.error("snapshot refused", version=snapshot.version, error=str(error))
            raise
        old, self._state = self._state, new
        self._audit.agent = snapshot.agent
        self._audit.replica = snapshot.replica if self._replica is None else self._replica
        if old is not None:
            spawn(old.retire(), "retire the state before")
        log.info("snapshot in use", version=snapshot.version, agent=snapshot.agent)


async def serve(
    stop: asyncio.Event, bootstrap: Bootstrap, ports: Ports, replica: int | None = None
) -> int:
    """Run a sidecar until `stop` is set; return the exit code.

    In a pod, SIGUSR1 says that it will end soon: the agent goes first, and before it the clients.
    Nothing but probes is answered before the first snapshot is at work: an agent that starts early
    is refused. Ports are taken before anything else.
    """
    writer = log.Writer(1)
    lines = _Lines(writer.put)
    audit = AuditLog(lines.put)
    sidecar = Sidecar(audit, replica=replica)
    listeners = Listeners(ports, lambda: sidecar.state, audit, ServerLimits())
    listeners.bind()
    if ports.public is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, listeners.leave)
    link = ControlLink.remote(bootstrap, replica)
    feed = SnapshotFeed(link, SidecarSnapshot, sidecar.apply)
    following = spawn(feed.run(), "follow control")
    shipping: asyncio.Task[None] | None = None
    try:
        await listeners.start_probes()
        if await _first(feed.ready(), stop):
            await listeners.start()
            log.info("sidecar ready", version=sidecar.state.snapshot.version)
            shipping = spawn(audit.ship(_Shipper(link)), "ship audit records")
            await stop.wait()
            await listeners.stop(DRAIN_SECONDS)
            sidecar.state.close()
    finally:
        for task in filter(None, (following, shipping)):
            task.cancel()
        await _flush(audit, link)
        link.close()
        lines.flush()
        writer.close()
    return 0


async def _first(ready: Coroutine[Any, Any, bool], stop: asyncio.Event) -> bool:
    """Say whether the snapshot came before the order to stop."""
    waiting = asyncio.ensure_future(ready)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
    came = waiting.done()
    for task in (waiting, stopping):
        task.cancel()
    return came


async def _flush(audit: AuditLog, link: ControlLink) -> None:
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await audit.flush(_Shipper(link))
    except (TransientError, TimeoutError):
        log.warning("some audit records did not reach control; they are on standard output")


class _Lines:
    """Gathers lines for a moment: waking the writing thread costs more than writing a line."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._lines: list[bytes] = []

    def put(self, line: bytes) -> None:
        """Queue one line."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Hand over what was gathered."""
        lines, self._lines = self._lines, []
        if lines:
            self._put(b"\n".join(lines))


class _Shipper:
    """Sends a batch of records to control."""

    def __init__(self, link: ControlLink) -> None:
        self._link = link

    async def __call__(self, records: list[AuditRecord]) -> None:
        """Send one batch.

        Raises TransientError when it may go through later.
        """
        try:
            await self._link.post("audit", msgspec.json.encode({"records": records}))
        except ControlError as error:
            if error.status >= 500 or error.status in _WORTH_REPEATING:
                raise
            # the same batch would be refused for ever and hold up all later ones
            log.error("control refused audit records", status=error.status, count=len(records))
