"""Calls, and what comes of answers."""

from contextlib import aclosing

import httpx2
import pytest
from tests.fakes.kube_api import KubeApi, refusal

from pai.kube import KubeRefusedError, KubeUnavailableError
from pai.kube.client import CHUNK
from pai.kube.kinds import CONFIG_MAPS, SECRETS

PATH = "/api/v1/namespaces/default/configmaps"


async def test_a_long_list_comes_in_chunks() -> None:
    api = KubeApi()
    for number in range(CHUNK * 2 + 5):
        api.put(f"{PATH}/c-{number:05}", {"data": {}})
    items, version = await api.kube().list(CONFIG_MAPS)
    assert len(items) == CHUNK * 2 + 5 and version == str(api.version)
    assert api.asked["GET"] == 3
    assert {(item["apiVersion"], item["kind"]) for item in items} == {("v1", "ConfigMap")}


async def test_a_list_that_took_too_long_is_asked_for_at_once() -> None:
    api = KubeApi()
    for number in range(CHUNK + 1):
        api.put(f"{PATH}/c-{number:05}", {"data": {}})
    first = await api.kube().raw("GET", PATH, params={"limit": str(CHUNK)})
    api.faults["GET"] = [
        httpx2.Response(200, json=first),
        refusal(410, "Expired", "the continue token is too old"),
    ]
    items, _ = await api.kube().list(CONFIG_MAPS)
    assert len(items) == CHUNK + 1


async def test_what_is_missing_is_no_error() -> None:
    api = KubeApi()
    kube = api.kube()
    assert await kube.get(CONFIG_MAPS, "x") is None
    assert await kube.delete(CONFIG_MAPS, "x") is False
    assert kube.errors == {} and kube.calls == {"get": 1, "delete": 1}


async def test_failures_are_counted_and_sorted() -> None:
    api = KubeApi()
    kube = api.kube()
    api.faults["GET"] = [refusal(429, "TooManyRequests", "wait", **{"Retry-After": "4"})]
    with pytest.raises(KubeUnavailableError) as caught:
        await kube.get(CONFIG_MAPS, "x")
    assert caught.value.retry_after_seconds == 4.0
    api.broken = True
    with pytest.raises(KubeUnavailableError, match="out of reach"):
        await kube.get(CONFIG_MAPS, "x")
    api.broken = False
    api.faults["GET"] = [refusal(403, "Forbidden", "no"), httpx2.Response(200, text="hello")]
    with pytest.raises(KubeRefusedError, match="no"):
        await kube.get(CONFIG_MAPS, "x")
    with pytest.raises(KubeUnavailableError, match="can't be read"):
        await kube.get(CONFIG_MAPS, "x")
    assert kube.errors == {"get": 4}


async def test_a_patched_secret_is_not_quoted() -> None:
    api = KubeApi()
    api.faults["PATCH"] = [refusal(422, "Invalid", "data.token: Invalid value: canary")]
    with pytest.raises(KubeRefusedError) as caught:
        await api.kube().patch(SECRETS, "s", None, {"data": {"token": "x"}}, manager="pai")
    assert "canary" not in str(caught.value)


async def test_a_watch_tells_bookmarks_and_raises_errors() -> None:
    api = KubeApi()
    kube = api.kube()
    start = str(api.version)
    api.put(f"{PATH}/a", {"data": {}})
    async with aclosing(kube.watch(CONFIG_MAPS, start)) as events:
        assert (await anext(events))[0] == "ADDED"
        api.bookmark()
        assert await anext(events) == (
            "BOOKMARK",
            {"metadata": {"resourceVersion": str(api.version)}},
        )
        api.cut()
        assert await anext(events, None) is None
    api.forget()
    with pytest.raises(KubeRefusedError) as caught:
        await anext(kube.watch(CONFIG_MAPS, start))
    assert caught.value.status == 410
