"""Wait until what was applied is in use, telling what is waited for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from pai.cli.failures import CommandError
from pai.cli.install.rollout import Progress, api_progress, deployment_progress, established
from pai.errors import TransientError
from pai.kube import Json, Kube
from pai.kube.kinds import API_SERVICES, CRDS, DEPLOYMENTS, PODS
from pai.render.platform.access import API_SERVICE
from pai.render.platform.manifest import COMPONENT, CONTROL, EDGE, GATEWAY, PART_OF, object_name

PAUSE_SECONDS = 1.0
_DEFINITION_SECONDS = 30.0

Look = Callable[[], Awaitable[Progress]]
Say = Callable[[str], None]


async def wait_for_definitions(kube: Kube, definitions: Sequence[Json]) -> None:
    """Return when resources of these kinds can be written."""
    until = time.monotonic() + _DEFINITION_SECONDS
    for definition in definitions:
        name = definition["metadata"]["name"]
        while not established(await kube.get(CRDS, name)):
            if time.monotonic() >= until:
                raise CommandError(f"customresourcedefinition/{name}: not in use after 30 s")
            await asyncio.sleep(PAUSE_SECONDS / 10)


async def wait_for_platform(kube: Kube, namespace: str, seconds: float, say: Say) -> None:
    """Return when all deployments are available and the API server reaches control.

    Raises CommandError when one will not get there, or is late.
    """
    until = time.monotonic() + seconds
    for component in (CONTROL, GATEWAY, EDGE):
        look = _deployment(kube, namespace, component)
        await _wait(f"deployment/{object_name(component)}", look, until, say)
    await _wait(f"apiservice/{API_SERVICE}", _api(kube), until, say)


def _deployment(kube: Kube, namespace: str, component: str) -> Look:
    labels = f"{PART_OF}=pai,{COMPONENT}={component}"

    async def look() -> Progress:
        deployment = await kube.get(DEPLOYMENTS, object_name(component), namespace)
        pods, _ = await kube.list(PODS, namespace, labels)
        return deployment_progress(deployment, pods)

    return look


def _api(kube: Kube) -> Look:
    async def look() -> Progress:
        return api_progress(await kube.get(API_SERVICES, API_SERVICE))

    return look


async def _wait(what: str, look: Look, until: float, say: Say) -> None:
    """Look again and again; an API server that is away for a moment is borne."""
    told = ""
    while True:
        try:
            now = await look()
        except TransientError as error:
            now = Progress(error.message)
        if now.failure:
            raise CommandError(now.failure, hint=now.hint)
        if not now.said:
            return
        if now.said != told:
            say(f"waiting for {what}: {now.said}")
            told = now.said
        if time.monotonic() >= until:
            raise CommandError(f"{what}: not ready in time: {told}", hint="pai doctor, --timeout")
        await asyncio.sleep(PAUSE_SECONDS)
