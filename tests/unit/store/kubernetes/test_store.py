"""The store of a cluster where its API server fails; the rest is in tests/cluster/test_store.py."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.fakes.kube_api import KubeApi, refusal

from pai.clock import utc_now
from pai.errors import TransientError
from pai.store.activity_store import ActivityStore
from pai.store.kubernetes import KubernetesStore, PartlyStoredError
from pai.store.kubernetes import store as module
from pai.store.record import Put, ResourceKey

NOW = utc_now()
PROVIDER = ResourceKey("Provider", "default", "p")


@pytest.fixture
async def api() -> KubeApi:
    return KubeApi()


@pytest.fixture
async def store(api: KubeApi, tmp_path: Path) -> AsyncIterator[KubernetesStore]:
    activity = ActivityStore(tmp_path / "activity.db")
    await activity.open()
    made = KubernetesStore(api.kube(), activity, utc_now)
    await made.open()
    yield made
    await made.close()


def put(name: str) -> Put:
    return Put(key=ResourceKey("Provider", "default", name), spec={"type": "telegram"})


async def test_a_commit_that_fails_in_the_middle_says_what_is_stored(
    api: KubeApi, store: KubernetesStore
) -> None:
    for name in ("a", "b"):
        api.put(f"/apis/pai.io/v1/namespaces/default/providers/{name}", _provider())
    await asyncio.sleep(0.05)
    wishes = [
        Put(key=ResourceKey("Provider", "default", name), spec={"type": "telegram", "x": name})
        for name in ("a", "b")
    ]
    # Two checks that go well, then the writes themselves.
    api.faults["PATCH"] = [_patched(api, name) for name in ("a", "b")]
    api.faults["PATCH"] += [_patched(api, "a", "999"), refusal(503, "ServiceUnavailable", "no")]
    with pytest.raises(PartlyStoredError, match="stored before that: Provider default/a"):
        await store.commit(wishes, NOW)


async def test_one_write_that_fails_is_just_that(api: KubeApi, store: KubernetesStore) -> None:
    api.faults["POST"] = [refusal(429, "TooManyRequests", "later", **{"Retry-After": "9"})]
    with pytest.raises(TransientError):
        await store.commit([put("a")], NOW)
    assert await store.get(ResourceKey("Provider", "default", "a")) is None


async def test_a_caller_that_is_cancelled_leaves_no_half_commit(
    api: KubeApi, store: KubernetesStore
) -> None:
    task = asyncio.ensure_future(store.commit([put("a")], NOW))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    async with asyncio.timeout(5):
        while await store.get(ResourceKey("Provider", "default", "a")) is None:
            await asyncio.sleep(0.01)


async def test_an_api_server_that_never_answers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SYNC_SECONDS", 0.3)
    api = KubeApi()
    api.broken = True
    activity = ActivityStore(tmp_path / "activity.db")
    await activity.open()
    store = KubernetesStore(api.kube(), activity, utc_now)
    with pytest.raises(TransientError, match="out of reach"):
        await store.open()


def _provider() -> dict[str, object]:
    return {"apiVersion": "pai.io/v1", "kind": "Provider", "spec": {"type": "telegram"}}


def _patched(api: KubeApi, name: str, version: str = "0") -> httpx2.Response:
    found = dict(api.objects[f"/apis/pai.io/v1/namespaces/default/providers/{name}"])
    found["spec"] = {"type": "telegram", "x": name}
    found["metadata"] = {**found["metadata"], "resourceVersion": version}
    return httpx2.Response(200, json=found)
