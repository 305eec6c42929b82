"""A mirror through cuts, refusals and outages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from tests.fakes.kube_api import KubeApi, refusal

from pai.kube import Mirror
from pai.kube import mirror as module
from pai.kube.kinds import CONFIG_MAPS, Json
from pai.wire import log
from pai.wire.tasks import spawn

PATH = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "pause_seconds", lambda *_: 0.01)


@asynccontextmanager
async def following(api: KubeApi) -> AsyncIterator[tuple[Mirror, list[tuple[str, str]]]]:
    told: list[tuple[str, str]] = []
    mirror = Mirror(api.kube(), CONFIG_MAPS, spread=lambda: 0.0)
    mirror.subscribe(lambda kind, found: told.append((kind, found["metadata"]["name"])))
    task = spawn(mirror.run(), "mirror")
    try:
        yield mirror, told
    finally:
        task.cancel()
        await asyncio.wait([task])


def _has(told: list[tuple[str, str]], count: int) -> bool:
    return len(told) == count


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_it_holds_what_there_is_and_follows() -> None:
    api = KubeApi()
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    api.put(f"{PATH}/a", {"metadata": {"managedFields": [1], "annotations": annotations}})
    async with following(api) as (mirror, told):
        await mirror.synced()
        [found] = mirror.objects.values()
        assert "managedFields" not in found["metadata"]
        assert found["metadata"]["annotations"] == {"mine": "1"}
        api.put(f"{PATH}/b", {})
        api.put(f"{PATH}/a", {})
        api.remove(f"{PATH}/a")
        await until(lambda: len(told) == 4)
        assert told == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")]
        assert list(mirror.objects) == [("default", "b")]


async def test_a_cut_loses_nothing_and_lists_nothing() -> None:
    api = KubeApi()
    async with following(api) as (mirror, told):
        await mirror.synced()
        for number in range(5):
            api.cut()
            api.put(f"{PATH}/c-{number}", {})
            await until(partial(_has, told, number + 1))
        lists = [call for call in told if call[0] != "ADDED"]
        assert lists == [] and mirror.trouble == ""


async def test_a_version_that_is_too_old_is_listed_anew() -> None:
    api = KubeApi()
    api.put(f"{PATH}/goes", {})
    api.put(f"{PATH}/stays", {})
    async with following(api) as (mirror, told):
        await mirror.synced()
        told.clear()
        api.broken = True
        api.cut()
        await until(lambda: mirror.trouble)
        api.remove(f"{PATH}/goes")
        api.put(f"{PATH}/stays", {"data": {"new": "1"}})
        api.put(f"{PATH}/comes", {})
        api.forget()
        api.broken = False
        await until(lambda: len(told) == 3)
        assert sorted(told) == [("ADDED", "comes"), ("DELETED", "goes"), ("MODIFIED", "stays")]
        await until(lambda: not mirror.trouble)


async def test_a_server_restored_from_a_backup_is_listed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_BRIEF_SECONDS", 0.0)
    api = KubeApi()
    api.put(f"{PATH}/lost", {})
    api.version = 5000
    async with following(api) as (mirror, told):
        await mirror.synced()
        api.version, api.objects = 50, {}
        for _ in range(3):  # its watch is silent each time, until the server ends it
            api.cut()
            await asyncio.sleep(0.05)
        await until(lambda: ("DELETED", "lost") in told)
        api.put(f"{PATH}/new", {})
        await until(lambda: ("ADDED", "new") in told)


async def test_a_server_that_fails_is_asked_again() -> None:
    api = KubeApi()
    api.faults["GET"] = [
        refusal(429, "TooManyRequests", "wait", **{"Retry-After": "1"}),
        refusal(500, "InternalError", "no"),
        refusal(403, "Forbidden", "not yet"),
    ]
    async with following(api) as (mirror, _):
        await mirror.synced()
        assert mirror.trouble == "" and mirror.objects == {}


async def test_what_was_written_is_read_at_once() -> None:
    api = KubeApi()
    kube = api.kube()
    async with following(api) as (mirror, told):
        await mirror.synced()
        api.cut()
        document: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
        made = await kube.create(document)
        mirror.written(made)
        assert mirror.objects["default", "a"] == made
        await kube.delete(CONFIG_MAPS, "a")
        mirror.removed(("default", "a"), made["metadata"]["uid"])
        assert mirror.objects == {}
        api.put(f"{PATH}/b", {})
        await until(lambda: ("ADDED", "b") in told)
        assert told == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]


async def test_a_broken_listener_is_told_and_outlived() -> None:
    lines: list[bytes] = []
    log.configure(lines.append)
    api = KubeApi()
    heard: list[str] = []
    mirror = Mirror(api.kube(), CONFIG_MAPS)
    mirror.subscribe(lambda kind, found: found["no such thing"])
    stop = mirror.subscribe(lambda kind, found: heard.append(kind))
    mirror.written(api.put(f"{PATH}/a", {}))
    stop()
    mirror.written(api.put(f"{PATH}/b", {}))
    log.configure()
    assert heard == ["ADDED"] and b"KeyError" in lines[0]
