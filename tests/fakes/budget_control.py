"""A control that is nothing but a snapshot and a ledger, as a process that can be killed.

`python -m tests.fakes.budget_control DATA LEDGER` answers on `DATA/run/internal.sock`; the snapshot
lies in `DATA/snapshot.json`, LEDGER is a file or a PostgreSQL URL.
"""

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from pai.control.ledger_door import LedgerDoor
from pai.errors import SpecError, TransientError
from pai.ir.snapshot import GatewaySnapshot
from pai.ledger import LimitOf, open_ledger
from pai.wire.exchange import Exchange
from pai.wire.run import run
from pai.wire.server import HttpServer

_MOST_BODY_BYTES = 1 << 24


def limits_of(snapshot: GatewaySnapshot) -> LimitOf:
    """Return the limits that a snapshot says."""
    limits = {f"agent:{each.id}": each.limits.max_per_day for each in snapshot.agents}
    limits |= {f"model:{each.id}": each.limits.max_per_day for each in snapshot.bindings}
    return limits.__getitem__


class BudgetControl:
    """Answers the internal API."""

    def __init__(self, snapshot: bytes, door: LedgerDoor) -> None:
        self._snapshot, self._door = snapshot, door
        self._limit_of = limits_of(msgspec.json.decode(snapshot, type=GatewaySnapshot))

    async def handle(self, exchange: Exchange) -> None:
        """Answer one call."""
        path = exchange.head.path.rsplit(b"/", 1)[1]
        if path == b"snapshot":
            await self._give_snapshot(exchange)
            return
        body = await exchange.read_body(_MOST_BODY_BYTES)
        try:
            if path == b"leases":
                answer = await self._door.leases(body, self._limit_of)
            else:
                answer = await self._door.settlements(body)
        except SpecError as error:
            await exchange.respond(400, [], error.message.encode())
        except TransientError as error:
            await exchange.respond(503, [], error.message.encode())
        else:
            await exchange.respond(200, [], answer)

    async def _give_snapshot(self, exchange: Exchange) -> None:
        """Give the snapshot once; nothing ever changes."""
        if exchange.head.query.startswith(b"after=1&"):
            await asyncio.sleep(20)
            await exchange.respond(304, [])
        else:
            await exchange.respond(200, [], self._snapshot)


async def serve(stop: asyncio.Event) -> int:
    """Listen until told to stop."""
    data, place = Path(sys.argv[1]), sys.argv[2]
    door = LedgerDoor(open_ledger(place), time.time)
    server = HttpServer(BudgetControl((data / "snapshot.json").read_bytes(), door).handle)
    await server.listen_unix(str(data / "run" / "internal.sock"))
    await stop.wait()
    await server.drain(1.0)
    await door.close()
    return 0


if __name__ == "__main__":
    sys.exit(run(serve))
