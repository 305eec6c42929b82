"""Joins two byte streams: after an upgrade, and for hosts that are passed through untouched."""

import asyncio
import socket
from typing import NamedTuple, cast

from pai.wire.deadlines import NEVER, Deadlines
from pai.wire.message import Outcome, Tap


class TunnelResult(NamedTuple):
    """How a tunnel ended. bytes_up: from client to upstream."""

    outcome: Outcome
    bytes_up: int
    bytes_down: int


class PipeEnd(asyncio.Protocol):
    """One side of a tunnel. Bytes that come before the other side is joined wait, bounded.

    tap: sees what this side sends and may change it.
    """

    def __init__(self, tap: Tap | None = None) -> None:
        self._tap = tap
        self.transport: asyncio.Transport | None = None
        self.tunnel: Tunnel | None = None
        self.other: PipeEnd | None = None
        self.early = b""
        self.received = 0
        self.ended = False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait with reading until there is somewhere to write to."""
        self.transport = cast(asyncio.Transport, transport)
        if self.other is None:
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        if self.other is None or self.other.transport is None or self.tunnel is None:
            self.early += data
            return
        self.received += len(data)
        self.tunnel.touch()
        if self._tap is not None:
            data = self._tap.feed(data)
        self.other.transport.write(data)

    def flush(self) -> None:
        """Send what the tap held back: this side sends no more."""
        tap, self._tap = self._tap, None
        if tap is not None and self.other is not None and self.other.transport is not None:
            self.other.transport.write(tap.finish())

    def eof_received(self) -> bool:
        """Pass the end of this direction on."""
        self.ended = True
        if self.tunnel is not None:
            return self.tunnel.half_closed(self)
        return True

    def pause_writing(self) -> None:
        """Stop the other side: this one reads too slowly."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let the other side go on."""
        if self.other is not None and self.other.transport is not None and not self.other.lost:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other side."""
        self.lost = True
        if self.tunnel is not None:
            self.tunnel.lost(self, exc)


class Tunnel:
    """Two joined pipe ends, until both directions have ended or nothing moves any more."""

    def __init__(self, client: PipeEnd, upstream: PipeEnd, idle_seconds: float) -> None:
        self._client, self._upstream = client, upstream
        self._loop = asyncio.get_running_loop()
        self._idle_seconds = idle_seconds
        self._deadlines = Deadlines()
        self._result: asyncio.Future[Outcome] = self._loop.create_future()
        self.deadline = NEVER

    async def run(self) -> TunnelResult:
        """Pass bytes both ways until the end; both connections are closed then."""
        client, upstream = self._client, self._upstream
        for end, other in ((client, upstream), (upstream, client)):
            end.other, end.tunnel = other, self
        self.touch()
        self._deadlines.add(self)
        try:
            for end in (client, upstream):
                self._join(end)
            outcome = await self._result
        finally:
            self._deadlines.discard(self)
            for end in (client, upstream):
                if end.transport is not None and not end.lost:
                    end.transport.close()
        return TunnelResult(outcome, client.received, upstream.received)

    def _join(self, end: PipeEnd) -> None:
        if end.lost:
            self.lost(end, None)
            return
        early, end.early = end.early, b""
        if early:
            end.data_received(early)
        if end.ended:
            self.half_closed(end)
        elif end.transport is not None:
            end.transport.resume_reading()

    def touch(self) -> None:
        """Note that something moved."""
        self.deadline = self._loop.time() + self._idle_seconds

    def on_deadline(self, now: float) -> None:
        """End a tunnel in which nothing has moved for too long."""
        self._finish(Outcome.TIMED_OUT)
        for end in (self._client, self._upstream):
            if end.transport is not None:
                end.transport.abort()

    def half_closed(self, end: PipeEnd) -> bool:
        """One side will send no more; return whether its connection stays open."""
        end.flush()
        other = end.other
        if other is None or other.transport is None or other.ended:
            self._finish(Outcome.COMPLETE)
            return False
        if not other.transport.can_write_eof():  # TLS has no half-close
            self._finish(Outcome.COMPLETE)
            return False
        other.transport.write_eof()
        return True

    def lost(self, end: PipeEnd, exc: Exception | None) -> None:
        """One side is gone: what it left is flushed, the other is closed."""
        broken = Outcome.CLIENT_GONE if end is self._client else Outcome.UPSTREAM_BROKEN
        self._finish(broken if exc is not None else Outcome.COMPLETE)
        other = end.other
        if other is not None and other.transport is not None and not other.lost:
            if exc is None:
                end.flush()
                other.transport.close()
            else:
                other.transport.abort()

    def _finish(self, outcome: Outcome) -> None:
        if not self._result.done():
            self._result.set_result(outcome)


async def splice(
    client: socket.socket,
    upstream: PipeEnd,
    *,
    initial: bytes = b"",
    idle_seconds: float = 3600.0,
) -> TunnelResult:
    """Join an accepted socket with a dialled `PipeEnd`. initial: bytes read from it already."""
    loop = asyncio.get_running_loop()
    _, end = await loop.connect_accepted_socket(PipeEnd, client)
    end.early = initial + end.early
    return await Tunnel(end, upstream, idle_seconds).run()
