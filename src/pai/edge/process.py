"""One edge worker: its listeners, its snapshot, its end."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

from pai.edge.ports import Ports, retry_failed
from pai.edge.router import Router
from pai.errors import SpecError
from pai.ir.snapshot import EdgeSnapshot
from pai.wire import log
from pai.wire.client import ClientPool
from pai.wire.command_line import Connect, add_common, address, control
from pai.wire.dial import FixedDialer
from pai.wire.feed import SnapshotFeed
from pai.wire.limits import ClientLimits
from pai.wire.probes import Probes
from pai.wire.run import run
from pai.wire.server import HttpServer, ServerLimits
from pai.wire.tasks import spawn

DRAIN_SECONDS = 10.0
SERVER_LIMITS = ServerLimits()
# agents think for long; what connects at all connects at once
CLIENT_LIMITS = ClientLimits(connect_seconds=3.0, first_byte_seconds=900.0, idle_seconds=900.0)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="pai.edge", description="Serve agents' URLs.")
    add_common(parser, DRAIN_SECONDS)
    parser.add_argument("--worker", type=int, default=0, help="number of this worker")
    parser.add_argument(
        "--listen",
        action="append",
        type=address,
        metavar="HOST:PORT",
        help="address to listen on; may be given more than once (default 127.0.0.1:8090)",
    )
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace, connect: Connect, stop: asyncio.Event) -> int:
    """Run one worker until `stop` is set; return its exit code."""
    pool = ClientPool(FixedDialer(), limits=CLIENT_LIMITS)
    router = Router(pool)
    ports = Ports(router.by_port, SERVER_LIMITS)
    router.failed_ports = ports.failed
    server = HttpServer(router.by_host, SERVER_LIMITS)
    changed = asyncio.Event()
    probes = Probes(lambda: router.table.version > 0 and not server.leaving)

    def apply(snapshot: EdgeSnapshot) -> None:
        router.apply(snapshot)
        changed.set()

    link = connect()
    feed = SnapshotFeed(link, EdgeSnapshot, apply)
    addresses = options.listen or [("127.0.0.1", 8090)]
    try:
        for host, port in addresses:
            await server.listen(host, port, reuse_port=True, freebind=True)
        if options.listen_probes:
            await probes.listen(*options.listen_probes)
    except OSError as error:
        log.error("edge can't start", reason=str(error))
        return 1
    background = [
        spawn(feed.run(), "snapshot feed"),
        spawn(_follow(router, ports, changed), "public ports"),
        spawn(retry_failed(ports, lambda: _wanted(router)), "public ports, again"),
    ]
    log.info("edge ready", worker=options.worker, listen=[f"{h}:{p}" for h, p in addresses])
    await stop.wait()
    server.leave()
    await asyncio.sleep(options.drain_lead_seconds)
    for task in background:
        task.cancel()
    seconds = options.drain_seconds
    await asyncio.gather(server.drain(seconds), ports.drain(seconds))
    await probes.close()
    pool.close()
    link.close()
    return 0


def _wanted(router: Router) -> tuple[str, frozenset[int]]:
    return router.table.public_address, frozenset(router.table.by_port)


async def _follow(router: Router, ports: Ports, changed: asyncio.Event) -> None:
    while True:
        await changed.wait()
        changed.clear()
        await ports.apply(*_wanted(router))


def main(arguments: Sequence[str] | None = None) -> int:
    """Start one worker; return its exit code."""
    options = parse(arguments)
    try:
        connect = control(options, "edge")
    except SpecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with suppress(KeyboardInterrupt):
        return run(lambda stop: serve(options, connect, stop))
    return 130
