"""A world for the runtime's contract tests: one text for the fake, Docker and Podman.

Replicas are rendered as in the product; only what each step runs is replaced by a program that
the base image has, and that the fake knows from a table.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from tests.fakes.runtime import FakeEngine, FakeRuntime, Program

from pai.clock import utc_now
from pai.ir.agent import Agent, AgentKey, ConfigFile, Resources, Volume
from pai.reconcile import (
    AgentStatus,
    Event,
    History,
    Observed,
    Readiness,
    Step,
    Surroundings,
    next_step,
    refused,
)
from pai.render.containers import Container, Facts, Manifest, images_of, render
from pai.render.labels import STEP
from pai.render.names import network_name
from pai.runtime.containers import ContainerRuntime
from pai.runtime.containers.client import EngineClient
from pai.runtime.errors import EngineRefusedError
from pai.runtime.protocol import Runtime

BASE_IMAGE = "localhost/pai-base:latest"
SECRET = b'{"credential": "canary-9c2f"}'
MEMORY = 32 << 20
ROUNDS = 400

# Ends at once when asked to, as PID 1 does only with a handler.
STAY = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
EAT = "import time; kept = [bytearray(4 << 20) for _ in range(64)]; time.sleep(60)"
COMMANDS: dict[str, tuple[tuple[str, ...], Program]] = {
    "stay": (("sh", "-c", STAY), Program()),
    "done": (("sh", "-c", "echo done"), Program(exit_code=0, output=(("stdout", b"done\n"),))),
    "fail": (
        ("sh", "-c", "echo first; echo no such key >&2; exit 3"),
        Program(exit_code=3, output=(("stdout", b"first\n"), ("stderr", b"no such key\n"))),
    ),
    "speak": (
        ("sh", "-c", f"echo one; echo two; {STAY}"),
        Program(output=(("stdout", b"one\n"), ("stdout", b"two\n"))),
    ),
    "eat": (("python3", "-c", EAT), Program(exit_code=137, oom=True)),
    "absent": (("/no/such/program",), Program(refused="/no/such/program: no such file")),
}
_BY_COMMAND = {command: program for command, program in COMMANDS.values()}
USUAL: Mapping[str, str] = {
    "pause": "stay",
    "prepare": "done",
    "sidecar": "stay",
    "seed": "done",
    "agent": "speak",
}


class World(Protocol):
    """An engine, and what a test does to it behind the runtime's back."""

    instance: str
    image: str

    def runtime(self, secret: bytes = SECRET, instance: str | None = None) -> Runtime:
        """Return a new connection, as a control that has just started has."""

    async def kill(self, name: str) -> None:
        """End a container's process with SIGKILL."""

    async def half_made(self, container: Container) -> None:
        """Leave a container behind that was created and neither supplied nor started."""

    async def clean(self) -> None:
        """Remove all traces of this world."""


class FakeWorld:
    """In memory."""

    def __init__(self) -> None:
        self.instance, self.image = "fake", BASE_IMAGE
        self.engine = FakeEngine(lambda made: _BY_COMMAND[tuple(made.body["Entrypoint"])])
        self.engine.images.add(self.image)

    def runtime(self, secret: bytes = SECRET, instance: str | None = None) -> Runtime:
        return FakeRuntime(self.engine, instance or self.instance, lambda *_: secret)

    async def kill(self, name: str) -> None:
        self.engine.kill(name)

    async def half_made(self, container: Container) -> None:
        self.engine.create(container, pod="")

    async def clean(self) -> None:
        return None


class EngineWorld:
    """A real engine; every object carries an instance of its own."""

    def __init__(self, url: str) -> None:
        self.instance, self.image = f"t{secrets.token_hex(4)}", BASE_IMAGE
        self.socket = url.removeprefix("unix://")
        self._opened: list[ContainerRuntime] = []

    def runtime(self, secret: bytes = SECRET, instance: str | None = None) -> ContainerRuntime:
        made = ContainerRuntime(self.socket, instance or self.instance, lambda *_: secret)
        self._opened.append(made)
        return made

    async def call(self, method: str, path: str, **given: Any) -> Any:
        client = EngineClient(self.socket)
        try:
            return await client.call(method, path, **given)
        finally:
            await client.close()

    async def kill(self, name: str) -> None:
        await self.call("POST", f"/containers/{name}/kill", query={"signal": "KILL"})

    async def half_made(self, container: Container) -> None:
        body = {**container.body, "HostConfig": {"NetworkMode": "none"}}
        await self.call("POST", "/containers/create", query={"name": container.name}, body=body)

    async def clean(self) -> None:
        client = EngineClient(self.socket)
        query = {"filters": json.dumps({"label": [f"pai.io/instance={self.instance}"]})}
        left = await client.call("GET", "/containers/json", query={**query, "all": "true"})
        # The pause container goes last: Podman keeps it while others are joined to it.
        for item in sorted(left, key=lambda item: item["Labels"][STEP] == "pause"):
            path = f"/containers/{item['Id']}"
            await client.call("DELETE", path, query={"force": "true", "v": "true"})
        for volume in (await client.call("GET", "/volumes", query=query)).get("Volumes") or []:
            await client.call("DELETE", f"/volumes/{volume['Name']}")
        await client.close()
        runtime = self.runtime()
        await runtime.remove_network()
        for opened in self._opened:
            await opened.close()


