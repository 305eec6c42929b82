"""A crowd's stage: four gateway workers, a control process, a vendor that counts; and figures.

What the crowd does there is in `tests.e2e.budget_calls`. Used by the tests and the bench.
"""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
from tests.e2e.gateway_stage import (
    AGENT,
    CREDENTIAL,
    Gateway,
    Vendor,
    binding,
    snapshot,
)
from tests.run_code import CODE

from pai.ir.agent import Limits
from pai.ir.snapshot import GatewaySnapshot
from pai.ledger import Ledger, open_ledger

WORKERS = 4
DEAD_AFTER_SECONDS = 120.0  # by then a worker that was killed counts as ended


class ControlProcess:
    """Control as a process. place: where its ledger lies."""

    def __init__(self, data: Path, shown: GatewaySnapshot, place: str) -> None:
        (data / "run").mkdir(parents=True, exist_ok=True)
        (data / "run" / "gateway.credential").write_text(CREDENTIAL)
        (data / "snapshot.json").write_bytes(msgspec.json.encode(shown))
        self._command = [sys.executable, "-m", "tests.fakes.budget_control", str(data), place]
        self._log = data / "control.log"
        self._door = data / "run" / "internal.sock"
        self.deaths = 0

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=log, stderr=log, env={"PYTHONPATH": f"{CODE}:."}
            )
        for _ in range(400):
            with suppress(OSError):
                _, writer = await asyncio.open_unix_connection(self._door)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise AssertionError(self._log.read_text())

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        await self._process.wait()

    async def kill_and_restart(self, pause_seconds: float) -> None:
        """End it without a word, and start it again a little later."""
        self.deaths += 1
        await self.stop(signal.SIGKILL)
        await asyncio.sleep(pause_seconds)
        await self.start()


@dataclass
class Crowd:
    """Everything running, and the ledger seen from beside. faults: laws found broken."""

    gateway: Gateway
    vendor: Vendor
    control: ControlProcess
    ledger: Ledger
    limit: int
    faults: list[str] = field(default_factory=list)
    looks: int = 0

    async def watch(self) -> None:
        """Compare vendor, ledger and limit until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.05)

    def look(self) -> None:
        self.looks += 1
        billed = self.vendor.billed.total()
        charged = self.charged()
        if not billed <= charged <= self.limit:
            self.faults.append(f"billed {billed}, charged {charged}, limit {self.limit}")

    def charged(self) -> int:
        return self.ledger.balance(AGENT, time.time()).charged

    async def drain(self) -> None:
        """End every worker well."""
        gateway = self.gateway
        await asyncio.gather(*(gateway.stop_worker(n) for n in range(len(gateway.workers))))
        await asyncio.sleep(0.2)  # the vendor notices that its last clients are gone
        self.look()


@dataclass
class Figures:
    """What a run came to, in tokens.

    held_by_the_dead: leases of workers that were killed. by_estimate: charged above what was
    billed, for answers whose end nobody saw. left: held by workers that ended well.
    """

    name: str
    limit: int
    ends: dict[str, int]
    charged: int
    billed: int
    overshoot: int
    held_by_the_dead: int
    by_estimate: int
    left: int
    looks: int
    faults: list[str]

    @property
    def utilisation_percent(self) -> float:
        """What of the limit was billed."""
        return 100 * self.billed / self.limit

    @property
    def left_percent(self) -> float:
        """What of all that was charged is held by workers that have ended well."""
        return 100 * self.left / max(1, self.charged)

    def line(self) -> str:
        """Format in one line."""
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        return (
            f"{self.name:34}{self.limit:>9}{self.billed:>9}{self.utilisation_percent:>8.1f} %"
            f"{self.overshoot:>6}{self.left:>6}{self.by_estimate:>8}{self.held_by_the_dead:>8}"
            f"  {ends}"
        )


HEAD = (
    f"{'':34}{'limit':>9}{'billed':>9}{'of limit':>10}{'over':>6}{'left':>6}{'by est.':>8}"
    f"{'crashed':>8}"
)


def figures_of(crowd: Crowd, name: str, ends: Counter[str]) -> Figures:
    """Count after the drain."""
    balance = crowd.ledger.balance(AGENT, time.time())
    later = crowd.ledger.balance(AGENT, time.time() + DEAD_AFTER_SECONDS)
    billed = crowd.vendor.billed.total()
    killed = killed_workers_hold(crowd)
    return Figures(
        name=name,
        limit=crowd.limit,
        ends=dict(ends),
        charged=balance.charged,
        billed=billed,
        overshoot=max(0, balance.charged - crowd.limit, billed - crowd.limit),
        held_by_the_dead=killed,
        by_estimate=balance.spent - billed,
        left=later.charged - later.spent - killed,
        looks=crowd.looks,
        faults=crowd.faults,
    )


def killed_workers_hold(crowd: Crowd) -> int:
    """Return what is charged for workers that ended without a word."""
    reading = cast(Any, crowd.ledger)._reading
    with reading() as db:
        found = db.execute(
            "SELECT SUM(l.granted + l.overdraft - l.returned - l.spent)"
            " FROM lease l JOIN worker w ON w.worker = l.worker"
            " WHERE l.subject = ? AND w.closed = 0",
            (AGENT,),
        ).fetchone()
    return int(found[0] or 0)


@asynccontextmanager
async def crowd(data: Path, place: str, limit: int, wait_seconds: float) -> AsyncIterator[Crowd]:
    """Start vendor, control and workers; end them all. place: of the ledger."""
    vendor = Vendor()
    server = await vendor.start()
    limits = Limits(limit, None)
    bindings = (binding(vendor, limits=Limits()),)
    shown = snapshot(vendor, agent_limits=limits, bindings=bindings, wait_seconds=wait_seconds)
    control = ControlProcess(data, shown, place)
    await control.start()
    ledger = open_ledger(place)
    gateway = Gateway(data=data)
    made = Crowd(gateway, vendor, control, ledger, limit)
    try:
        for _ in range(WORKERS):
            await gateway.start_worker()
        await gateway.until_ready()
        yield made
    finally:
        for number in range(len(gateway.workers)):
            await gateway.stop_worker(number)
        await control.stop()
        ledger.close()
        server.close()
