"""Many agents at once on a cluster without a node: what control needs for them and how long."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.control import Controls, controls
from tests.fakes.documents import agent, model, service

from bench.process import Running, cpu_seconds_of
from pai.kube import Json, Kube, Mirror
from pai.kube.kinds import AGENT_WORKLOADS, DEPLOYMENTS, STATEFUL_SETS

NAMESPACE = "crowd"
AT_ONCE = 32
REST_SECONDS = 60.0
_QUIET_SECONDS = 10.0
_LONGEST_SECONDS = 900.0
_WRITES = ("create", "apply", "patch", "delete")
_READS = ("get", "list")


@dataclass
class Crowd:
    """What so many agents cost.

    reconciled: seconds from the first apply until all objects are made and a status is written.
    settled: until control has nothing more to write. writes, reads: calls of control an agent.
    looks: an agent. look_ms: mean, and the bound that 99 of 100 keep. rest_cpu: share of a core.
    cluster_cpu_seconds: of API server, etcd, controllers and scheduler, until settled.
    """

    shape: str
    agents: int
    applied: float
    reconciled: float
    settled: float
    writes: float
    writes_by_verb: dict[str, float]
    reads: float
    looks: float
    look_ms: float
    look_p99_ms: float
    cpu_seconds: float
    cluster_cpu_seconds: float
    empty_mib: float
    peak_mib: float
    rest_mib: float
    rest_cpu: float

    @property
    def cpu_ms(self) -> float:
        """CPU of control an agent."""
        return 1000 * self.cpu_seconds / self.agents

    @property
    def cluster_cpu_ms(self) -> float:
        """CPU of the rest of the control plane an agent."""
        return 1000 * self.cluster_cpu_seconds / self.agents

    @property
    def rest_percent(self) -> float:
        """Percent of a core."""
        return 100 * self.rest_cpu


def documents(shape: str, count: int) -> list[Json]:
    """Return what is applied: a model, a service and agents that use both.

    shape: `volumes` or `plain`.
    """
    shared = [_core_secret(), model(), service()]
    spec: dict[str, Any] = {
        "modelBindings": ["gpt"],
        "providers": ["notes"],
        "inbound": {"port": 3000, "allowCIDRs": ["10.0.0.0/8"]},
        "tokens": {"maxPerDay": 200_000},
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
    }
    if shape == "volumes":
        spec["volumes"] = [{"name": "data", "mountPath": "/data", "size": "1Gi"}]
    agents = [agent(f"agent-{number:04}", **spec) for number in range(count)]
    for document in (*shared, *agents):
        document["metadata"]["namespace"] = NAMESPACE
    return [*shared, *agents]


def measured(cluster: Cluster, folder: Path, shape: str, count: int) -> Crowd:
    """Apply so many agents to a fresh cluster and watch control until it rests."""
    cluster.up(node=False)
    with controls(cluster, folder) as stage:
        stage.start()
        cluster.kubectl("create", "namespace", NAMESPACE)
        return asyncio.run(_measured(stage, shape, count))


async def _measured(stage: Controls, shape: str, count: int) -> Crowd:
    control = Running(stage.running["control-0"])
    await asyncio.sleep(3)
    plane = cluster_cpu(stage.cluster)
    empty, cpu, before = control.rss_mib(), control.cpu_seconds(), stage.metrics()
    kube = Kube.from_kubeconfig(stage.cluster.kubeconfig)
    try:
        async with _followed(kube, shape) as (told, workloads):
            began = time.monotonic()
            await _apply(kube, documents(shape, count))
            applied = time.monotonic() - began

            def done() -> bool:
                return len(told) == len(workloads.objects) == count

            await _until(done)
            reconciled = time.monotonic() - began
        settled = await _quiet(stage) - began
        after, busy = stage.metrics(), control.cpu_seconds() - cpu
        plane = cluster_cpu(stage.cluster) - plane
        rest_cpu = await _resting(control)
    finally:
        await kube.close()
    delta = {name: value - before.get(name, 0.0) for name, value in after.items()}
    looks = delta["pai_reconcile_seconds_count"]
    by_verb = {verb: _calls(delta, verb) / count for verb in _WRITES}
    return Crowd(
        shape=shape,
        agents=count,
        applied=applied,
        reconciled=reconciled,
        settled=settled,
        writes=sum(by_verb.values()),
        writes_by_verb={verb: round(calls, 2) for verb, calls in by_verb.items() if calls},
        reads=sum(_calls(delta, verb) for verb in _READS) / count,
        looks=looks / count,
        look_ms=1000 * delta["pai_reconcile_seconds_sum"] / looks,
        look_p99_ms=1000 * _percentile(delta, 0.99),
        cpu_seconds=busy,
        cluster_cpu_seconds=plane,
        empty_mib=empty,
        peak_mib=_peak_mib(control),
        rest_mib=control.rss_mib(),
        rest_cpu=rest_cpu,
    )


@asynccontextmanager
async def _followed(kube: Kube, shape: str) -> AsyncIterator[tuple[set[str], Mirror]]:
    """Follow the names of agents that have a status, and their workloads.

    What is counted is kept ready: this process shares the cores with what it measures.
    """
    told: set[str] = set()

    def with_status(found: Json) -> Json:
        if found.get("status"):
            told.add(found["metadata"]["name"])
        return _identity(found)

    kind = STATEFUL_SETS if shape == "volumes" else DEPLOYMENTS
    agents = Mirror(kube, AGENT_WORKLOADS, namespace=NAMESPACE, trim=with_status)
    workloads = Mirror(kube, kind, namespace=NAMESPACE, trim=_identity)
    tasks = [asyncio.ensure_future(mirror.run()) for mirror in (agents, workloads)]
    try:
        await agents.synced()
        await workloads.synced()
        yield told, workloads
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _identity(found: Json) -> Json:
    names = ("name", "namespace", "uid", "resourceVersion")
    return {"metadata": {name: found["metadata"][name] for name in names}}


async def _apply(kube: Kube, wanted: list[Json]) -> None:
    """Apply as many at a time as a busy pipeline would."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(document: Json) -> None:
        async with places:
            await kube.apply(document, manager="bench")

    async with asyncio.TaskGroup() as group:
        for document in wanted:
            group.create_task(one(document))


