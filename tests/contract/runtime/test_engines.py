"""What only a real engine can show: files, confinement, terminals, outages, kill -9."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.runtime.world import SECRET, Control, EngineWorld, agent, delete

from pai.ir.agent import Resources
from pai.reconcile import plan
from pai.render.containers import FILES_DIRECTORY
from pai.runtime.containers import ContainerRuntime, find_socket
from pai.runtime.containers import exec as commands
from pai.runtime.containers.client import EngineClient
from pai.runtime.errors import EngineUnavailableError
from pai.runtime.protocol import ExecSession

BOOTSTRAP = f"{FILES_DIRECTORY}/bootstrap.json"


async def _run(control: Control, script: str, *, tty: bool = False) -> str:
    session = await control.runtime.exec(control.subject.key, 0, ("sh", "-c", script), tty=tty)
    return await _output(session)


async def _output(session: ExecSession) -> str:
    said = b""
    while (chunk := await session.read()) is not None:
        said += chunk.data
    await session.close()
    return said.decode()


async def _in(control: Control, step: str, script: str) -> str:
    """Run a script in another step's container, as its user."""
    world = control.world
    assert isinstance(world, EngineWorld)
    name = (await control.observe()).replica(0)[step].name  # type: ignore[index]
    client = EngineClient(world.socket)
    try:
        return await _output(await commands.start(client, name, ("sh", "-c", script), tty=False))
    finally:
        await client.close()


async def test_the_agent_is_confined(engine_world: EngineWorld) -> None:
    control = Control(engine_world, agent(engine_world))
    await control.running()
    status = dict(
        line.split(":\t")
        for line in (await _run(control, "cat /proc/self/status")).splitlines()
        if ":\t" in line
    )
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert (await _run(control, "id -u; id -g")).split() == ["65532", "65532"]
    mounts = await _run(control, "cat /proc/self/mounts")
    assert ".sock" not in mounts
    assert " /run/pai " in mounts
    assert "Read-only" in await _run(control, "touch /run/pai/x 2>&1")
    limits = await _run(
        control, "ulimit -n; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max"
    )
    assert "4096" in limits


async def test_more_processors_than_there_are_is_no_error(engine_world: EngineWorld) -> None:
    """As on Kubernetes: a limit is a bound, not a wish."""
    limits = Resources(limit_cpu_milli=640_000, request_cpu_milli=10, request_memory_bytes=8 << 20)
    control = Control(engine_world, agent(engine_world, resources=limits))
    await control.running()


async def test_steps_share_a_network_and_nothing_else(engine_world: EngineWorld) -> None:
    control = Control(engine_world, agent(engine_world))
    await control.running()
    script = "readlink /proc/self/ns/net; readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc"
    mine = (await _run(control, script)).split()
    others = (await _in(control, "sidecar", script)).split()
    assert mine[0] == others[0]
    assert mine[1] != others[1]
    assert mine[2] != others[2]


async def test_the_secret_is_in_the_sidecar_alone(engine_world: EngineWorld) -> None:
    control = Control(engine_world, agent(engine_world))
    await control.running()
    found = await _in(control, "sidecar", f"cat {BOOTSTRAP}; stat -c '%a %u' {BOOTSTRAP}; id -u")
    assert found.startswith(SECRET.decode())
    assert found.removeprefix(SECRET.decode()).split() == ["400", "65531", "65531"]
    assert "No such file" in await _run(control, f"cat {BOOTSTRAP} 2>&1")
    assert "Read-only" in await _in(control, "sidecar", "touch /usr/x 2>&1")
    for item in (await control.observe()).containers:
        document = await engine_world.call("GET", f"/containers/{item.id}/json")
        assert "canary" not in json.dumps(document)


async def test_fresh_volumes_are_empty_and_keep_what_is_written(engine_world: EngineWorld) -> None:
    """A volume over a directory of the image starts empty, as it does on Kubernetes."""
    subject = agent(engine_world)
    volume = subject.volumes[0].__class__("lib", "/usr/share", 1)
    control = Control(engine_world, agent(engine_world, volumes=(volume,)))
    await control.running()
    assert (await _run(control, "ls -A /usr/share")).split() == []


