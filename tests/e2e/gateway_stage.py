"""A stage for the gateway alone: a vendor that counts, a control side, real worker processes.

The vendor obeys what the user message says, as JSON: {"tokens", "pause", "do", "status", ...}.
"""

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from tests.run_code import CODE

from pai.errors import PaiError
from pai.ir.agent import Limits, Retry
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot, Network
from pai.ledger import SqliteLedger, handle_leases, handle_settlements
from pai.wire.exchange import Exchange
from pai.wire.server import HttpServer

KEY = "sk-canary-4f1d0c9b7a"
TOKEN = "agent-token-1"
CREDENTIAL = "gateway-credential"
METRICS_TOKEN = "metrics-token"
AGENT, MODEL = "agent:ns/agent", "model:ns/main"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Vendor:
    """An OpenAI-compatible server. billed: all tokens it ever counted, by model."""

    port: int = 0
    billed: Counter[str] = field(default_factory=Counter)
    requests: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    running: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def stop(self, server: asyncio.Server) -> None:
        """End, with every answer that is still being made."""
        server.close()
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # either side has hung up, as tests do
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        block = await reader.readuntil(b"\r\n\r\n")
        lines = block.decode().split("\r\n")
        head = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
        body = json.loads(await reader.readexactly(int(head.get("content-length", 0))) or b"{}")
        self.heads.append({**head, ":path": lines[0].split(" ")[1]})
        self.requests.append(body)
        if self.failures:
            status, headers = self.failures.pop(0)
            writer.write(_response(status, {"error": {"message": f"no: {head}"}}, headers))
            await writer.drain()
            return True
        self.running += 1
        try:
            return await self._answer(body, head, writer)
        finally:
            self.running -= 1

    async def _answer(
        self, body: dict[str, Any], head: dict[str, str], writer: asyncio.StreamWriter
    ) -> bool:
        text = body["messages"][-1]["content"]
        try:
            script = json.loads(text)
        except ValueError:
            script = {}
        cap = body.get("max_completion_tokens") or body.get("max_tokens") or 10**9
        wanted = min(int(script.get("tokens", 5)), cap)
        size = len(json.dumps(body["messages"]).encode())
        prompt = int(script.get("input", size * script.get("ratio", 0.4)))
        self.billed[body["model"]] += prompt
        usage = {"prompt_tokens": prompt, "completion_tokens": wanted}
        usage["total_tokens"] = prompt + wanted
        usage = script.get("usage", usage)
        if script.get("do") == "close":
            return False
        if body.get("stream"):
            return await self._stream(body, script, wanted, usage, writer)
        for _ in range(wanted):
            self.billed[body["model"]] += 1
            if script.get("pause"):
                await asyncio.sleep(script["pause"])
        content = head.get("authorization", "") if script.get("do") == "echo" else "word " * wanted
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"]}
        headers = {"x-echo": head.get("authorization", "")} if script.get("do") == "echo" else {}
        writer.write(_response(200, {**answer, "choices": [choice], "usage": usage}, headers))
        await writer.drain()
        return True

    async def _stream(
        self,
        body: dict[str, Any],
        script: dict[str, Any],
        wanted: int,
        usage: Any,
        writer: asyncio.StreamWriter,
    ) -> bool:
        kind = "content-type: text/event-stream\r\ntransfer-encoding: chunked"
        writer.write(f"HTTP/1.1 200 OK\r\n{kind}\r\n\r\n".encode())
        base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        for number in range(wanted):
            if writer.is_closing():
                return False
            self.billed[body["model"]] += 1
            delta = {"index": 0, "delta": {"content": f"w{number} "}, "finish_reason": None}
            _send_event(writer, {**base, "choices": [delta], "usage": None})
            await writer.drain()
            await asyncio.sleep(script.get("pause", 0))
            if script.get("do") == "break" and number == wanted // 2:
                writer.transport.abort()
                return False
        if body.get("stream_options", {}).get("include_usage") and usage is not None:
            _send_event(writer, {**base, "choices": [], "usage": usage})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()
        return True


def _send_event(writer: asyncio.StreamWriter, document: dict[str, Any]) -> None:
    data = b"data: " + json.dumps(document).encode() + b"\n\n"
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _response(status: int, document: dict[str, Any], headers: dict[str, str]) -> bytes:
    body = json.dumps(document).encode()
    fields = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    block = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Status\r\n{block}\r\n".encode() + body