async def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError("not all agents were reconciled")
        await asyncio.sleep(0.05)


async def _quiet(stage: Controls) -> float:
    """Return when control wrote for the last time; it has been silent for some seconds since."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    last, since = -1.0, time.monotonic()
    while time.monotonic() - since < _QUIET_SECONDS:
        if time.monotonic() > deadline:
            raise RuntimeError("control never rests")
        metrics = stage.metrics()
        made = sum(_calls(metrics, verb) for verb in ("create", "apply", "delete"))
        made += metrics["pai_reconcile_seconds_count"]
        if made != last:
            last, since = made, time.monotonic()
        await asyncio.sleep(0.5)
    return since


async def _resting(control: Running) -> float:
    """Return the share of a core that control takes when nothing happens."""
    began, cpu = time.monotonic(), control.cpu_seconds()
    await asyncio.sleep(REST_SECONDS)
    return (control.cpu_seconds() - cpu) / (time.monotonic() - began)


def cluster_cpu(cluster: Cluster) -> float:
    """Return the CPU seconds of the control plane so far."""
    return sum(cpu_seconds_of(pid) for pid in cluster.pids.values())


def _calls(metrics: dict[str, float], verb: str) -> float:
    return metrics.get(f'pai_kube_calls_total{{verb="{verb}"}}', 0.0)


def _percentile(metrics: dict[str, float], share: float) -> float:
    """Return the bucket's bound that such a share of all looks keeps."""
    total = metrics["pai_reconcile_seconds_count"]
    start = 'pai_reconcile_seconds_bucket{le="'
    bounds = {
        float(name.removeprefix(start).removesuffix('"}')): value
        for name, value in metrics.items()
        if name.startswith(start)
    }
    return next(bound for bound in sorted(bounds) if bounds[bound] >= share * total)


def _peak_mib(control: Running) -> float:
    """Return the most memory it ever had. Source: proc(5), VmHWM."""
    lines = Path(f"/proc/{control.process.pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _core_secret() -> Json:
    labels = {"pai.io/secret": "true"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "labels": labels},
        "stringData": {"token": "value-of-keys"},
    }
