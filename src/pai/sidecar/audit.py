"""The record of every decision: a line on standard output, and batches to control.

Nothing here waits for anyone: records that find the spool full are dropped, counted and reported.
Refusals that cost the agent nothing to provoke (names, connections) are also limited in rate.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypedDict, Unpack

import msgspec

from pai.clock import timestamp
from pai.errors import TransientError
from pai.ir.snapshot import AuditRecord
from pai.wire import log
from pai.wire.bucket import Bucket

SPOOL_RECORDS = 5_000
BATCH_RECORDS = 500
_INTERVAL_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_REFUSALS_PER_SECOND = 50.0
_REFUSALS_BURST = 200.0
_PATH_CHARACTERS = 512

Send = Callable[[list[AuditRecord]], Awaitable[None]]


class Fields(TypedDict, total=False):
    """What an `AuditRecord` may tell besides decision and reason; never a header, body or key."""

    host: str
    method: str
    path: str
    provider: str
    action: str
    resource: str
    rule: str
    status: int
    duration_ms: float


class AuditLog:
    """Takes records from everywhere in the process; `ship` carries them to control.

    write: takes a line, never blocks. dropped: records lost since the last report.
    """

    def __init__(
        self, write: Callable[[bytes], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._spool: deque[AuditRecord] = deque()
        self._bucket = Bucket(_REFUSALS_PER_SECOND, _REFUSALS_BURST, now)
        self.agent = ""
        self.replica = 0
        self.dropped = 0

    def add(self, decision: str, reason: str, **fields: Unpack[Fields]) -> None:
        """Record one decision."""
        if "path" in fields:
            fields["path"] = fields["path"][:_PATH_CHARACTERS]
        record = AuditRecord(
            at=timestamp(),
            agent=self.agent,
            replica=self.replica,
            decision=decision,
            reason=reason,
            **fields,
        )
        self._write(msgspec.json.encode(record))
        if len(self._spool) >= SPOOL_RECORDS:
            self.dropped += 1
        else:
            self._spool.append(record)

    def refuse(self, reason: str, **fields: Unpack[Fields]) -> None:
        """Record a refusal of a name or a connection; beyond the rate it is only counted."""
        if self._bucket.take():
            self.add("denied", reason, **fields)
        else:
            self.dropped += 1

    async def ship(self, send: Send) -> None:
        """Carry batches to control until cancelled; what can't be sent now is kept."""
        pause = _INTERVAL_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                while self._spool or self.dropped:
                    await self._ship_batch(send)
                pause = _INTERVAL_SECONDS
            except TransientError as error:
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                log.warning("audit records wait for control", error=error.message)

    async def flush(self, send: Send) -> None:
        """Send what is left, once; at the end of the process.

        Raises TransientError when control can't be reached.
        """
        while self._spool:
            await self._ship_batch(send)

    async def _ship_batch(self, send: Send) -> None:
        if self.dropped:
            lost, self.dropped = self.dropped, 0
            self.add("denied", f"{lost} records were dropped: too many at once")
        batch = [self._spool[index] for index in range(min(BATCH_RECORDS, len(self._spool)))]
        await send(batch)
        for _ in batch:
            self._spool.popleft()
