"""One gateway worker: its listeners, its line to control, its end."""

import argparse
import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from pai.gateway.answers import MOST_BODY_BYTES
from pai.gateway.desk import Desk
from pai.gateway.exposition import Piece
from pai.gateway.figures import Figures
from pai.gateway.service import Service
from pai.ir.snapshot import GatewaySnapshot
from pai.wire import log
from pai.wire.command_line import Connect
from pai.wire.feed import SnapshotFeed
from pai.wire.probes import Probes
from pai.wire.renewed_tls import RenewedTls
from pai.wire.server import HttpServer, ServerLimits
from pai.wire.tasks import spawn

DRAIN_SECONDS = 30.0
STATUS_SECONDS = 1.0
WELL, UNREADY = b"1", b"0"
# An SDK sends its whole body before it reads: a refusal must outlast that to be seen.
_LIMITS = ServerLimits(linger_bytes=2 * MOST_BODY_BYTES, linger_seconds=15.0)
# Any pod of the cluster may be at the other end of these.
_TLS_LIMITS = replace(_LIMITS, connections=16_384, connections_per_peer=512)
_CLOSE_SECONDS = 5.0
_LAST_SPANS_SECONDS = 2.0


class Worker:
    """Everything one worker serves with. ready: every listener serves, and no end is near.

    sockets: directory where the workers of one gateway find each other; None = it is alone.
    """

    def __init__(self, connect: Connect, number: int, sockets: Path | None = None) -> None:
        self.name = f"gw{number}-{token_hex(8)}"  # a name that no other process ever has
        link = connect()
        self.desk = Desk(connect(), self.name)
        self.figures = Figures(self._pieces, number, sockets)
        self._service = Service(self.desk, self.name, self.figures)
        self._plain = HttpServer(self._service.handle, _LIMITS)
        self._secure = HttpServer(self._service.handle, _TLS_LIMITS)
        self._tls = RenewedTls(self._secure)
        self._probes = Probes(lambda: self.ready)
        self._number = str(number)
        self.feed = SnapshotFeed(link, GatewaySnapshot, self._apply)
        self.ready = False

    def _apply(self, snapshot: GatewaySnapshot) -> None:
        """Put a snapshot to work; with a bad certificate all but that."""
        self._service.apply(snapshot)
        self.figures.trust(snapshot.metrics_token_sha256)
        self.desk.telemetry.keep(snapshot)
        self.desk.spans.apply(snapshot)
        self.desk.counts.keep(snapshot)
        try:
            if snapshot.cert_pem or self._tls.serving:
                self._tls.renew(snapshot.cert_pem, snapshot.key_pem)
        except ValueError as error:
            log.error("certificate refused", version=snapshot.version, reason=str(error))
        self.ready = not (self._plain.leaving or self._tls.waiting)

    def _pieces(self) -> Iterator[Piece]:
        """Yield this worker's figures."""
        desk, number = self.desk, self._number
        yield from self._service.counters.pieces(number, len(desk.account.line), desk.failures)
        yield from desk.telemetry.pieces(number)
        yield from desk.spans.pieces(number)
        yield from desk.counts.pieces(number)

    async def listen(self, options: argparse.Namespace) -> None:
        """Open every listener; those with TLS wait for a certificate.

        Raises OSError naming the address.
        """
        for host, port in options.listen_tls:
            self._tls.bind(host, port, reuse_port=True)
        for host, port in options.listen:
            await self._plain.listen(host, port, reuse_port=True, freebind=True)
        if options.listen_probes:
            await self._probes.listen(*options.listen_probes)
        await self.figures.listen(options.listen_metrics)

    async def end(self, lead_seconds: float, drain_seconds: float) -> None:
        """Be unready, serve on until others know it, then let what runs come to its end."""
        self.ready = False
        for server in (self._plain, self._secure):
            server.leave()
        await asyncio.sleep(lead_seconds)
        self._tls.close()
        await asyncio.gather(self._plain.drain(drain_seconds), self._secure.drain(drain_seconds))

    async def close(self) -> None:
        """Settle what was spent, and answer no more probes."""
        await asyncio.gather(
            self.desk.close(_CLOSE_SECONDS), self.desk.spans.close(_LAST_SPANS_SECONDS)
        )
        await asyncio.gather(self._probes.close(), self.figures.close())


async def serve(options: argparse.Namespace, connect: Connect, stop: asyncio.Event) -> int:
    """Run one worker until `stop` is set; return its exit code."""
    sockets = options.data / "run" if options.data else options.sockets
    worker = Worker(connect, options.worker, sockets)
    try:
        await worker.listen(options)
    except OSError as error:
        log.error("can't listen", reason=error.strerror or str(error))
        return 1
    background = [
        spawn(worker.feed.run(), "snapshots"),
        spawn(worker.desk.run(), "ledger"),
        spawn(worker.desk.spans.run(), "spans"),
    ]
    telling = spawn(_tell(worker, options.status_fd, stop), "status")
    log.info("gateway worker is up", worker=worker.name)
    await stop.wait()
    await worker.end(options.drain_lead_seconds, options.drain_seconds)
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await worker.close()
    telling.cancel()
    log.info("gateway worker has ended", worker=worker.name)
    return 0


async def _tell(worker: Worker, descriptor: int | None, stop: asyncio.Event) -> None:
    """Tell the crew how this worker is; end when there is no crew any more."""
    if descriptor is None:
        return
    os.set_blocking(descriptor, False)
    while True:
        try:
            os.write(descriptor, WELL if worker.ready else UNREADY)
        except BlockingIOError:  # the crew is busy: what it has not read says the same
            pass
        except BrokenPipeError:
            log.warning("the crew is gone")
            stop.set()
            return
        await asyncio.sleep(STATUS_SECONDS)
