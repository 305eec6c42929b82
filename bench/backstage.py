"""Control's side of a measurement: one snapshot, a real ledger, nothing else.

`python -m bench.backstage KIND DATA SNAPSHOT.json [PORT CERT KEY]`. A gateway
asks over `DATA/run/internal.sock`, a sidecar over TLS on PORT.
"""

import asyncio
import sys
import time
from pathlib import Path

from pai.ledger import SqliteLedger, handle_leases, handle_settlements
from pai.wire.exchange import Exchange
from pai.wire.run import run
from pai.wire.server import HttpServer
from pai.wire.tls import server_context

PLENTY = 10**15  # tokens; the measurement must not end for want of them


class Backstage:
    """Answers the internal API."""

    def __init__(self, data: Path, snapshot: bytes) -> None:
        self.snapshot = snapshot
        self.ledger = SqliteLedger(data / "ledger.db")

    async def handle(self, exchange: Exchange) -> None:
        """Answer one call."""
        path = exchange.head.path.rsplit(b"/", 1)[1]
        if path == b"snapshot":
            await self.give_snapshot(exchange)
            return
        body = await exchange.read_body(1 << 24)
        if path == b"leases":
            answer = handle_leases(self.ledger, body, lambda subject: PLENTY, time.time())
            await exchange.respond(200, [], answer)
        elif path == b"settlements":
            await exchange.respond(200, [], handle_settlements(self.ledger, body, time.time()))
        else:
            await exchange.respond(204, [])

    async def give_snapshot(self, exchange: Exchange) -> None:
        """Give the snapshot once; after that nothing ever changes."""
        if exchange.head.query.startswith(b"after=1&"):
            await asyncio.sleep(20)
            await exchange.respond(304, [])
        else:
            await exchange.respond(200, [], self.snapshot)


async def serve(stop: asyncio.Event) -> int:
    """Listen and wait."""
    kind, data, snapshot, *tls = sys.argv[1:]
    server = HttpServer(Backstage(Path(data), Path(snapshot).read_bytes()).handle)
    if kind == "gateway":
        await server.listen_unix(str(Path(data) / "run" / "internal.sock"))
    else:
        port, certificate, key = tls
        context = server_context(Path(certificate).read_text(), Path(key).read_text())
        await server.listen("127.0.0.1", int(port), ssl=context)
    await stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run(serve))
