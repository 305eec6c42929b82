"""A control over TLS, and gateway processes that find it by a bootstrap file."""

import asyncio
import hashlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.unit.wire.certificates import Authority
from tests.unit.wire.kernel import Kernel

from pai.ir.snapshot import GatewaySnapshot, Network
from pai.wire.exchange import Exchange
from pai.wire.server import HttpServer
from pai.wire.tls import only_ca_context, server_context

CREDENTIAL = "canary-credential"
METRICS_TOKEN = "canary-metrics-token"
GATEWAY_NAME = "gateway.pai.internal"
READY = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LIVE = READY.replace(b"readyz", b"livez")
MODELS = b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class FarControl:
    """Serves one snapshot; without one it keeps its callers waiting."""

    def __init__(self) -> None:
        self.authority = Authority()
        self.server = HttpServer(self._answer)
        self.port = 0
        self.snapshot: GatewaySnapshot | None = None
        self.refused = self.served = 0

    async def start(self) -> None:
        leaf = self.authority.leaf("control.pai.internal")
        self.port = await self.server.listen("127.0.0.1", 0, ssl=server_context(*leaf))

    def publish(self, version: int, authority: Authority | None = None, **changes: str) -> None:
        pair = (authority or self.authority).leaf(GATEWAY_NAME)
        snapshot = GatewaySnapshot(
            version=version,
            agents=(),
            bindings=(),
            network=Network(nameservers=("127.0.0.1:9",)),
            cert_pem=pair.cert_pem,
            key_pem=pair.key_pem,
            metrics_token_sha256=hashlib.sha256(METRICS_TOKEN.encode()).hexdigest(),
        )
        self.snapshot = msgspec.structs.replace(snapshot, **changes)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.head.get(b"authorization") != f"Bearer {CREDENTIAL}".encode():
            self.refused += 1
            await exchange.respond(401, [])
            return
        asked = re.search(rb"after=(\d+)&", exchange.head.query)
        for _ in range(100):
            snapshot = self.snapshot
            if snapshot is not None and asked is not None and snapshot.version != int(asked[1]):
                self.served += 1
                await exchange.respond(200, [], msgspec.json.encode(snapshot))
                return
            await asyncio.sleep(0.05)
        await exchange.respond(304, [])

    def bootstrap(self, folder: Path) -> str:
        document = {
            "control": f"https://127.0.0.1:{self.port}",
            "ca_pem": self.authority.pem,
            "server_name": "control.pai.internal",
            "credential": CREDENTIAL,
        }
        path = folder / "bootstrap.json"
        path.write_text(json.dumps(document))
        return str(path)


class Gateway:
    """One process, as it runs in a pod."""

    def __init__(self, kernel: Kernel, folder: Path) -> None:
        self.kernel, self.folder = kernel, folder
        self.tls_port, self.probes, self.plain = free_port(), free_port(), free_port()
        self.metrics = free_port()
        self.log = folder / "log"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, bootstrap: str, *words: str) -> None:
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "pai.gateway", "--bootstrap", bootstrap),
                *("--listen-tls", f"127.0.0.1:{self.tls_port}"),
                *("--listen", f"127.0.0.1:{self.plain}"),
                *("--listen-metrics", f"127.0.0.1:{self.metrics}"),
                *("--listen-probes", f"127.0.0.1:{self.probes}", *words),
                stderr=log,
                env={**os.environ, "PYTHONPATH": "src"},
            )

    async def probe(self, data: bytes) -> int:
        try:
            return int((await self.kernel.ask(self.probes, data)).split(b" ")[1])
        except (OSError, IndexError):
            return 0

    async def until(self, data: bytes, status: int) -> None:
        assert self.process is not None
        async with asyncio.timeout(30):
            while await self.probe(data) != status:
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)

    async def connect(
        self, authority: Authority
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await self.kernel.connect(
            self.tls_port, only_ca_context(authority.pem), GATEWAY_NAME
        )

    async def stop(self, seconds: float = 20.0) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), seconds)


@asynccontextmanager
async def far_gateway(
    kernel: Kernel, folder: Path, *words: str
) -> AsyncIterator[tuple[FarControl, Gateway]]:
    control = FarControl()
    await control.start()
    gateway = Gateway(kernel, folder)
    try:
        await gateway.start(control.bootstrap(folder), *words)
        yield control, gateway
    finally:
        if gateway.process is not None and gateway.process.returncode is None:
            gateway.process.terminate()
            try:
                await asyncio.wait_for(gateway.process.wait(), 20)
            except TimeoutError:
                gateway.process.kill()
                await gateway.process.wait()
        await control.server.drain(0.1)