class Control:
    """The internal API on a unix socket, over a real ledger. fails: answers 503 while set."""

    def __init__(self, data: Path, snapshot: GatewaySnapshot) -> None:
        (data / "run").mkdir(parents=True, exist_ok=True)
        (data / "run" / "gateway.credential").write_text(CREDENTIAL)
        self._data = data
        self.snapshot = snapshot
        self.ledger = SqliteLedger(data / "ledger.db")
        self.now: Callable[[], float] = time.time
        self.fails = False
        self._server = HttpServer(lambda exchange: self.answer(exchange))

    async def start(self) -> None:
        await self._server.listen_unix(str(self._data / "run" / "internal.sock"))

    async def stop(self) -> None:
        await self._server.drain(0.0)
        self.ledger.close()

    def limit_of(self, subject: str) -> int | None:
        limits = {f"agent:{each.id}": each.limits.max_per_day for each in self.snapshot.agents}
        limits |= {f"model:{each.id}": each.limits.max_per_day for each in self.snapshot.bindings}
        return limits[subject]

    async def answer(self, exchange: Exchange) -> None:
        assert exchange.head.get(b"authorization") == f"Bearer {CREDENTIAL}".encode()
        path = exchange.head.path
        if self.fails:
            await exchange.respond(503, [])
            return
        if path.endswith(b"/snapshot"):
            await self._snapshot(exchange)
            return
        body = await exchange.read_body(10**6)
        try:
            if path.endswith(b"/leases"):
                answer = handle_leases(self.ledger, body, self.limit_of, self.now())
            else:
                answer = handle_settlements(self.ledger, body, self.now())
        except PaiError as error:
            await exchange.respond(400, [], error.message.encode())
            return
        await exchange.respond(200, [(b"content-type", b"application/json")], answer)

    async def _snapshot(self, exchange: Exchange) -> None:
        for _ in range(100):
            if exchange.head.query.startswith(f"after={self.snapshot.version}&".encode()):
                await asyncio.sleep(0.1)
                continue
            await exchange.respond(200, [], msgspec.json.encode(self.snapshot))
            return
        await exchange.respond(304, [])


def snapshot(
    vendor: Vendor,
    *,
    agent_limits: Limits | None = None,
    bindings: tuple[GatewayBinding, ...] = (),
    wait_seconds: float = 30.0,
    uncounted_input: str = "learn",
) -> GatewaySnapshot:
    chosen = bindings or (binding(vendor),)
    agent = GatewayAgent(
        id="ns/agent",
        token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        bindings=tuple(each.id for each in chosen),
        limits=agent_limits or Limits(1_000_000, 200_000),
    )
    return GatewaySnapshot(
        version=1,
        agents=(agent,),
        bindings=chosen,
        network=Network(nameservers=("127.0.0.1:9",), private_upstreams=("127.0.0.0/8",)),
        wait_for_budget_seconds=wait_seconds,
        uncounted_input=uncounted_input,
        metrics_token_sha256=hashlib.sha256(METRICS_TOKEN.encode()).hexdigest(),
    )


def binding(vendor: Vendor, name: str = "main", **changes: Any) -> GatewayBinding:
    made = GatewayBinding(
        id=f"ns/{name}",
        provider="openai",
        model=f"vendor-{name}",
        endpoint=f"http://127.0.0.1:{vendor.port}/v1",
        api_key=KEY,
        retry=Retry(max_attempts=3, min_backoff_ms=10, max_backoff_ms=50),
    )
    return msgspec.structs.replace(made, **changes)


@dataclass(kw_only=True)
class Gateway:
    """Worker processes on one port. url: base URL for SDKs."""

    data: Path
    port: int = field(default_factory=free_port)
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start_worker(self) -> None:
        number = len(self.workers)
        with open(self.data / f"gateway-{number}.log", "wb") as log:
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "pai.gateway", "--data", str(self.data)),
                *("--worker", str(number), "--listen", f"127.0.0.1:{self.port}"),
                stderr=log,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": CODE},
            )
        self.workers.append(worker)

    async def stop_worker(self, number: int, how: signal.Signals = signal.SIGTERM) -> int:
        worker = self.workers[number]
        if worker.returncode is None:
            worker.send_signal(how)
        return await worker.wait()

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.data.glob("gateway-*.log")))

    async def until_ready(self) -> None:
        """Wait until every worker says that it is up and has its snapshot."""
        for _ in range(200):
            ups = self.logs().count("gateway worker is up")
            if ups == len(self.workers) and await self._has_snapshot():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(self.logs())

    async def _has_snapshot(self) -> bool:
        """Ask on several connections, as the kernel spreads them over the workers."""
        for _ in range(8 * len(self.workers)):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return False
            writer.write(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
            if b" 401 " not in status:
                return False
        return True


@dataclass(kw_only=True)
class Stage(Gateway):
    """Everything running."""

    vendor: Vendor
    control: Control


@asynccontextmanager
async def stage(
    data: Path, make: Callable[[Vendor], GatewaySnapshot] = snapshot, workers: int = 1
) -> AsyncIterator[Stage]:
    """Start vendor, control and workers; end them all."""
    vendor = Vendor()
    server = await vendor.start()
    control = Control(data, make(vendor))
    await control.start()
    running = Stage(vendor=vendor, control=control, data=data)
    try:
        for _ in range(workers):
            await running.start_worker()
        await running.until_ready()
        yield running
    finally:
        for number in range(len(running.workers)):
            await running.stop_worker(number)
        await control.stop()
        await vendor.stop(server)