def agent(world: World, **changes: Any) -> Agent:
    """Return an agent with a volume, a config file outside of it, and a memory limit."""
    made = Agent(
        key=AgentKey("default", "subject"),
        uid="uid-1",
        host_id="subject",
        generation=1,
        image=world.image,
        volumes=(Volume("data", "/data", 1 << 30),),
        config_files=(ConfigFile("/etc/subject/a.txt", "/etc/subject", "content\n"),),
        resources=Resources(limit_memory_bytes=MEMORY),
    )
    return msgspec.structs.replace(made, **changes)


def desired(
    world: World, subject: Agent, programs: Mapping[str, str] = USUAL
) -> tuple[Manifest, ...]:
    """Render an agent; `programs` say what each step runs in place of the product's own."""
    facts = Facts(
        instance=world.instance,
        image=world.image,
        network=network_name(world.instance),
        ca_pem="-----CA-----",
        url="http://subject.localhost",
    )
    choice = {**USUAL, **programs}
    return tuple(
        _stand_in(item, choice[item.step]) if isinstance(item, Container) else item
        for item in render(subject, facts)
    )


def _stand_in(container: Container, program: str) -> Container:
    body = {**container.body, "Entrypoint": list(COMMANDS[program][0])}
    return msgspec.structs.replace(container, body=body)


class Control:
    """Control's loop, as docs/internals.md has it, for one agent."""

    def __init__(self, world: World, subject: Agent, programs: Mapping[str, str] = USUAL) -> None:
        self.world, self.subject = world, subject
        self.desired = desired(world, subject, programs)
        self.runtime = world.runtime()
        self.history = History()
        self.status: AgentStatus | None = None
        self.events: list[Event] = []

    async def observe(self) -> Observed:
        """Observe, and take every running sidecar for ready."""
        seen = await self.runtime.observe(self.subject.key, images_of(self.desired))
        ready = {
            item.replica: Readiness(sidecar=True)
            for item in seen.containers
            if item.step == "sidecar" and item.running
        }
        return msgspec.structs.replace(seen, readiness=ready)

    async def round(self) -> Step:
        """Look once and do what is to be done now."""
        seen = await self.observe()
        around = Surroundings(previous=self.status)
        step = next_step(self.subject, self.desired, seen, self.history, self._now(), around)
        self.history, self.status = step.history, step.status
        self.events += step.events
        for action in step.actions:
            try:
                await self.runtime.execute(action)
            except EngineRefusedError as error:
                self.history = refused(self.history, action, error.message, self._now())
                break
        return step

    async def until(self, holds: Callable[[AgentStatus], bool]) -> AgentStatus:
        """Reconcile until the status is as wanted."""
        for _ in range(ROUNDS):
            step = await self.round()
            if holds(step.status):
                return step.status
            await self.pause(step.requeue_seconds)
        raise AssertionError(f"never came to be; last: {self.status}")

    async def running(self) -> AgentStatus:
        """Reconcile until the agent runs and nothing is left to do."""
        return await self.until(lambda status: status.phase == "Running" and not status.message)

    def _now(self) -> Any:
        return self.world.engine.clock() if isinstance(self.world, FakeWorld) else utc_now()

    async def pause(self, seconds: float | None) -> None:
        """Let so much time pass, at most two seconds of it real."""
        wait = 0.1 if seconds is None else seconds
        if isinstance(self.world, FakeWorld):
            self.world.engine.clock.forward(max(wait, 0.01))
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(min(wait, 2.0))


async def delete(runtime: Runtime, key: AgentKey, *, volumes: bool = False) -> None:
    """Delete an agent to the end."""
    for _ in range(ROUNDS):
        step = next_step(
            None, (), await runtime.observe(key), History(), utc_now(), delete_volumes=volumes
        )
        if step.done:
            return
        for action in step.actions:
            await runtime.execute(action)
    raise AssertionError(f"{key} is never gone")
