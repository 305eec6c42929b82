"""How long people wait on a cluster with a node: apply to Running, a rotated Secret in use."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.platform import Platform, install_platform, probe_agent
from tests.e2e.stage.internet import open_internet

from bench.timings import NOTE, Timing
from pai.kube import Json, Kube, Mirror
from pai.kube.kinds import AGENT_WORKLOADS, DEPLOYMENTS, PODS

RUNS = 5
_LABEL = "pai.io/agent"
_LONGEST_SECONDS = 60.0


@dataclass
class Moments:
    """When what was seen first, by the clock of this process."""

    applied: float = 0.0
    seen: dict[str, float] = field(default_factory=dict)

    def note(self, what: str, is_so: bool) -> None:
        """Remember the first time."""
        if is_so:
            self.seen.setdefault(what, time.monotonic())

    @property
    def total(self) -> float:
        """From the apply to `status.phase: Running`."""
        return self.seen["running"] - self.applied

    @property
    def ours(self) -> float:
        """Control's share of it: until the workload is made, and from a ready pod to the status."""
        return (
            self.seen["made"] - self.applied + max(0.0, self.seen["running"] - self.seen["ready"])
        )


def timings(cluster: Cluster, folder: Path) -> list[Timing]:
    """Install the platform and measure; images are on the node and were run before."""
    cluster.up(node=True)
    world = open_internet(Path(tempfile.mkdtemp(dir=folder)))
    try:
        platform = install_platform(cluster, Path(tempfile.mkdtemp(dir=folder)), world)
        platform.start(probe_agent("warm"))
        return asyncio.run(_measured(platform))
    finally:
        world.close()


async def _measured(platform: Platform) -> list[Timing]:
    kube = Kube.from_kubeconfig(platform.cluster.kubeconfig)
    try:
        starts = [await _started(kube, f"bench{number}") for number in range(RUNS)]
        rotations = [await _rotated(kube, platform, f"wrong-{number}") for number in range(RUNS)]
    finally:
        await kube.close()
    return [
        Timing("apply to Running", "cluster", [one.total for one in starts], 6.0),
        Timing("of it, control", "cluster", [one.ours for one in starts], 1.0),
        Timing("rotated secret in use", "cluster", rotations, 5.0),
    ]


async def _started(kube: Kube, name: str) -> Moments:
    """Apply one agent and return when what was seen."""
    moments = Moments()
    selector = f"{_LABEL}={name}"
    agents = Mirror(kube, AGENT_WORKLOADS, namespace="default")
    workloads = Mirror(kube, DEPLOYMENTS, namespace="default", labels=selector)
    pods = Mirror(kube, PODS, namespace="default", labels=selector)
    agents.subscribe(lambda _, found: moments.note("running", _is_running(found, name)))
    workloads.subscribe(lambda *_: moments.note("made", True))
    pods.subscribe(lambda _, found: moments.note("ready", _is_ready(found)))
    tasks = [asyncio.ensure_future(mirror.run()) for mirror in (agents, workloads, pods)]
    try:
        for mirror in (agents, workloads, pods):
            await mirror.synced()
        document = probe_agent(name)
        document["metadata"]["namespace"] = "default"
        moments.applied = time.monotonic()
        await kube.apply(document, manager="bench")
        await _until(lambda: len(moments.seen) == 3)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    await kube.delete(AGENT_WORKLOADS, name, "default")
    return moments


async def _rotated(kube: Kube, platform: Platform, wrong: str) -> float:
    """Return how long until a new value was used, from the write's start."""
    answer = partial(platform.run_in, "warm", NOTE)
    began = time.monotonic()
    await kube.apply(_secret(wrong), manager="bench")
    while (await asyncio.to_thread(answer)).strip() != "401":
        if time.monotonic() - began > _LONGEST_SECONDS:
            raise RuntimeError("the new secret was never used")
    seconds = time.monotonic() - began
    await kube.apply(_secret(platform.world.notes_key), manager="bench")
    while (await asyncio.to_thread(answer)).strip() != "201":
        await asyncio.sleep(0.05)
    return seconds


def _secret(token: str) -> Json:
    metadata = {"name": "notes-key", "namespace": "default", "labels": {"pai.io/secret": "true"}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "stringData": {"token": token},
    }


def _is_running(agent: Json, name: str) -> bool:
    status = agent.get("status") or {}
    return agent["metadata"]["name"] == name and status.get("phase") == "Running"


def _is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


async def _until(is_so: Callable[[], bool]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_SECONDS):
            while not is_so():
                await asyncio.sleep(0.01)
            return
    raise RuntimeError("the agent never ran")
