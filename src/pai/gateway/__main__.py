"""Start one gateway worker; the supervisor starts as many as the settings say."""

import argparse
import asyncio
import sys
from pathlib import Path
from secrets import token_hex

from pai.gateway.chat import MOST_BODY_BYTES
from pai.gateway.desk import Desk
from pai.gateway.service import Service
from pai.ir.snapshot import GatewaySnapshot
from pai.wire import log, run
from pai.wire.feed import ControlLink, SnapshotFeed
from pai.wire.server import HttpServer, ServerLimits
from pai.wire.tasks import spawn

# An SDK sends its whole body before it reads: a refusal must outlast that to be seen.
_LIMITS = ServerLimits(linger_bytes=2 * MOST_BODY_BYTES, linger_seconds=15.0)
_DRAIN_SECONDS = 30.0
_CLOSE_SECONDS = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="pai.gateway", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the platform's data directory")
    parser.add_argument("--worker", type=int, required=True, help="number of this worker")
    parser.add_argument("--listen", action="append", required=True, metavar="HOST:PORT")
    options = parser.parse_args(arguments)
    listeners = [_address(parser, text) for text in options.listen]
    return run.run(lambda stop: _serve(options.data, options.worker, listeners, stop))


async def _serve(
    data: Path, number: int, listeners: list[tuple[str, int]], stop: asyncio.Event
) -> int:
    worker = f"gw{number}-{token_hex(8)}"  # a name that no other process ever has
    link = ControlLink.local(data, "gateway")
    desk = Desk(ControlLink.local(data, "gateway"), worker)
    service = Service(desk, worker, lambda: _credential(data))
    server = HttpServer(service.handle, _LIMITS)
    try:
        for host, port in listeners:
            await server.listen(host, port, reuse_port=True, freebind=True)
    except OSError as error:
        log.error("can't listen", reason=error.strerror or str(error))
        return 1
    feed = SnapshotFeed(link, GatewaySnapshot, service.apply)
    following = spawn(feed.run(), "snapshots")
    settling = spawn(desk.run(), "ledger")
    log.info("gateway worker is up", worker=worker)
    await stop.wait()
    await server.drain(_DRAIN_SECONDS)
    following.cancel()
    settling.cancel()
    await asyncio.gather(following, settling, return_exceptions=True)
    await desk.close(_CLOSE_SECONDS)
    log.info("gateway worker has ended", worker=worker)
    return 0


def _credential(data: Path) -> str:
    """Return this role's credential, or nothing while there is none."""
    try:
        return (data / "run" / "gateway.credential").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _address(parser: argparse.ArgumentParser, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        parser.error(f"--listen {text}: give HOST:PORT")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    sys.exit(main())
