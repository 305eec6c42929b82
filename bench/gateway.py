"""The gateway's full job against nginx that only proxies."""

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench import nginx
from bench.load import Figures, measure
from bench.process import Running, free_port, running
from pai.ir.agent import Limits
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot, Network

TOKEN = "bench-agent-token"
PATH = "/v1/chat/completions"
PYTHON = sys.executable


def snapshot(upstream: int) -> GatewaySnapshot:
    """One agent, one binding that leads to the mock."""
    binding = GatewayBinding(
        id="default/gpt",
        provider="openai",
        model="gpt-test",
        endpoint=f"http://127.0.0.1:{upstream}/v1",
        api_key="sk-bench-key-0123456789",
        limits=Limits(10**15, None),
    )
    agent = GatewayAgent(
        id="default/agent",
        token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        bindings=("default/gpt",),
        limits=Limits(10**15, 200_000),
    )
    network = Network(nameservers=("127.0.0.1:9",), private_upstreams=("127.0.0.0/8",))
    return GatewaySnapshot(version=1, agents=(agent,), bindings=(binding,), network=network)


@contextmanager
def gateway(folder: Path, upstream: int, port: int) -> Iterator[Running]:
    """One worker with its backstage."""
    data = folder / "gateway"
    (data / "run").mkdir(parents=True)
    (data / "run" / "gateway.credential").write_text("bench-credential")
    (data / "snapshot.json").write_bytes(msgspec.json.encode(snapshot(upstream)))
    backstage = [PYTHON, "-m", "bench.backstage", "gateway", str(data), str(data / "snapshot.json")]
    worker = [PYTHON, "-m", "pai.gateway", "--data", str(data), "--worker", "0"]
    worker += ["--listen", f"127.0.0.1:{port}"]
    with (
        running(backstage, cpu=1, log=folder / "backstage.log"),
        running(worker, ready=port, cpu=0, log=folder / "gateway.log") as started,
    ):
        time.sleep(1)  # its first snapshot
        yield started


def figures(folder: Path) -> list[Figures]:
    """Measure both, JSON and streams, in turn."""
    mock, plain, ours = free_port(), free_port(), free_port()
    found = []
    with (
        running([PYTHON, "bench/mock.py", str(mock)], ready=mock, cpu=1),
        running(nginx.command(folder / "nginx", plain, mock), ready=plain, cpu=0) as yardstick,
        gateway(folder, mock, ours) as worker,
    ):
        for kind, stream in (("JSON", False), ("SSE", True)):
            for name, port, target in (("nginx", plain, yardstick), ("gateway", ours, worker)):
                url = f"http://127.0.0.1:{port}{PATH}"
                found.append(
                    measure(f"{name} {kind}", url, target, stream=stream, token=TOKEN, host="x")
                )
    return found
