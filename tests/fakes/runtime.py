"""An engine in memory. It passes the contract tests that Docker and Podman pass.

Time stands still unless a test moves it; programs do what a table says of their entry point.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import assert_never

import msgspec

from pai.errors import NotFoundError
from pai.ir.agent import AgentKey
from pai.reconcile import (
    Action,
    CreateVolume,
    ImageState,
    Observed,
    ObservedContainer,
    ObservedVolume,
    PullImage,
    RemoveContainer,
    RemoveVolume,
    RunContainer,
    StartContainer,
)
from pai.render import labels
from pai.render.containers import Container, Step, VolumeSpec
from pai.render.names import container_name, network_name
from pai.runtime.errors import EngineRefusedError, EngineUnavailableError
from pai.runtime.protocol import Channel, EngineInfo, LogChunk, NetworkInfo, SecretFile

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Program:
    """What a container does. exit_code None: it runs until stopped."""

    exit_code: int | None = None
    output: tuple[tuple[Channel, bytes], ...] = ()
    oom: bool = False
    refused: str = ""


@dataclass
class FakeClock:
    """A clock that a test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Held:
    """A container as the engine holds it."""

    made_of: Container
    id: str
    pod: str
    files: dict[str, bytes] = field(default_factory=dict)
    running: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int = 0
    oom: bool = False
    error: str = ""
    output: list[tuple[Channel, bytes]] = field(default_factory=list)
    starts: int = 0

    @property
    def born(self) -> str:
        return f"{self.started_at}/{self.starts}"

    @property
    def identity(self) -> str:
        return f"{self.id}@{self.born}"


class FakeEngine:
    """What outlives a connection: containers, volumes, images, the network."""

    def __init__(self, programs: Callable[[Container], Program]) -> None:
        self.programs = programs
        self.clock = FakeClock()
        self.containers: dict[str, Held] = {}
        self.volumes: dict[str, VolumeSpec] = {}
        self.images: set[str] = set()
        self.registry: set[str] = set()
        self.networks: set[str] = set()
        self.reachable = True
        self.listeners: set[asyncio.Queue[AgentKey | None]] = set()
        self._made = 0

    def new_id(self) -> str:
        self._made += 1
        return f"{self._made:064x}"

    def create(self, container: Container, pod: str) -> Held:
        held = Held(container, self.new_id(), pod)
        self.containers[container.name] = held
        return held

    def start(self, held: Held) -> None:
        program = self.programs(held.made_of)
        if program.refused:
            raise EngineRefusedError(program.refused, 400)
        held.starts += 1
        held.running, held.started_at, held.finished_at = True, self.clock.now, None
        held.oom = False
        held.output += program.output
        self.tell(held)
        if program.exit_code is not None:
            self.end(held, program.exit_code, oom=program.oom)

    def end(self, held: Held, exit_code: int = 137, *, oom: bool = False) -> None:
        held.running, held.exit_code, held.oom = False, exit_code, oom
        held.finished_at = self.clock.now
        self.tell(held)

    def kill(self, name: str) -> None:
        """End a container from outside, as `kill -9` of its process does."""
        held = self.containers.get(name)
        if held is not None and held.running:
            self.end(held)

    def tell(self, held: Held) -> None:
        marks = held.made_of.body["Labels"]
        for queue in self.listeners:
            queue.put_nowait(AgentKey(marks[labels.NAMESPACE], marks[labels.AGENT]))

    def remove_volume(self, name: str) -> None:
        for held in self.containers.values():
            binds = held.made_of.body["HostConfig"].get("Binds", [])
            if any(bind.startswith(f"{name}:") for bind in binds):
                raise EngineRefusedError(f"volume {name} is in use", 409)
        self.volumes.pop(name, None)

    def remove(self, identity: str) -> None:
        for name, held in list(self.containers.items()):
            if held.id == identity:
                if any(other.pod.startswith(f"{identity}@") for other in self.containers.values()):
                    raise EngineRefusedError("container has dependent containers", 500)
                if held.running:
                    self.end(held)
                del self.containers[name]


