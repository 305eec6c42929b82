"""What a program finds in an agent of ours: the environment, and the sidecar's port for models.

The environment is rendered as for a container, the port is served by the sidecar's own code.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from tests.e2e.gateway_stage import TOKEN
from tests.unit.sidecar.stage import Ca

from pai.control.identity import Identities
from pai.control.snapshots import environment_dummies
from pai.ir.agent import Agent, AgentKey, Egress, ModelBinding
from pai.ir.snapshot import Network, SidecarInbound, SidecarSnapshot
from pai.render.environment import environment
from pai.render.facts import PlatformFacts
from pai.render.shape import RUN_DIRECTORY
from pai.sidecar.audit import AuditLog
from pai.sidecar.outbound import Outbound
from pai.sidecar.state import State
from pai.store.instance_key import InstanceKey
from pai.wire.client import ClientPool, UpstreamResponse
from pai.wire.dial import FixedDialer
from pai.wire.endpoint import Endpoint
from pai.wire.limits import ClientLimits
from pai.wire.message import Headers, first
from pai.wire.server import Exchange, HttpServer

BOX = Path("tests/clients/box.py")
PATH = "/usr/local/bin:/usr/bin:/bin"
SECONDS = 120.0
_CA = Ca()
_IDENTITIES = Identities(InstanceKey(bytes(32)))
_FACTS = PlatformFacts(instance="i1", image="ours:1", ca_pem=_CA.pem, url="http://h.localhost")


class Answered(NamedTuple):
    """How the gateway answered one request. dropped: what it named as left out."""

    target: str
    status: int
    model: str
    dropped: frozenset[str]


class Outcome(NamedTuple):
    """What came of a program."""

    code: int
    output: str
    errors: str
    answers: list[Answered]


class Overheard(ClientPool):
    """A sidecar's way to its gateway, which notes how each request was answered."""

    def __init__(self) -> None:
        super().__init__(FixedDialer())
        self.answers: list[Answered] = []

    async def send(
        self,
        endpoint: Endpoint,
        method: bytes,
        target: bytes,
        headers: Headers,
        body: bytes | Exchange | None = None,
        *,
        owner: Exchange | None = None,
        on_send: Callable[[], None] | None = None,
    ) -> UpstreamResponse:
        response = await super().send(
            endpoint, method, target, headers, body, owner=owner, on_send=on_send
        )
        told = response.head.headers
        dropped = (first(told, b"x-pai-dropped") or b"").decode()
        model = (first(told, b"x-pai-model") or b"").decode()
        names = frozenset(dropped.split(", ")) - {""}
        self.answers.append(Answered(target.decode(), response.head.status, model, names))
        return response


def variables(env: Mapping[str, str], model: str, run: Path) -> dict[str, str]:
    """Return the environment of an agent with one model. env: its author's; run: for /run/pai."""
    binding = ModelBinding(
        namespace="ns", name=model, provider="openai", model="m", endpoint="", secret=None
    )
    agent = Agent(
        key=AgentKey("ns", "agent"),
        uid="u",
        host_id="h",
        generation=1,
        image="any:1",
        models=(binding,),
        env=tuple(env.items()),
    )
    facts = msgspec.structs.replace(_FACTS, dummies=environment_dummies(agent, _IDENTITIES))
    found = environment(agent, facts)
    return {name: value.replace(RUN_DIRECTORY, str(run)) for name, value in found.items()}


def _sidecar(port: int) -> SidecarSnapshot:
    certificate, key = _CA.leaf("localhost")
    return SidecarSnapshot(
        version=1,
        agent="ns/agent",
        replica=0,
        gateway=f"http://127.0.0.1:{port}",
        gateway_token=TOKEN,
        llm_hosts=(),
        llm_dummies=(),
        providers=(),
        cert_pem=certificate,
        key_pem=key,
        inbound=SidecarInbound(port=None, allow_cidrs=(), edge_token="e"),
        egress=Egress(),
        network=Network(nameservers=("127.0.0.1:9",)),
    )


@asynccontextmanager
async def _models(listening: socket.socket, port: int) -> AsyncIterator[Overheard]:
    """Serve models on an agent's loopback, as its sidecar does. port: the gateway's."""
    state = State(_sidecar(port), ClientLimits())
    state.near = overheard = Overheard()
    server = HttpServer(Outbound(lambda: state, AuditLog(lambda line: None)).to_models)
    listening.setblocking(False)
    await server.listen_socket(listening)
    try:
        yield overheard
    finally:
        await server.drain(0.0)
        state.close()


async def run(command: list[str], env: Mapping[str, str], home: Path, port: int) -> Outcome:
    """Run a program in `home`. env: what its container has. port: the gateway's."""
    run_directory = home / ".run"
    run_directory.mkdir()
    for name in ("ca.pem", "ca-bundle.pem"):
        (run_directory / name).write_text(_CA.pem)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(BOX.resolve()), str(theirs.fileno()), *command),
            cwd=home,
            env={"PATH": PATH, "HOME": str(home), "TMPDIR": str(run_directory), **env},
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        _, descriptors, *_ = await asyncio.to_thread(socket.recv_fds, ours, 1, 1)
    assert descriptors, (await process.communicate())[1].decode()  # no namespaces on this machine
    try:
        listening = socket.socket(fileno=descriptors[0])
        async with _models(listening, port) as overheard, asyncio.timeout(SECONDS):
            output, errors = await process.communicate()
    finally:
        with suppress(ProcessLookupError):  # it is gone, and so is all that it started
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode is not None
    shutil.rmtree(run_directory)
    return Outcome(process.returncode, output.decode(), errors.decode(), overheard.answers)
