"""Carry out actions; each may be cut short at any point and carried out again."""

from typing import Any

import httpx

from pai.ir.agent import AgentKey
from pai.reconcile import (
    Action,
    CreateVolume,
    PullImage,
    RemoveContainer,
    RemoveVolume,
    RunContainer,
    StartContainer,
)
from pai.reconcile.containers.observed import ObservedContainer
from pai.render import labels
from pai.render.containers import FILES_DIRECTORY, Container, FileSpec
from pai.runtime.containers import observe
from pai.runtime.containers.archive import archive
from pai.runtime.containers.client import EngineClient
from pai.runtime.containers.images import Images
from pai.runtime.containers.network import ensure_network
from pai.runtime.errors import EngineRefusedError, EngineUnavailableError
from pai.runtime.protocol import SecretFile
from pai.wire import log

_STOP_SECONDS = 20.0  # for an engine to answer once the grace is over
_MISSING = frozenset({httpx.codes.NOT_FOUND})
_GONE = frozenset({httpx.codes.NOT_FOUND, httpx.codes.CONFLICT})


class Executor:
    """Turn each action into calls of the engine."""

    def __init__(
        self, client: EngineClient, instance: str, images: Images, secret_file: SecretFile
    ) -> None:
        self._client, self._instance = client, instance
        self._images, self._secret_file = images, secret_file

    async def execute(self, action: Action) -> None:
        """Carry out one action. Raises EngineRefusedError, EngineUnavailableError."""
        match action:
            case PullImage(image):
                self._images.pull(image)
            case CreateVolume(volume):
                body = {"Name": volume.name, "Driver": "local", "Labels": volume.labels}
                await self._client.call("POST", "/volumes/create", body=body)
            case RunContainer(container):
                await self._run(container)
            case StartContainer(_, identity):
                await self._client.call("POST", f"/containers/{identity}/start")
            case RemoveContainer(_, identity, grace):
                await remove(self._client, identity, grace)
            case RemoveVolume(name):
                await _unless(_MISSING, self._client, f"/volumes/{name}")

    async def _run(self, container: Container) -> None:
        """Create, supply, start. What bears the name and never ran is replaced.

        A created container may lack its files, so it is never started by anyone else: whoever
        finds one makes it anew.
        """
        pod = await self._pod(container)
        found = await self._inspect(container.name)
        if found is not None:
            same = found.digest == container.digest and found.pod == pod
            if same and (found.running or (found.started and container.step != "pause")):
                return
            await remove(self._client, found.id, container.grace_seconds if found.running else 0)
        identity = await self._create(container, pod)
        if container.files:
            await self._supply(container, identity)
        await self._client.call("POST", f"/containers/{identity}/start")

    async def _pod(self, container: Container) -> str:
        if container.joins is None:
            return ""
        pause = await self._inspect(container.joins)
        if pause is None or not pause.running:
            raise EngineUnavailableError(
                f"{container.name}: its replica's network is gone; it is rebuilt"
            )
        return pause.identity

    async def _create(self, container: Container, pod: str) -> str:
        body = dict(container.body)
        if pod:
            host = {**body["HostConfig"], "NetworkMode": f"container:{pod.partition('@')[0]}"}
            marks = {**body["Labels"], labels.POD: pod}
            body |= {"HostConfig": host, "Labels": marks}
        elif container.step == "pause":
            await ensure_network(self._client, self._instance)
        query = {"name": container.name}
        answer = await self._client.call("POST", "/containers/create", query=query, body=body)
        return str(answer["Id"])

    async def _supply(self, container: Container, identity: str) -> None:
        key = observe.agent_key(container.body["Labels"])
        if key is None:
            raise ValueError(f"{container.name} carries no agent's labels")
        content = [(spec, self._content(spec, key, container.replica)) for spec in container.files]
        await self._client.call(
            "PUT",
            f"/containers/{identity}/archive",
            query={"path": FILES_DIRECTORY},
            archive=archive(content),
        )

    def _content(self, spec: FileSpec, key: AgentKey, replica: int) -> bytes:
        if spec.source is not None:
            return self._secret_file(spec.source, key, replica)
        return (spec.content or "").encode()

    async def _inspect(self, name: str) -> ObservedContainer | None:
        document = await self._client.find(f"/containers/{name}/json")
        return None if document is None else observe.container(document)


async def remove(client: EngineClient, identity: str, grace_seconds: int) -> None:
    """Remove a container with its anonymous volumes; one that is gone already is as good."""
    if grace_seconds:
        await _stop(client, identity, grace_seconds)
    await _unless(_GONE, client, f"/containers/{identity}", {"force": 1, "v": 1})


async def _stop(client: EngineClient, identity: str, grace_seconds: int) -> None:
    """Ask a container to end; whatever comes of it, it is removed by force next."""
    try:
        await client.call(
            "POST",
            f"/containers/{identity}/stop",
            query={"t": grace_seconds},
            seconds=grace_seconds + _STOP_SECONDS,
        )
    except (EngineRefusedError, EngineUnavailableError) as error:
        if getattr(error, "status", 0) not in _GONE:
            log.warning("not stopped in order", container=identity, error=error.message)


async def _unless(
    expected: frozenset[int],
    client: EngineClient,
    path: str,
    query: dict[str, Any] | None = None,
) -> None:
    """Delete, and take the answers that say that it was done before as done."""
    try:
        await client.call("DELETE", path, query=query)
    except EngineRefusedError as error:
        if error.status not in expected:
            raise
