"""Calls of `pai.kube` to a real API server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
import yaml
from tests.cluster.stage.cluster import Cluster

from pai.errors import PaiError
from pai.kube import Kube, KubeRefusedError
from pai.kube.client import CHUNK
from pai.kube.kinds import CONFIG_MAPS, NAMESPACES, SECRETS, Json
from pai.kube.mirror_state import version_of

SPACE = "kube-tests"


@pytest.fixture(scope="module")
def space(control_plane: Cluster) -> Iterator[Cluster]:
    control_plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    yield control_plane


@pytest.fixture
async def kube(space: Cluster) -> AsyncIterator[Kube]:
    made = Kube.from_kubeconfig(space.kubeconfig)
    for item in (await made.list(CONFIG_MAPS, SPACE)).items:
        await made.delete(CONFIG_MAPS, item["metadata"]["name"], SPACE)
    yield made
    await made.close()


def config_map(name: str, **data: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": SPACE, "labels": {"test": "yes"}},
        "data": data,
    }


async def test_calls(kube: Kube) -> None:
    assert (await kube.version())["major"] == "1"
    made = await kube.create(config_map("a", x="1"), dry_run=True)
    assert made["metadata"]["uid"] and await kube.get(CONFIG_MAPS, "a", SPACE) is None
    await kube.create(config_map("a", x="1"))
    with pytest.raises(KubeRefusedError) as caught:
        await kube.create(config_map("a"))
    assert (caught.value.status, caught.value.reason) == (409, "AlreadyExists")
    changed = await kube.patch(
        CONFIG_MAPS, "a", SPACE, {"data": {"x": None, "y": "2"}}, manager="pai"
    )
    assert changed["data"] == {"y": "2"}
    applied = await kube.apply(config_map("a", z="3"), manager="pai-control")
    assert applied["data"] == {"y": "2", "z": "3"}
    conflicting = config_map("a", z="4")
    with pytest.raises(KubeRefusedError, match="conflict"):
        await kube.apply(conflicting, manager="somebody", force=False)
    with pytest.raises(KubeRefusedError) as caught:
        await kube.delete(CONFIG_MAPS, "a", SPACE, uid="another")
    assert caught.value.status == 409
    assert await kube.delete(CONFIG_MAPS, "a", SPACE, dry_run=True)
    assert await kube.delete(CONFIG_MAPS, "a", SPACE)
    assert not await kube.delete(CONFIG_MAPS, "a", SPACE)
    with pytest.raises(KubeRefusedError) as caught:
        await kube.list(NAMESPACES._replace(plural="no-such-kind"))
    assert caught.value.status == 404
    assert kube.calls["create"] == 3 and kube.errors["create"] == 1


async def test_a_namespace_and_its_status_have_paths_of_their_own(kube: Kube) -> None:
    found = await kube.get(NAMESPACES, SPACE)
    assert found is not None and found["status"]["phase"] == "Active"
    status: Json = {"status": {"conditions": []}}
    await kube.patch(NAMESPACES, SPACE, None, status, manager="pai", subresource="status")


async def test_a_list_of_many_comes_whole(kube: Kube) -> None:
    names = [f"many-{number:04}" for number in range(CHUNK + 50)]
    for start in range(0, len(names), 25):
        documents = [config_map(name, n=name) for name in names[start : start + 25]]
        await asyncio.gather(*map(kube.create, documents))
    before = kube.calls["list"]
    items, version = await kube.list(CONFIG_MAPS, SPACE, labels="test=yes")
    assert [item["metadata"]["name"] for item in items] == names
    assert int(version) >= max(map(version_of, items)) and kube.calls["list"] == before + 2
    one, _ = await kube.list(CONFIG_MAPS, SPACE, fields=f"metadata.name={names[7]}")
    assert len(one) == 1
    await kube.raw("DELETE", CONFIG_MAPS.path(SPACE), params={"labelSelector": "test=yes"})


async def test_a_refused_secret_is_not_quoted(kube: Kube) -> None:
    canary = "Y2FuYXJ5LXZhbHVl"
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": SPACE},
        "type": "kubernetes.io/dockerconfigjson",
    }
    for data in ({".dockerconfigjson": canary}, {"token": f"{canary}!"}, {"token": canary}):
        with pytest.raises(KubeRefusedError) as caught:
            await kube.create({**secret, "data": data})
        assert canary not in str(caught.value) + repr(caught.value.causes)
        with pytest.raises(PaiError) as applied:  # base64 that is wrong is a 500 to this server
            await kube.apply({**secret, "data": data}, manager="pai")
        assert canary not in str(applied.value)
    assert (await kube.list(SECRETS, SPACE)).items == []


async def test_a_token_that_was_replaced_is_read_again(space: Cluster, tmp_path: Path) -> None:
    space.kubectl("create", "clusterrolebinding", "reads", "--clusterrole=view", _subject())
    document = yaml.safe_load(space.kubeconfig.read_text())
    token = tmp_path / "token"
    token.write_text(space.kubectl("create", "token", "default", "-n", SPACE))
    document["users"] = [
        {"name": user["name"], "user": {"tokenFile": str(token)}} for user in document["users"]
    ]
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(document))
    kube = Kube.from_kubeconfig(file)
    assert (await kube.list(CONFIG_MAPS, SPACE)).version
    space.kubectl("delete", "serviceaccount", "default", "-n", SPACE)  # ends the token at once
    async with asyncio.timeout(30):
        while await _refused(kube) != 401:
            await asyncio.sleep(0.2)
    space.kubectl("wait", "--for=create", "serviceaccount/default", "-n", SPACE, "--timeout=30s")
    token.write_text(space.kubectl("create", "token", "default", "-n", SPACE))
    assert await _refused(kube) == 0
    await kube.close()


def _subject() -> str:
    return f"--serviceaccount={SPACE}:default"


async def _refused(kube: Kube) -> int:
    try:
        await kube.list(CONFIG_MAPS, SPACE)
    except KubeRefusedError as error:
        return error.status
    return 0


async def test_a_watch_has_bookmarks_and_an_end(kube: Kube) -> None:
    made = await kube.create(config_map("w"))
    version = made["metadata"]["resourceVersion"]
    await kube.patch(CONFIG_MAPS, "w", SPACE, {"data": {"x": "1"}}, manager="pai")
    await kube.delete(CONFIG_MAPS, "w", SPACE)
    told: list[tuple[str, Json]] = []
    async with aclosing(kube.watch(CONFIG_MAPS, version, namespace=SPACE, seconds=9)) as events:
        async for event in events:
            told.append(event)
            if len(told) == 2:  # a server that nothing happens to sends no bookmarks
                await kube.create({**config_map("elsewhere"), "metadata": _elsewhere()})
    await kube.delete(CONFIG_MAPS, "elsewhere", "default")
    # others in a new namespace: a busy controller may be late with its authority
    ours = [(type_, found) for type_, found in told if found["metadata"].get("name") == "w"]
    assert [type_ for type_, _ in ours] == ["MODIFIED", "DELETED"]
    assert told[-1][0] == "BOOKMARK"  # shortly before the end
    assert version_of(told[-1][1]) >= version_of(ours[1][1])


def _elsewhere() -> Json:
    return {"name": "elsewhere", "namespace": "default"}
