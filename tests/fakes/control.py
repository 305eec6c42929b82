"""A whole control process in the test's own loop, over an engine in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.fakes.runtime import FakeEngine, FakeExec, FakeRuntime, Program

from pai.control.assembly import Control
from pai.control.containers.readiness import Prober
from pai.errors import TransientError
from pai.ir.agent import AgentKey
from pai.ir.settings import Settings
from pai.reconcile import Readiness
from pai.render.containers import ONE_SHOT, Container
from pai.runtime.protocol import LogChunk, NetworkInfo, Runtime, SecretFile

IMAGE = "localhost/agent:latest"
PAI_IMAGE = "localhost/pai:latest"
API = "/api/v1/namespaces/default"


def programs(container: Container) -> Program:
    """Sidecars and agents run on, preparations succeed."""
    return Program(exit_code=0) if container.step in ONE_SHOT else Program()


def fake_engine() -> FakeEngine:
    engine = FakeEngine(programs)
    engine.images |= {IMAGE, PAI_IMAGE}
    return engine


class WaitingExec(FakeExec):
    """A command whose output is waited for, as over a real connection; `break` breaks it."""

    async def read(self) -> LogChunk | None:
        while not self._said and self._open:
            await asyncio.sleep(0.001)
        chunk = await super().read()
        if chunk is not None and chunk.data == b"break":
            raise TransientError("the container went away")
        return chunk


class LocalRuntime(FakeRuntime):
    """The fake with its bridge on loopback, so that a test can call control there."""

    async def exec(
        self, key: AgentKey, replica: int, command: Sequence[str], *, tty: bool = False
    ) -> FakeExec:
        await super().exec(key, replica, command, tty=tty)
        return WaitingExec()

    async def ensure_network(self) -> NetworkInfo:
        found = await super().ensure_network()
        return NetworkInfo(name=found.name, gateway="127.0.0.1", subnet="127.0.0.0/8")


class ReadyProber(Prober):
    """Every sidecar that runs is ready."""

    async def ask(self, addresses: Mapping[int, str], edge_token: str) -> dict[int, Readiness]:
        assert edge_token.startswith("pai_edge_")
        return {number: Readiness(sidecar=True) for number in addresses}


class Running:
    """A control that serves, and its clients."""

    def __init__(self, control: Control, data: Path, engine: FakeEngine, ports: "Ports") -> None:
        self.control, self.data, self.engine, self.ports = control, data, engine, ports
        self.token = (data / "run" / "first-token").read_text()
        self.headers = {"authorization": f"Bearer {self.token}"}
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{ports.api}",
            headers=self.headers,
            trust_env=False,
            verify=False,
        )
        self.anonymous = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{ports.api}", trust_env=False, verify=False
        )
        transport = httpx.AsyncHTTPTransport(uds=str(data / "run" / "internal.sock"))
        self.internal = httpx.AsyncClient(base_url="http://control", transport=transport)

    async def apply(self, *documents: Mapping[str, Any], **more: Any) -> httpx.Response:
        body = {"documents": list(documents), **more}
        return await self.http.post(f"{API}/apply", json=body)

    async def agent(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(f"{API}/agentworkloads/{name}")).json()
        return found

    async def until(self, name: str, phase: str) -> dict[str, Any]:
        """Return the agent once it is in `phase`."""
        found: dict[str, Any] = {}
        for _ in range(1000):
            found = await self.agent(name)
            if found.get("status", {}).get("phase") == phase:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"never {phase}: {found}")

    async def until_gone(self, name: str) -> None:
        for _ in range(1000):
            response = await self.http.get(f"{API}/agentworkloads/{name}")
            if response.status_code == 404:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"still there: {response.text}")

    async def snapshot(self, credential: str, after: int = 0, wait: float = 5) -> httpx.Response:
        return await self.internal.get(
            "/internal/v1/snapshot",
            params={"after": after, "wait": wait},
            headers={"authorization": f"Bearer {credential}"},
            timeout=30,
        )

    async def close(self) -> None:
        for client in (self.http, self.anonymous, self.internal):
            await client.aclose()


class Ports:
    """Free ports of this machine."""

    def __init__(self) -> None:
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        self.api, self.internal, self.agents = (s.getsockname()[1] for s in sockets)
        for sock in sockets:
            sock.close()


def write_settings(data: Path, ports: Ports, **more: str) -> None:
    data.mkdir(parents=True, exist_ok=True)
    values = {
        "apiPort": ports.api,
        "internalPort": ports.internal,
        "agentPortsFrom": ports.agents,
        "image": f'"{PAI_IMAGE}"',
        "nameservers": '["192.0.2.53"]',
        **more,
    }
    text = "".join(f"{name} = {value}\n" for name, value in values.items())
    (data / "settings.toml").write_text(text)


def write_credentials(data: Path) -> None:
    (data / "run").mkdir(parents=True, exist_ok=True)
    for role in ("gateway", "edge"):
        (data / "run" / f"{role}.credential").write_text(f"{role}-credential-of-this-start")


@asynccontextmanager
async def running(
    data: Path, engine: FakeEngine | None = None, **settings: str
) -> AsyncIterator[Running]:
    """Give a control over `engine`, with files in `data`; ends it after."""
    held = engine or fake_engine()
    ports = Ports()
    write_settings(data, ports, **settings)
    write_credentials(data)

    def connect(_settings: Settings, instance: str, secret_file: SecretFile) -> Runtime:
        return LocalRuntime(held, instance, secret_file)

    control = Control(data, connect, ReadyProber())
    stop = asyncio.Event()
    try:
        await control.start()
        found = Running(control, data, held, ports)
        serving = asyncio.ensure_future(control.serve_until(stop))
        try:
            yield found
        finally:
            await found.close()
            stop.set()
            await serving
    finally:
        await control.close()
