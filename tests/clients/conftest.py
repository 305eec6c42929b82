"""Runs every program once against one gateway with all vendors; tests read the results."""

import asyncio
import hashlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.e2e.gateway_stage import TOKEN, Stage, Vendor, free_port, stage

from pai.ir.agent import Limits, Retry
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot, Network

CLIENTS = Path("build/clients")
PYTHON = CLIENTS / "venv/bin/python"
NODE = CLIENTS / "venv/bin/node"
PROGRAMS = Path("tests/clients/programs")
SECONDS = 240

# binding: vendor, the vendor's model, endpoint
MODELS = {
    "openai": ("openai", "gpt-4o", "http://api.openai.com/v1"),
    "reasoner": ("openai", "gpt-5", "http://api.openai.com/v1"),
    "anthropic": ("anthropic", "claude-opus-4-6", "http://api.anthropic.com"),
    "gemini": ("gemini", "gemini-3-pro", "http://generativelanguage.googleapis.com"),
    "openrouter": ("openrouter", "z-ai/glm-4.6", "http://openrouter.ai/api/v1"),
}
_HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "gemini": "generativelanguage.googleapis.com",
    "openrouter": "openrouter.ai",
}
Results = dict[str, dict[str, dict[str, Any]]]


def _bindings() -> Iterator[GatewayBinding]:
    for name, (vendor, model, endpoint) in MODELS.items():
        for prefix, limit in (("", 10**9), ("tight-", 100)):
            yield GatewayBinding(
                id=f"ns/{prefix}{name}",
                provider=vendor,
                model=model,
                endpoint=endpoint,
                api_key=f"sk-canary-{vendor}",
                retry=Retry(max_attempts=1),
                limits=Limits(limit),
            )


def snapshot(ports: dict[str, int]) -> GatewaySnapshot:
    bindings = tuple(_bindings())
    agent = GatewayAgent(
        id="ns/agent",
        token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        bindings=tuple(each.id for each in bindings),
        limits=Limits(10**9, 10**8),
    )
    network = Network(
        nameservers=("127.0.0.1:9",),
        private_upstreams=("127.0.0.0/8",),
        static_hosts={_HOSTS[name]: f"127.0.0.1:{port}" for name, port in ports.items()},
    )
    return GatewaySnapshot(
        version=1, agents=(agent,), bindings=bindings, network=network, wait_for_budget_seconds=1.0
    )


@asynccontextmanager
async def vendors() -> AsyncIterator[dict[str, int]]:
    """Start the fakes; yield their ports."""
    ports = {name: free_port() for name in _HOSTS}
    words = [f"{name}={port}" for name, port in ports.items()]
    process = await asyncio.create_subprocess_exec(
        *(str(PYTHON), "-W", "ignore", "-m", "tests.clients.vendors", *words),
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(SECONDS):
            assert await process.stdout.readline() == b"ready\n"
        yield ports
    finally:
        process.terminate()
        await process.wait()


async def _run(program: Path, running: Stage) -> dict[str, dict[str, Any]]:
    base = f"http://127.0.0.1:{running.port}"
    command = [str(PYTHON), "-W", "ignore", "-m", f"tests.clients.programs.{program.stem}"]
    if program.suffix == ".mjs":
        command = [str(NODE), str(CLIENTS / "node/programs" / program.name)]
    process = await asyncio.create_subprocess_exec(
        *(*command, base, TOKEN, *MODELS), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-3000:]
    found: dict[str, dict[str, Any]] = json.loads(out)
    return found


async def _everything(data: Path) -> tuple[Results, list[dict[str, Any]], str]:
    shutil.copytree(PROGRAMS, CLIENTS / "node/programs", dirs_exist_ok=True)
    programs = sorted([*PROGRAMS.glob("*_*.py"), *PROGRAMS.glob("*_node.mjs")])
    programs = [each for each in programs if not each.name.startswith("_")]
    async with vendors() as ports:

        def make(_: Vendor) -> GatewaySnapshot:
            return snapshot(ports)

        async with stage(data, make) as running:
            results = {each.stem: await _run(each, running) for each in programs}
        url = f"http://127.0.0.1:{ports['openai']}/_requests"
        with await asyncio.to_thread(urlopen, url) as answer:
            seen = json.load(answer)
        return results, seen, running.logs()


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Any, str]:
    """Run all programs; return their results, what the vendors saw, and the gateway's logs."""
    assert PYTHON.exists(), "make test sets up build/clients; or run scripts/clients.sh"
    return asyncio.run(_everything(tmp_path_factory.mktemp("clients")))
