"""Mirrors and leaders, and an API server that restarts, refuses, forgets and cuts connections."""

import asyncio
import itertools
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.fault_proxy import FaultProxy, answer
from tests.cluster.test_kube import SPACE, config_map, kube, space
from tests.unit.kube.test_mirror_state import replayed

from pai.kube import Kube, Mirror
from pai.kube.kinds import CONFIG_MAPS, LEASES
from pai.kube.mirror_state import ObjectChange, key_of
from pai.wire.tasks import spawn

__all__ = ["kube", "space"]  # fixtures


class Follower:
    """A mirror behind the fault proxy, and all it told."""

    def __init__(self, kube: Kube) -> None:
        self.told: list[ObjectChange] = []
        self.mirror = Mirror(kube, CONFIG_MAPS, namespace=SPACE, labels="test=yes")
        self.mirror.subscribe(lambda kind, found: self.told.append(ObjectChange(kind, found)))
        self.task = spawn(self.mirror.run(), "mirror")

    async def agrees(self, kube: Kube, seconds: float = 90) -> None:
        """Wait until it holds what the server holds; its changes must lead there too."""
        items = (await kube.list(CONFIG_MAPS, SPACE, labels="test=yes")).items
        wanted = {key_of(item): item["metadata"]["resourceVersion"] for item in items}
        held: dict[Any, Any] = {}
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and held != wanted:
            await asyncio.sleep(0.05)
            objects = self.mirror.objects
            held = {key: found["metadata"]["resourceVersion"] for key, found in objects.items()}
        assert held == wanted, self.mirror.trouble
        assert replayed(self.told) == self.mirror.objects

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture
async def proxy(space: Cluster) -> AsyncIterator[FaultProxy]:
    made = FaultProxy(space.kubeconfig)
    yield made
    await made.close()


@pytest.fixture
async def follower(proxy: FaultProxy, kube: Kube, tmp_path: Path) -> AsyncIterator[Follower]:
    through = Kube.from_kubeconfig(await proxy.start(tmp_path))
    made = Follower(through)
    async with asyncio.timeout(20):
        await made.mirror.synced()
    yield made
    await made.stop()
    await through.close()


async def storm(kube: Kube, chance: random.Random, count: int) -> None:
    """Change things, as somebody else does."""
    for _ in range(count):
        name = f"s-{chance.randrange(12)}"
        found = await kube.get(CONFIG_MAPS, name, SPACE)
        if found is None:
            await kube.create(config_map(name))
        elif chance.random() < 0.3:
            await kube.delete(CONFIG_MAPS, name, SPACE)
        else:
            patch = {"data": {"n": str(chance.random())}}
            await kube.patch(CONFIG_MAPS, name, SPACE, patch, manager="tests")


async def test_a_mirror_outlives_refusals_and_cuts(
    follower: Follower, proxy: FaultProxy, kube: Kube
) -> None:
    chance = random.Random(7)
    answers = [
        answer(429, "TooManyRequests", **{"Retry-After": "1"}),
        answer(500, "InternalError"),
        answer(503, "ServiceUnavailable"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        b"garbage\r\n\r\n",
    ]
    proxy.fault = lambda _line: chance.choice(answers) if chance.random() < 0.4 else None
    async with asyncio.timeout(90):
        while proxy.cuts < 4:  # how often it finds a connection to cut is chance
            await storm(kube, chance, 25)
            proxy.cut()
            await asyncio.sleep(0.3)
    proxy.fault = lambda _line: None
    await follower.agrees(kube)
    assert len(follower.told) > 20


async def test_a_mirror_outlives_the_api_server(
    follower: Follower, space: Cluster, kube: Kube
) -> None:
    chance = random.Random(8)
    await storm(kube, chance, 20)
    lists = follower.mirror._kube.calls["list"]
    await asyncio.to_thread(space.restart_api_server)
    await storm(kube, chance, 20)
    await follower.agrees(kube)
    assert follower.mirror._kube.calls["list"] == lists, "resumed, not listed"


async def test_a_mirror_lists_again_what_the_server_forgot(
    follower: Follower, proxy: FaultProxy, space: Cluster, kube: Kube
) -> None:
    chance = random.Random(9)
    await storm(kube, chance, 30)
    await follower.agrees(kube)
    lists = follower.mirror._kube.calls["list"]
    proxy.fault = lambda _line: answer(503, "ServiceUnavailable")
    proxy.cut()
    await storm(kube, chance, 60)
    newest = (await kube.list(CONFIG_MAPS, SPACE)).version
    async with httpx.AsyncClient() as etcd:
        url = f"{space.etcd}/v3/kv/compaction"
        (await etcd.post(url, json={"revision": newest})).raise_for_status()
    await asyncio.to_thread(space.restart_api_server)  # its memory of old versions goes too
    proxy.fault = lambda _line: None
    await follower.agrees(kube)
    assert follower.mirror._kube.calls["list"] > lists


class Candidate:
    """A process that stands for leader, and when it led."""

    def __init__(self, kubeconfig: Path, name: str, skew: int) -> None:
        words = ["-m", "tests.cluster.stage.candidate", str(kubeconfig), name, str(skew)]
        self.process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.said: list[tuple[str, float]] = []
        self.reading = spawn(self._read(), name)

    async def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while line := await asyncio.to_thread(out.readline):
            word, at = line.split()
            self.said.append((word, float(at)))

    def leads(self) -> bool:
        return bool(self.said) and self.said[-1][0] == "lead"

    async def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        await asyncio.to_thread(self.process.wait)
        await self.reading
        assert self.process.stdout is not None
        self.process.stdout.close()

    def spans(self, end: float) -> list[tuple[float, float]]:
        ends = [at for word, at in self.said if word == "end"] + [end]
        begins = [at for word, at in self.said if word == "lead"]
        return list(zip(begins, ends, strict=False))


async def until_one_leads(candidates: list[Candidate], seconds: float) -> Candidate:
    async with asyncio.timeout(seconds):
        while True:
            leading = [one for one in candidates if one.leads()]
            if leading:
                return leading[0]
            await asyncio.sleep(0.05)


async def test_candidates_never_lead_together(
    space: Cluster, proxy: FaultProxy, kube: Kube, tmp_path: Path
) -> None:
    through = await proxy.start(tmp_path)
    candidates = [Candidate(through, f"c-{n}", skew) for n, skew in enumerate((0, 400, -400))]
    first = await until_one_leads(candidates, 30)
    chance = random.Random(3)
    proxy.fault = lambda _line: answer(500, "InternalError") if chance.random() < 0.3 else None
    await asyncio.sleep(12)
    assert first.leads(), "errors that pass change nothing"
    proxy.fault = lambda _line: None
    killed = time.monotonic()
    await first.end(signal.SIGKILL)
    others = [one for one in candidates if one is not first]
    second = await until_one_leads(others, 25)
    took = second.said[-1][1] - killed
    assert took <= 20, f"followed after {took:.1f} s"
    proxy.fault = lambda _line: answer(503, "ServiceUnavailable")  # nobody can renew
    async with asyncio.timeout(15):
        while second.leads():
            await asyncio.sleep(0.05)
    proxy.fault = lambda _line: None
    third = await until_one_leads(others, 25)
    for one in others:
        if one is not third:
            await one.end(signal.SIGKILL)
    await third.end(signal.SIGKILL)
    now = time.monotonic()
    spans = sorted(span for one in others for span in one.spans(now))
    spans = [*first.spans(killed), *spans]
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans)), spans
    print(f"followed after {took:.1f} s")
    assert await kube.get(LEASES, "candidates", "default") is not None