class FakeRuntime:
    """A `Runtime` over a FakeEngine."""

    def __init__(self, engine: FakeEngine, instance: str, secret_file: SecretFile) -> None:
        self.instance, self._engine, self._secret_file = instance, engine, secret_file
        self._images: dict[str, ImageState] = {}
        self.before_call: Callable[[], None] = lambda: None

    async def engine(self) -> EngineInfo:
        self._reach()
        return EngineInfo(kind="docker", version="0", api_version="1.41", socket="fake")

    async def ensure_network(self) -> NetworkInfo:
        self._reach()
        name = network_name(self.instance)
        self._engine.networks.add(name)
        return NetworkInfo(name=name, gateway="192.0.2.1", subnet="192.0.2.0/24")

    async def remove_network(self) -> None:
        self._reach()
        self._engine.networks.discard(network_name(self.instance))

    async def observe(self, key: AgentKey, images: Collection[str] = ()) -> Observed:
        self._reach()
        chosen = labels.agent_labels(self.instance, key).items()
        mine = [
            held
            for held in self._engine.containers.values()
            if chosen <= held.made_of.body["Labels"].items()
        ]
        volumes = [item for item in self._engine.volumes.values() if chosen <= item.labels.items()]
        return Observed(
            containers=tuple(sorted(map(_observed, mine), key=lambda item: item.name)),
            volumes=tuple(
                ObservedVolume(name=item.name, replica=item.replica, keep=item.keep)
                for item in sorted(volumes, key=lambda item: item.name)
            ),
            images={image: self._image(image) for image in images},
        )

    async def observe_all(self) -> frozenset[AgentKey]:
        self._reach()
        marks = [held.made_of.body["Labels"] for held in self._engine.containers.values()]
        marks += [item.labels for item in self._engine.volumes.values() if not item.keep]
        return frozenset(
            AgentKey(found[labels.NAMESPACE], found[labels.AGENT])
            for found in marks
            if found[labels.INSTANCE] == self.instance
        )

    async def execute(self, action: Action) -> None:
        self._reach()
        match action:
            case PullImage(image):
                before = self._image(image)
                self._images[image] = msgspec.structs.replace(before, progress="starts")
            case CreateVolume(volume):
                self._engine.volumes.setdefault(volume.name, volume)
            case RunContainer(container):
                self._run(container)
            case StartContainer(_, identity):
                held = self._by_id(identity)
                if not held.running:
                    self._engine.start(held)
            case RemoveContainer(_, identity):
                self._engine.remove(identity)
            case RemoveVolume(name):
                self._engine.remove_volume(name)
            case _:
                assert_never(action)

    async def events(self) -> AsyncIterator[AgentKey | None]:
        queue: asyncio.Queue[AgentKey | None] = asyncio.Queue()
        queue.put_nowait(None)
        self._engine.listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._engine.listeners.discard(queue)

    async def logs(
        self,
        key: AgentKey,
        replica: int,
        step: Step = "agent",
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncIterator[LogChunk]:
        held = self._find(key, replica, step)
        lines = held.output if tail is None else held.output[-tail:] if tail else []
        for channel, data in lines:
            yield LogChunk(channel, data)
        shown = len(held.output)
        while follow and held.running:
            await asyncio.sleep(0)
            for channel, data in held.output[shown:]:
                yield LogChunk(channel, data)
            shown = len(held.output)

    async def exec(
        self, key: AgentKey, replica: int, command: Sequence[str], *, tty: bool = False
    ) -> "FakeExec":
        held = self._find(key, replica, "agent")
        if not held.running:
            raise NotFoundError(f"{key}: no agent container of replica {replica} runs")
        return FakeExec()

    async def close(self) -> None:
        return None

    def _reach(self) -> None:
        if not self._engine.reachable:
            raise EngineUnavailableError("the container engine at fake does not answer (Fake)")
        self.before_call()

    def _image(self, image: str) -> ImageState:
        state = self._images.get(image, ImageState(present=False))
        if state.progress is not None:
            self._end_pull(image, state)
        if image in self._engine.images:
            return ImageState(present=True)
        return state

    def _end_pull(self, image: str, before: ImageState) -> None:
        """End a pull; whoever looked just now still saw it under way."""
        if image in self._engine.registry:
            self._engine.images.add(image)
        self._images[image] = ImageState(
            present=False,
            error="no such image",
            failed_at=self._engine.clock.now,
            failures=before.failures + 1,
        )

    def _run(self, container: Container) -> None:
        pod = self._pod(container)
        found = self._engine.containers.get(container.name)
        if found is not None:
            same = found.made_of.digest == container.digest and found.pod == pod
            if same and (found.running or (found.starts and container.step != "pause")):
                return
            self._reach()
            self._engine.remove(found.id)
        if container.image not in self._engine.images:
            raise EngineRefusedError(f"No such image: {container.image}", 404)
        self._reach()
        held = self._engine.create(container, pod)
        self._reach()
        key = AgentKey(
            container.body["Labels"][labels.NAMESPACE], container.body["Labels"][labels.AGENT]
        )
        for spec in container.files:
            secret = spec.source is not None
            content = (spec.content or "").encode()
            if secret:
                content = self._secret_file(spec.source or "", key, container.replica)
            held.files[spec.name] = content
        self._reach()
        self._engine.start(held)

    def _pod(self, container: Container) -> str:
        if container.joins is None:
            return ""
        pause = self._engine.containers.get(container.joins)
        if pause is None or not pause.running:
            raise EngineUnavailableError(f"{container.name}: its replica's network is gone")
        return pause.identity

    def _by_id(self, identity: str) -> Held:
        for held in self._engine.containers.values():
            if held.id == identity:
                return held
        raise EngineRefusedError(f"No such container: {identity}", 404)

    def _find(self, key: AgentKey, replica: int, step: Step) -> Held:
        self._reach()
        held = self._engine.containers.get(container_name(self.instance, key, replica, step))
        if held is None:
            raise NotFoundError(f"{key}: no {step} container of replica {replica} exists")
        return held


class FakeExec:
    """A command that gives back its input, says `err`, and ends with 7; like the tests' own."""

    def __init__(self) -> None:
        self._said: list[LogChunk] = []
        self._open = True

    async def read(self) -> LogChunk | None:
        if self._said:
            return self._said.pop(0)
        if self._open:
            raise AssertionError("the command waits for its input to end")
        return None

    async def write(self, data: bytes) -> None:
        self._said.append(LogChunk("stdout", data))

    async def close_stdin(self) -> None:
        self._said.append(LogChunk("stderr", b"err\n"))
        self._open = False

    async def resize(self, rows: int, columns: int) -> None:
        return None

    async def exit_code(self) -> int:
        return 7

    async def close(self) -> None:
        self._open = False


def _observed(held: Held) -> ObservedContainer:
    made_of = held.made_of
    ended = held.starts > 0 and not held.running
    ordered = sorted(held.output, key=lambda part: part[0] == "stderr")
    lines = [line for _, data in ordered for line in data.decode().splitlines() if line]
    return ObservedContainer(
        name=made_of.name,
        id=held.id,
        step=made_of.step,
        replica=made_of.replica,
        digest=made_of.digest,
        pod=held.pod,
        running=held.running,
        started=held.starts > 0,
        exit_code=held.exit_code,
        oom_killed=held.oom,
        started_at=held.started_at,
        finished_at=held.finished_at,
        born=held.born,
        last_log=lines[-1] if ended and lines else "",
        address="192.0.2.9" if made_of.step == "pause" and held.running else None,
        memory_bytes=int(made_of.body["HostConfig"].get("Memory") or 0),
    )
