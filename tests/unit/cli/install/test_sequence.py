"""Installing, installing again, upgrading: what is written and what is told."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.cluster import FakeCluster

from pai.cli.failures import CommandError
from pai.cli.install import waiting
from pai.cli.install.apply import Done
from pai.cli.install.manifests import definitions
from pai.cli.install.sequence import Wishes, edge_address, install, version_of
from pai.errors import SpecError
from pai.render.platform import Options

URL = "postgresql://pai:hunter2@db.example:5432/pai"
Run = Callable[..., Any]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """A cluster in which nobody waits for long."""
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.01)
    return FakeCluster()


async def run(
    cluster: FakeCluster, url: str | None = None, wait: float | None = 5.0, **given: Any
) -> tuple[list[Done], list[str], Options]:
    done: list[Done] = []
    said: list[str] = []
    wishes = Wishes("pai-system", given, url)
    options = await install(cluster, wishes, definitions(), done.append)  # type: ignore[arg-type]
    if wait is not None:
        await waiting.wait_for_platform(cluster, "pai-system", wait, said.append)  # type: ignore[arg-type]
    return done, said, options


async def test_the_second_run_changes_nothing(cluster: FakeCluster) -> None:
    first, _, _ = await run(cluster)
    assert {one.result for one in first} == {"created"}
    assert first[0] == Done("Namespace", "pai-system", "created")
    assert first[1].kind == "CustomResourceDefinition"
    assert first[-1].kind == "APIService"
    written = list(cluster.writes)
    second, _, _ = await run(cluster)
    assert [one[:2] for one in second] == [one[:2] for one in first]
    assert {one.result for one in second} == {"unchanged"}
    assert cluster.writes == written


async def test_options_of_the_last_run_hold(cluster: FakeCluster) -> None:
    await run(cluster, domain="agents.example.com", gateway_replicas=4)
    done, _, options = await run(cluster, gateway_replicas=3)
    assert (options.domain, options.gateway_replicas) == ("agents.example.com", 3)
    changed = {one.name for one in done if one.result == "configured"}
    assert changed == {"pai-install", "pai-gateway"}


async def test_a_database_and_back(cluster: FakeCluster) -> None:
    _, _, options = await run(cluster, url=URL)
    assert (options.database, options.controls) == ("url", 2)
    again, _, _ = await run(cluster)
    assert {one.result for one in again} == {"unchanged"}
    assert cluster.named("Secret", "pai-database") is not None
    back, _, _ = await run(cluster, database="sqlite", control_replicas=1)
    gone = {(one.kind, one.name) for one in back if one.result == "deleted"}
    assert gone == {
        ("Deployment", "pai-control"),  # before the new one
        ("PodDisruptionBudget", "pai-control"),
        ("Secret", "pai-database"),
    }


async def test_a_database_without_its_secret_is_said_before_anything_is_written(
    cluster: FakeCluster,
) -> None:
    with pytest.raises(CommandError, match="pai-database"):
        await run(cluster, database="url")
    assert cluster.writes == []


async def test_what_an_older_version_left_is_removed_and_what_others_made_stays(
    cluster: FakeCluster,
) -> None:
    await run(cluster)
    [old] = [item for key, item in cluster.objects.items() if key[::2] == ("Service", "pai-edge")]
    for name, manager in (("pai-old", "pai-install"), ("theirs", "kubectl")):
        metadata = {**old["metadata"], "name": name, "managedFields": [{"manager": manager}]}
        cluster.put({**old, "metadata": metadata})
    done, _, _ = await run(cluster)
    assert [one for one in done if one.result == "deleted"] == [
        Done("Service", "pai-old", "deleted")
    ]
    assert cluster.named("Service", "theirs") is not None
    assert cluster.named("PersistentVolumeClaim", "pai-control-data") is not None


async def test_it_says_what_it_waits_for_and_why_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.01)
    cluster = FakeCluster()
    await run(cluster)
    control = cluster.named("Deployment", "pai-control")
    assert control is not None
    control["status"]["availableReplicas"] = 0
    waiting_state = {"reason": "ImagePullBackOff", "message": "not found"}
    cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "pai-control-x",
                "namespace": "pai-system",
                "labels": control["spec"]["template"]["metadata"]["labels"],
            },
            "status": {
                "containerStatuses": [
                    {"image": "nowhere/pai-control:1", "state": {"waiting": waiting_state}}
                ]
            },
        }
    )
    with pytest.raises(CommandError, match="image nowhere/pai-control:1: not found") as caught:
        await run(cluster)
    assert "--control-image" in (caught.value.hint or "")


async def test_what_is_late_is_named(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.ready = False
    monkeypatch.setattr(waiting, "_DEFINITION_SECONDS", 0.05)
    with pytest.raises(CommandError, match="customresourcedefinition/agentworkloads"):
        await run(cluster)


async def test_a_platform_that_does_not_answer_is_late(cluster: FakeCluster) -> None:
    await run(cluster)
    service = cluster.named("APIService", "v1.platform.pai.io")
    assert service is not None
    service["status"]["conditions"] = [
        {"type": "Available", "status": "False", "message": "no route to 10.0.0.9"}
    ]
    with pytest.raises(CommandError, match=r"v1\.platform\.pai\.io.*no route to 10"):
        await run(cluster, wait=0.05)
    done, said, _ = await run(cluster, wait=None)
    assert (len(done), said) == (31, [])


async def test_a_moment_without_the_api_server_is_borne_while_waiting(cluster: FakeCluster) -> None:
    await run(cluster, wait=None)
    said: list[str] = []
    cluster.away = 2
    await waiting.wait_for_platform(cluster, "pai-system", 5.0, said.append)  # type: ignore[arg-type]
    assert said == ["waiting for deployment/pai-control: the API server is out of reach"]


async def test_an_old_cluster_and_missing_rights_are_refused() -> None:
    with pytest.raises(CommandError, match=r"1\.32 is too old"):
        await run(FakeCluster(version="32"))
    cluster = FakeCluster()
    cluster.refused = {"ClusterRole": 403}
    with pytest.raises(CommandError, match="clusterrole/pai-control") as caught:
        await run(cluster)
    assert "cluster-admin" in (caught.value.hint or "")
    with pytest.raises(SpecError, match="SQLite"):
        await run(FakeCluster(), control_replicas=2)


async def test_the_edge_s_address_is_that_of_its_load_balancer(cluster: FakeCluster) -> None:
    _, _, options = await run(cluster)
    assert await edge_address(cluster, options) is None  # type: ignore[arg-type]
    service = cluster.named("Service", "pai-edge")
    assert service is not None
    service["status"] = {"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}
    assert await edge_address(cluster, options) == "lb.example"  # type: ignore[arg-type]


def test_versions_are_read_as_clouds_write_them() -> None:
    assert version_of({"major": "1", "minor": "33+"}) == (1, 33)
    assert version_of({}) == (0, 0)
