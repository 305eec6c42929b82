"""`pai uninstall kubernetes`: take the platform away, and keep what can't be made again."""

import asyncio
import time
from collections.abc import Sequence

from pai.cli.failures import CommandError
from pai.cli.install import remembered
from pai.cli.install.apply import Done, Tell
from pai.cli.install.leftovers import LABELS, installed
from pai.cli.install.waiting import PAUSE_SECONDS, Say
from pai.cli.output.plain import plural
from pai.kube import Json, Kube, KubeRefusedError
from pai.kube.kinds import AGENT_WORKLOADS, CLAIMS, CONFIG_MAPS, NAMESPACES, PODS, SECRETS
from pai.render.platform import DATABASE_SECRET, INSTALLER, MANAGED_BY, PART_OF

# What the next installation goes on from.
_REMEMBERED = ((SECRETS, DATABASE_SECRET), (CONFIG_MAPS, remembered.NAME))
# Control's, and wrong once its Service is another: who starts with them would wait for ever.
# Scrapers' token goes, too, as the next control makes it again.
_BOOTSTRAPS = ("pai-gateway-bootstrap", "pai-edge-bootstrap", "pai-metrics")
_POD_LABELS = f"{PART_OF}=pai"
_NOT_FOUND = 404
_SHOWN = 5


async def uninstall(
    kube: Kube,
    namespace: str,
    *,
    delete_agents: bool,
    delete_data: bool,
    seconds: float,
    tell: Tell,
    say: Say,
) -> None:
    """Delete the platform's objects. Definitions, and with them all resources, stay.

    Raises CommandError, before anything is deleted, when agents exist that are not to go.
    """
    until = time.monotonic() + seconds
    found = await agents(kube)
    if found and not delete_agents:
        raise CommandError(
            f"the cluster has {plural(len(found), 'agent')}: {_named(found)}",
            hint="--delete-agents deletes them first; their volumes stay",
        )
    await _delete_agents(kube, found, until, tell, say)
    for kind, item in await installed(kube, namespace):
        metadata = item["metadata"]
        name = str(metadata["name"])
        if (kind, name) in _REMEMBERED and not delete_data:
            tell(Done(kind.kind, name, "kept"))
            continue
        if await kube.delete(kind, name, metadata.get("namespace")):
            tell(Done(kind.kind, name, "deleted"))
    for name in _BOOTSTRAPS:
        if await kube.delete(SECRETS, name, namespace):
            tell(Done(SECRETS.kind, name, "deleted"))
    await _data(kube, namespace, delete_data=delete_data, until=until, tell=tell, say=say)


async def agents(kube: Kube) -> list[Json]:
    """Return all agents of all namespaces; none where the cluster has no such kind."""
    try:
        return (await kube.list(AGENT_WORKLOADS))[0]
    except KubeRefusedError as error:
        if error.status != _NOT_FOUND:
            raise
        return []


async def _delete_agents(
    kube: Kube, found: Sequence[Json], until: float, tell: Tell, say: Say
) -> None:
    """Delete agents and return when they are gone: their pods end while control still serves."""
    for agent in found:
        metadata = agent["metadata"]
        name, place = str(metadata["name"]), str(metadata["namespace"])
        await kube.delete(AGENT_WORKLOADS, name, place, propagation="Foreground")
        tell(Done("AgentWorkload", f"{place}/{name}", "deleted"))
    left = found
    while left and (left := await agents(kube)):
        if time.monotonic() >= until:
            raise CommandError(f"still being deleted: {_named(left)}", hint="--timeout")
        say(f"waiting for {plural(len(left), 'agent')} to end")
        await asyncio.sleep(PAUSE_SECONDS)


async def _data(
    kube: Kube, namespace: str, *, delete_data: bool, until: float, tell: Tell, say: Say
) -> None:
    """Delete the namespace with control's keys and its claim, or say that they stay."""
    held = await kube.get(NAMESPACES, namespace)
    if held is None:
        return
    ours = (held["metadata"].get("labels") or {}).get(MANAGED_BY) == INSTALLER
    if delete_data and ours:
        await _until_ended(kube, namespace, until, say)
        await kube.delete(NAMESPACES, namespace)
        tell(Done("Namespace", namespace, "deleted"))
        await _until_gone(kube, namespace, until, say)
        return
    claims, _ = await kube.list(CLAIMS, namespace, LABELS)
    for claim in claims:
        tell(Done("PersistentVolumeClaim", str(claim["metadata"]["name"]), "kept"))
    tell(Done("Namespace", namespace, "kept"))


async def _until_ended(kube: Kube, namespace: str, until: float, say: Say) -> None:
    """Return when the platform's pods are gone, or it is too late for that.

    A namespace that is deleted while pods still end is looked at again only after half of their
    grace.
    """
    while (left := (await kube.list(PODS, namespace, _POD_LABELS))[0]) and time.monotonic() < until:
        say(f"waiting for {plural(len(left), 'pod')} to end")
        await asyncio.sleep(PAUSE_SECONDS)


async def _until_gone(kube: Kube, namespace: str, until: float, say: Say) -> None:
    said = False
    while await kube.get(NAMESPACES, namespace) is not None:
        if time.monotonic() >= until:
            raise CommandError(f"namespace/{namespace}: still ending", hint="--timeout")
        if not said:
            say(f"waiting for namespace/{namespace} to end")
            said = True
        await asyncio.sleep(PAUSE_SECONDS)


def _named(found: Sequence[Json]) -> str:
    names = sorted(f"{a['metadata']['namespace']}/{a['metadata']['name']}" for a in found)
    more = ", …" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