async def test_a_terminal_has_a_size(engine_world: EngineWorld) -> None:
    control = Control(engine_world, agent(engine_world))
    await control.running()
    script = "stty -echo; read go; stty size; exit 5"
    session = await control.runtime.exec(control.subject.key, 0, ("sh", "-c", script), tty=True)
    await session.resize(rows=33, columns=101)
    await session.write(b"go\n")
    assert "33 101" in await _output(session)
    assert await session.exit_code() == 5


async def test_a_command_that_is_not_there(engine_world: EngineWorld) -> None:
    control = Control(engine_world, agent(engine_world))
    await control.running()
    try:
        session = await control.runtime.exec(control.subject.key, 0, ("/no/such",))
    except Exception as error:
        assert "/no/such" in str(error)
        return
    said = await _output(session)
    assert "/no/such" in said
    assert await session.exit_code() in {126, 127}


async def test_the_network_is_ours_and_made_once(engine_world: EngineWorld) -> None:
    runtimes = [engine_world.runtime() for _ in range(3)]
    found = await asyncio.gather(*(runtime.ensure_network() for runtime in runtimes))
    assert found[0] == found[1] == found[2]
    assert found[0].gateway.count(".") == 3
    names = await engine_world.call("GET", "/networks")
    assert [item["Name"] for item in names].count(found[0].name) == 1


async def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    runtime = ContainerRuntime(str(tmp_path / "no.sock"), "none", lambda *_: b"")
    with pytest.raises(EngineUnavailableError, match="does not answer"):
        await runtime.engine()
    await runtime.close()


def test_sockets_are_found_in_order(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError, match="no container engine found"):
        find_socket("podman", {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert find_socket("unix:///a/b", {}) == "/a/b"


class Wire:
    """A socket in front of the engine's, which a test can cut."""

    def __init__(self, target: str, path: str) -> None:
        self._target, self.path = target, path
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def connect(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        Path(self.path).unlink(missing_ok=True)
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        self._open |= {writer, far_writer}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        for end in (writer, far_writer):
            self._open.discard(end)
            end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


@contextlib.asynccontextmanager
async def _wire(world: EngineWorld) -> AsyncIterator[Wire]:
    with tempfile.TemporaryDirectory() as directory:
        wire = Wire(world.socket, f"{directory}/engine.sock")
        await wire.connect()
        try:
            yield wire
        finally:
            await wire.cut()


async def test_an_engine_that_stops_in_mid_run_and_comes_back(engine_world: EngineWorld) -> None:
    control = Control(engine_world, agent(engine_world))
    await control.running()
    async with _wire(engine_world) as wire:
        runtime = ContainerRuntime(wire.path, engine_world.instance, lambda *_: SECRET)
        control.runtime = runtime
        events = runtime.events()
        assert await asyncio.wait_for(anext(events), 10) is None
        await wire.cut()
        with pytest.raises(EngineUnavailableError, match="does not answer"):
            await control.round()
        await wire.connect()
        assert await asyncio.wait_for(anext(events), 10) is None
        assert (await control.round()).actions == ()
        await events.aclose()  # type: ignore[attr-defined]
        await runtime.close()


class KilledError(Exception):
    """Control was killed here."""


async def _killed_after(world: EngineWorld, calls: int, *, remove: bool = False) -> bool:
    """Reconcile with a control that is killed after n calls that change something."""
    control = Control(world, agent(world))
    runtime = control.runtime
    assert isinstance(runtime, ContainerRuntime)
    real = runtime._client._send
    left = calls

    async def send(method: str, *args: Any, **given: Any) -> Any:
        nonlocal left
        left -= method != "GET"
        if left < 0:
            raise KilledError
        return await real(method, *args, **given)

    runtime._client._send = send  # type: ignore[method-assign]
    try:
        if remove:
            await delete(runtime, control.subject.key, volumes=True)
        else:
            await control.running()
    except KilledError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("start", [0, 3])
async def test_killed_after_any_change_it_converges(engine_world: EngineWorld, start: int) -> None:
    """Every third point: killed there, a new control brings the agent up, or down."""
    calls = start
    while await _killed_after(engine_world, calls):
        control = Control(engine_world, agent(engine_world))
        await control.running()
        assert plan(control.desired, await control.observe()) == []
        await _killed_after(engine_world, calls, remove=True)
        await delete(control.runtime, control.subject.key, volumes=True)
        seen = await control.runtime.observe(control.subject.key)
        assert (seen.containers, seen.volumes) == ((), ())
        calls += 6
    assert calls > 9
