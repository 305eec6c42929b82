"""The Docker Engine API as a `Runtime`. Nothing is decided here."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from pai import clock
from pai.errors import NotFoundError
from pai.ir.agent import AgentKey
from pai.reconcile import Action, Observed, ObservedContainer, ObservedVolume
from pai.render import labels
from pai.render.containers import Step
from pai.render.names import container_name
from pai.runtime.containers import exec as commands
from pai.runtime.containers import network, observe
from pai.runtime.containers.client import EngineClient
from pai.runtime.containers.events import Events
from pai.runtime.containers.execute import Executor
from pai.runtime.containers.frames import Demultiplexer
from pai.runtime.containers.images import Images
from pai.runtime.containers.together import together
from pai.runtime.errors import EngineRefusedError
from pai.runtime.protocol import EngineInfo, ExecSession, LogChunk, NetworkInfo, SecretFile
from pai.wire import log

_LOG_LINES = 5
_LAST_LINE_SECONDS = 10.0
_REMEMBERED_LINES = 10_000


class ContainerRuntime:
    """Agents as containers of one Docker or Podman. Keeps to `pai.runtime.protocol.Runtime`.

    socket: path of the engine's unix socket. secret_file: gives the content of a file that a
    manifest only names, for an agent's replica.
    """

    def __init__(
        self,
        socket: str,
        instance: str,
        secret_file: SecretFile,
        now: Callable[[], datetime] = clock.utc_now,
    ) -> None:
        self.instance = instance
        self._client = EngineClient(socket)
        self._events = Events(self._client, instance)
        self._images = Images(self._client, now, self._events.nudge)
        self._executor = Executor(self._client, instance, self._images, secret_file)
        self._last_lines: dict[str, tuple[str, str]] = {}

    async def engine(self) -> EngineInfo:
        """Return which engine answers."""
        return await self._client.info()

    async def ensure_network(self) -> NetworkInfo:
        """Return the platform's network, made if it is missing."""
        return await network.ensure_network(self._client, self.instance)

    async def remove_network(self) -> None:
        """Remove the platform's network, if it is there."""
        await network.remove_network(self._client, self.instance)

    async def observe(self, key: AgentKey, images: Collection[str] = ()) -> Observed:
        """Return all there is of one agent, and the state of `images`."""
        chosen = labels.agent_labels(self.instance, key)
        listed, volumes, states = await together(
            self._list("/containers/json", chosen, {"all": "true"}),
            self._list("/volumes", chosen),
            self._images.states(images),
        )
        found = await together(*(self._container(item["Id"]) for item in listed))
        return Observed(
            containers=tuple(sorted(_present(found), key=lambda item: item.name)),
            volumes=tuple(sorted(_volumes(volumes), key=lambda item: item.name)),
            images=states,
        )

    async def observe_all(self) -> frozenset[AgentKey]:
        """Return every agent of which a container or a scratch volume is left."""
        chosen = {labels.INSTANCE: self.instance}
        listed = await self._list("/containers/json", chosen, {"all": "true"})
        volumes = await self._list("/volumes", chosen)
        scratch = [item for item in volumes if _volumes([item]) and not _volumes([item])[0].keep]
        keys = {observe.agent_key(item.get("Labels") or {}) for item in [*listed, *scratch]}
        return frozenset(key for key in keys if key is not None)

    async def execute(self, action: Action) -> None:
        """Carry out one action; again, if need be."""
        await self._executor.execute(action)

    def events(self) -> AsyncIterator[AgentKey | None]:
        """Yield each agent to look at again; None = look at every one."""
        return self._events.listen()

    async def logs(
        self,
        key: AgentKey,
        replica: int,
        step: Step = "agent",
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncIterator[LogChunk]:
        """Yield what a container wrote; with `follow`, until it ends."""
        name = await self._name(key, replica, step)
        query = {
            "stdout": "true",
            "stderr": "true",
            "follow": str(follow).lower(),
            "tail": "all" if tail is None else str(tail),
        }
        split = Demultiplexer()
        async with self._client.stream("GET", f"/containers/{name}/logs", query) as answer:
            async for data in answer.aiter_raw():
                for channel, part in split.feed(data):
                    yield LogChunk(channel, part)

    async def exec(
        self, key: AgentKey, replica: int, command: Sequence[str], *, tty: bool = False
    ) -> ExecSession:
        """Start a command in an agent's container, as the agent's user."""
        name = await self._name(key, replica, "agent", running=True)
        return await commands.start(self._client, name, command, tty=tty)

    async def close(self) -> None:
        """Let go of the engine; containers go on."""
        await self._client.close()

    async def _name(self, key: AgentKey, replica: int, step: Step, *, running: bool = False) -> str:
        name = container_name(self.instance, key, replica, step)
        document = await self._client.find(f"/containers/{name}/json")
        if document is None or (running and not document["State"]["Running"]):
            state = "runs" if running else "exists"
            raise NotFoundError(f"{key}: no {step} container of replica {replica} {state}")
        return name

    async def _list(
        self, path: str, chosen: dict[str, str], query: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Return what bears all of these labels.

        Checked here too: of several labels, Podman gives volumes that bear any one.
        """
        marks = [f"{name}={value}" for name, value in sorted(chosen.items())]
        filters = json.dumps({"label": marks})
        answer = await self._client.call("GET", path, query={**(query or {}), "filters": filters})
        listed = answer if isinstance(answer, list) else answer.get("Volumes") or []
        return [item for item in listed if chosen.items() <= (item.get("Labels") or {}).items()]

    async def _container(self, identity: str) -> ObservedContainer | None:
        """Return one container, None when it went away meanwhile."""
        document = await self._client.find(f"/containers/{identity}/json")
        if document is None:
            return None
        found = observe.container(document)
        if found is None or found.running or not found.started:
            return found
        return observe.container(document, await self._last_line(identity, document))

    async def _last_line(self, identity: str, document: dict[str, Any]) -> str:
        """Return the last line of an ended container, read once for each of its ends."""
        end = str(document["State"].get("FinishedAt", ""))
        known = self._last_lines.get(identity)
        if known is not None and known[0] == end:
            return known[1]
        line = await self._read_last_line(identity)
        if len(self._last_lines) >= _REMEMBERED_LINES:
            self._last_lines.clear()
        self._last_lines[identity] = (end, line)
        return line

    async def _read_last_line(self, identity: str) -> str:
        """Return the last line, "" where the engine can't tell: no agent waits for a log."""
        query = {"stdout": "true", "stderr": "true", "tail": str(_LOG_LINES)}
        path = f"/containers/{identity}/logs"
        try:
            async with asyncio.timeout(_LAST_LINE_SECONDS):
                async with self._client.stream("GET", path, query) as answer:
                    return observe.last_line(await answer.aread())
        except (TimeoutError, EngineRefusedError) as error:
            log.warning("last log line not read", container=identity, error=type(error).__name__)
            return ""


def _present(found: Sequence[ObservedContainer | None]) -> list[ObservedContainer]:
    return [item for item in found if item is not None]


def _volumes(documents: Sequence[dict[str, Any]]) -> list[ObservedVolume]:
    return [item for item in map(observe.volume, documents) if item is not None]
