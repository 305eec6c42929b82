"""The gateway with its whole job: who asks, which model, budgets, keys, usage, translation."""

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.call import bearer
from bench.process import free_port, running
from bench.target import Target, Way
from pai.ir.agent import Limits
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot, Network

TOKEN = "bench-agent-token"
PYTHON = sys.executable
_PLENTY = Limits(10**15, 10**6)


def snapshot(upstream: int) -> GatewaySnapshot:
    """One agent with two models; both lead to the mock, one in each of its dialects."""
    chat = GatewayBinding(
        id="default/gpt",
        provider="openai",
        model="gpt-test",
        endpoint=f"http://127.0.0.1:{upstream}/v1",
        api_key="sk-bench-key-0123456789",
        limits=Limits(10**15, None),
    )
    messages = GatewayBinding(
        id="default/claude",
        provider="anthropic",
        model="claude-sonnet-4-5",
        endpoint=f"http://127.0.0.1:{upstream}",
        api_key="sk-ant-bench-0123456789",
        limits=Limits(10**15, None),
    )
    agent = GatewayAgent(
        id="default/agent",
        token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        bindings=(chat.id, messages.id),
        limits=_PLENTY,
    )
    network = Network(nameservers=("127.0.0.1:9",), private_upstreams=("127.0.0.0/8",))
    return GatewaySnapshot(version=1, agents=(agent,), bindings=(chat, messages), network=network)


@contextmanager
def gateway(folder: Path, upstream: int) -> Iterator[Target]:
    """One worker with its backstage."""
    port, data = free_port(), folder / "data"
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
        token = bearer(TOKEN)
        yield Target(
            name="gateway",
            port=port,
            running=started,
            native=Way("gpt-test", token),
            translated=Way("claude", token),
            idle_mib=started.rss_mib(),
        )
