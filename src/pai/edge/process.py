"""One edge worker: its listeners, its snapshot, its end."""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pai.edge.ports import Ports, retry_failed
from pai.edge.router import Router
from pai.ir.snapshot import EdgeSnapshot
from pai.wire import log
from pai.wire.client import ClientPool
from pai.wire.dial import FixedDialer
from pai.wire.feed import ControlLink, SnapshotFeed
from pai.wire.limits import ClientLimits
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
    parser.add_argument("--data", type=Path, required=True, help="data directory")
    parser.add_argument("--worker", type=int, default=0, help="number of this worker")
    parser.add_argument(
        "--listen",
        action="append",
        metavar="HOST:PORT",
        help="address to listen on; may be given more than once (default 127.0.0.1:8090)",
    )
    return parser.parse_args(arguments)


def split_listen(text: str) -> tuple[str, int]:
    """Split `HOST:PORT` or `[V6]:PORT`.

    Raises ValueError.
    """
    host, _, port = text.rpartition(":")
    if not host:
        raise ValueError(f"--listen {text}: expected HOST:PORT")
    return host.strip("[]"), int(port)


async def serve(options: argparse.Namespace, stop: asyncio.Event) -> int:
    """Run one worker until `stop` is set; return its exit code."""
    pool = ClientPool(FixedDialer(), limits=CLIENT_LIMITS)
    router = Router(pool)
    ports = Ports(router.by_port, SERVER_LIMITS)
    router.failed_ports = ports.failed
    server = HttpServer(router.by_host, SERVER_LIMITS)
    changed = asyncio.Event()

    def apply(snapshot: EdgeSnapshot) -> None:
        router.apply(snapshot)
        changed.set()

    link = ControlLink.local(options.data, "edge")
    feed = SnapshotFeed(link, EdgeSnapshot, apply)
    for listen in options.listen or ["127.0.0.1:8090"]:
        try:
            await server.listen(*split_listen(listen), reuse_port=True, freebind=True)
        except (OSError, ValueError) as error:
            log.error("edge can't start", reason=str(error))
            return 1
    background = [
        spawn(feed.run(), "snapshot feed"),
        spawn(_follow(router, ports, changed), "public ports"),
        spawn(retry_failed(ports, lambda: _wanted(router)), "public ports, again"),
    ]
    log.info("edge ready", worker=options.worker, listen=options.listen or ["127.0.0.1:8090"])
    await stop.wait()
    for task in background:
        task.cancel()
    await asyncio.gather(server.drain(DRAIN_SECONDS), ports.drain(DRAIN_SECONDS))
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

    async def body(stop: asyncio.Event) -> int:
        return await serve(options, stop)

    with suppress(KeyboardInterrupt):
        return run(body)
    return 130
