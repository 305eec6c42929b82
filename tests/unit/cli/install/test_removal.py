import asyncio
from typing import Any

import pytest
from tests.fakes.cluster import FakeCluster
from tests.unit.cli.install.test_sequence import URL, run

from pai.cli.failures import CommandError
from pai.cli.install import removal, waiting
from pai.cli.install.apply import Done
from pai.kube import KubeRefusedError
from pai.wire.tasks import spawn

AGENT = {"apiVersion": "pai.io/v1", "kind": "AgentWorkload"}


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """A cluster with the platform on it."""
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(removal, "PAUSE_SECONDS", 0.01)
    fake = FakeCluster()
    await run(fake, url=URL)
    return fake


async def remove(cluster: FakeCluster, **flags: bool) -> list[Done]:
    done: list[Done] = []
    wishes: dict[str, Any] = {"delete_agents": False, "delete_data": False, **flags}
    await removal.uninstall(
        cluster,  # type: ignore[arg-type]
        "pai-system",
        seconds=2,
        tell=done.append,
        say=lambda _: None,
        **wishes,
    )
    return done


async def test_it_refuses_while_agents_exist(cluster: FakeCluster) -> None:
    cluster.put({**AGENT, "metadata": {"name": "a", "namespace": "team"}})
    before = dict(cluster.objects)
    with pytest.raises(CommandError, match="1 agent: team/a") as caught:
        await remove(cluster)
    assert "--delete-agents" in (caught.value.hint or "")
    assert cluster.objects == before


async def test_agents_go_first(cluster: FakeCluster) -> None:
    cluster.put({**AGENT, "metadata": {"name": "a", "namespace": "team"}})
    done = await remove(cluster, delete_agents=True)
    assert done[0] == Done("AgentWorkload", "team/a", "deleted")
    assert done[1] == Done("APIService", "v1.platform.pai.io", "deleted")


async def test_definitions_and_what_the_next_installation_needs_stay(cluster: FakeCluster) -> None:
    await remove(cluster)
    assert {key[0] for key in cluster.objects} == {
        "ConfigMap",
        "CustomResourceDefinition",
        "Namespace",
        "Secret",
    }
    done, _, options = await run(cluster)
    assert options.database == "url"
    assert Done("Deployment", "pai-control", "created") in done


async def test_with_the_data_the_namespace_goes_if_it_is_ours(cluster: FakeCluster) -> None:
    done = await remove(cluster, delete_data=True)
    assert done[-1] == Done("Namespace", "pai-system", "deleted")
    assert {key[0] for key in cluster.objects} == {"CustomResourceDefinition"}
    assert await remove(cluster, delete_data=True) == []
    theirs = {"name": "pai-system", "labels": {}}
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": theirs})
    assert await remove(cluster, delete_data=True) == [Done("Namespace", "pai-system", "kept")]


async def test_the_namespace_goes_when_no_pod_ends_any_more(cluster: FakeCluster) -> None:
    labels = {"app.kubernetes.io/part-of": "pai"}
    place = {"name": "pai-edge-1", "namespace": "pai-system", "labels": labels}
    cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": place})
    removing = spawn(remove(cluster, delete_data=True), "removal")
    await asyncio.sleep(0.1)
    assert "delete Deployment/pai-edge" in cluster.writes
    assert "delete Namespace/pai-system" not in cluster.writes
    del cluster.objects["Pod", "pai-system", "pai-edge-1"]
    assert (await removing)[-1] == Done("Namespace", "pai-system", "deleted")


async def test_pods_that_never_end_do_not_keep_the_namespace(cluster: FakeCluster) -> None:
    labels = {"app.kubernetes.io/part-of": "pai"}
    place = {"name": "pai-edge-1", "namespace": "pai-system", "labels": labels}
    cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": place})
    assert (await remove(cluster, delete_data=True))[-1].kind == "Namespace"


async def test_a_cluster_without_our_kinds_has_no_agents(cluster: FakeCluster) -> None:
    cluster.refused = {"AgentWorkload": 403}
    with pytest.raises(KubeRefusedError):
        await remove(cluster)
    cluster.refused = {"AgentWorkload": 404}
    assert Done("Deployment", "pai-control", "deleted") in await remove(cluster)


async def test_files_that_lead_to_a_service_of_before_go_with_it(cluster: FakeCluster) -> None:
    place = {"namespace": "pai-system"}
    for name in ("pai-gateway-bootstrap", "pai-edge-bootstrap", "pai-metrics", "pai-keys"):
        cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, **place}})
    await remove(cluster)
    left = {str(key) for key in cluster.objects if "Secret" in str(key)}
    assert any("pai-keys" in key for key in left)
    assert not any("bootstrap" in key or "metrics" in key for key in left)
