"""Control on a real API server: kubectl and `pai` are equal, and what was made stays as it is."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.control import BASE, Controls, controls
from tests.fakes.documents import agent as document
from tests.fakes.documents import model, secret, service

OWNED = "deployments,statefulsets,services,configmaps,secrets,networkpolicies,poddisruptionbudgets"
FULL: dict[str, Any] = {
    "replicas": 2,
    "modelBindings": ["gpt"],
    "providers": ["notes"],
    "inbound": {"port": 3000, "allowCIDRs": ["10.0.0.0/8"]},
    "volumes": [{"name": "data", "mountPath": "/data", "size": "1Gi"}],
    "configFiles": [{"path": "/etc/app/a.json", "content": "{}"}],
    "env": [{"name": "PRICE", "value": "$(HOME) and $5"}],
    "resources": {"requests": {"cpu": "0.5", "memory": "128Mi"}, "limits": {"cpu": "2000m"}},
}


def agent(name: str, **spec: Any) -> dict[str, Any]:
    """An agent that no node takes: here is about objects, with a node or without."""
    return document(name, pod={"nodeSelector": {"example.com/nowhere": "true"}}, **spec)


@pytest.fixture(scope="module")
def stage(control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controls]:
    with controls(control_plane, tmp_path_factory.mktemp("control")) as found:
        found.start()
        found.until_served()
        yield found


@pytest.fixture
def space(stage: Controls, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"t-{abs(hash(request.node.name)) % 10**8}"
    stage.cluster.kubectl("create", "namespace", name)
    yield name
    stage.cluster.kubectl("delete", "namespace", name, "--wait=false")


def put(stage: Controls, space: str, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    """Apply through our own API."""
    body = {"documents": list(documents)}
    found: list[dict[str, Any]] = stage.post(f"namespaces/{space}/apply", body)["results"]
    return found


def versions(stage: Controls, space: str) -> dict[str, str]:
    """Return the resourceVersion of every object of every agent of a namespace."""
    listed = stage.cluster.get(OWNED, "-n", space, "-l", "pai.io/agent")["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": _settled_version(item) for item in listed}


def _settled_version(item: dict[str, Any]) -> str:
    """Return what changes when we write; others write status, which no generation counts."""
    metadata = item["metadata"]
    return str(metadata.get("generation") or metadata["resourceVersion"])


def eventually(is_so: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "never so"
        time.sleep(0.1)


def test_what_kubectl_applies_is_carried_out(stage: Controls, space: str) -> None:
    document = {**agent("plain"), "metadata": {"name": "plain", "namespace": space}}
    stage.cluster.apply(document)
    found = stage.until("plain", "Pending", space)
    assert "no node takes it" in found["status"]["message"]
    assert found["status"]["url"].endswith(".agents.test")
    report = stage.call(f"namespaces/{space}/agentworkloads/plain/report")
    assert report["object"]["metadata"]["uid"] == found["metadata"]["uid"]
    reasons = {event["reason"] for event in report["events"]}
    assert {"Creating", "Pending"} <= reasons
    shown = stage.cluster.kubectl("get", "agent", "-n", space)
    assert shown.split()[:6] == ["NAME", "PHASE", "REPLICAS", "TOKENS", "URL", "AGE"]
    described = stage.cluster.kubectl("describe", "aw", "plain", "-n", space)
    assert "no node takes it" in described


def test_pai_and_kubectl_see_the_same(stage: Controls, space: str) -> None:
    done = put(stage, space, secret(), model(), service(), agent("full", **FULL))
    assert [item["result"] for item in done] == ["created"] * 4
    again = put(stage, space, secret(), model(), service(), agent("full", **FULL))
    assert [item["result"] for item in again] == ["unchanged"] * 4
    stage.until("full", "Pending", space)
    names = {key.partition("/")[2] for key in versions(stage, space)}
    assert names == {"pai-full", "pai-full-sidecar", "pods-full", "full"}
    stage.cluster.kubectl("scale", "agent", "full", "-n", space, "--replicas=1")
    eventually(lambda: stage.cluster.get("sts", "full", "-n", space)["spec"]["replicas"] == 1)
    eventually(lambda: "PodDisruptionBudget/pai-full" not in versions(stage, space))
    core = stage.cluster.get("secret", "keys", "-n", space)
    assert core["metadata"]["labels"]["pai.io/secret"] == "true"


def test_twenty_reconciles_change_nothing(stage: Controls, space: str) -> None:
    put(stage, space, secret(), model(), service(), agent("full", **FULL), agent("plain"))
    stage.until("full", "Pending", space)
    stage.until("plain", "Pending", space)
    time.sleep(1)
    before, status = versions(stage, space), stage.agent("full", space)["status"]
    looked = _looks(stage)
    for number in range(20):
        stage.cluster.kubectl(
            "annotate",
            "agent",
            "full",
            "plain",
            "-n",
            space,
            "--overwrite",
            f"a.example/n={number}",
        )
    eventually(lambda: _looks(stage) >= looked + 20)
    time.sleep(1)
    assert versions(stage, space) == before
    assert stage.agent("full", space)["status"] == status


def _looks(stage: Controls) -> float:
    return stage.metrics()["pai_reconcile_seconds_count"]


def test_hand_edits_are_undone_and_what_others_add_stays(stage: Controls, space: str) -> None:
    put(stage, space, agent("plain"))
    stage.until("plain", "Pending", space)
    kubectl = stage.cluster.kubectl
    kubectl("label", "deployment", "plain", "-n", space, "team.example/owner=ann")
    kubectl("annotate", "deployment", "plain", "-n", space, "a.example/note=kept")
    kubectl("scale", "deployment", "plain", "-n", space, "--replicas=7")
    policy = [{"op": "replace", "path": "/spec/ingress", "value": [{}]}]
    kubectl("patch", "netpol", "pai-plain", "-n", space, "--type=json", "-p", json.dumps(policy))
    kubectl("delete", "configmap", "pai-plain", "-n", space)

    def mended() -> bool:
        deployment = stage.cluster.get("deployment", "plain", "-n", space)
        rules = stage.cluster.get("netpol", "pai-plain", "-n", space)["spec"].get("ingress")
        held = "ConfigMap/pai-plain" in versions(stage, space)
        return deployment["spec"]["replicas"] == 1 and {} not in (rules or []) and held

    eventually(mended)
    metadata = stage.cluster.get("deployment", "plain", "-n", space)["metadata"]
    assert metadata["labels"]["team.example/owner"] == "ann"
    assert metadata["annotations"]["a.example/note"] == "kept"


def test_a_gitops_manager_and_pai_live_together(stage: Controls, space: str) -> None:
    written = {**agent("plain", replicas=1), "metadata": {"name": "plain", "namespace": space}}
    manager = ("apply", "--server-side", "--field-manager=argocd", "-f", "-")
    stage.cluster.kubectl(*manager, input=json.dumps(written))
    stage.until("plain", "Pending", space)
    stage.post(f"namespaces/{space}/agentworkloads/plain/pause", {})
    eventually(lambda: stage.cluster.get("deploy", "plain", "-n", space)["spec"]["replicas"] == 0)
    stage.cluster.kubectl(*manager, input=json.dumps(written))  # no conflict: not its field
    assert stage.agent("plain", space)["spec"]["paused"] is True
    stage.post(f"namespaces/{space}/agentworkloads/plain/resume", {})
    eventually(lambda: stage.cluster.get("deploy", "plain", "-n", space)["spec"]["replicas"] == 1)


def test_an_object_that_is_not_ours_is_never_taken_over(stage: Controls, space: str) -> None:
    stage.cluster.kubectl("create", "deployment", "plain", "-n", space, "--image=theirs.example/x")
    put(stage, space, agent("plain"))
    found = stage.until("plain", "Failed", space)
    assert "Deployment plain exists and is not Pai's" in found["status"]["message"]
    template = stage.cluster.get("deployment", "plain", "-n", space)["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "theirs.example/x"


def test_a_missing_reference_is_told_and_followed(stage: Controls, space: str) -> None:
    put(stage, space, agent("plain", modelBindings=["gpt"]))
    found = stage.until("plain", "Pending", space)
    assert "no ModelBinding named 'gpt'" in found["status"]["message"]
    assert versions(stage, space) == {}
    put(stage, space, secret(), model())
    eventually(lambda: "Deployment/plain" in versions(stage, space))


def test_names_never_cross_namespaces(stage: Controls, space: str) -> None:
    other = f"{space}-other"
    stage.cluster.kubectl("create", "namespace", other)
    try:
        put(stage, other, secret(), model())
        put(stage, space, agent("plain", modelBindings=["gpt"]))
        found = stage.until("plain", "Pending", space)
        assert "no ModelBinding named 'gpt'" in found["status"]["message"]
        listed = stage.call(f"namespaces/{space}/secrets")["items"]
        assert listed == []
    finally:
        stage.cluster.kubectl("delete", "namespace", other, "--wait=false")


def test_only_secrets_with_our_label_exist_for_pai(stage: Controls, space: str) -> None:
    stage.cluster.kubectl(
        "create", "secret", "generic", "keys", "-n", space, "--from-literal=token=x"
    )
    put(stage, space, model(), agent("plain", modelBindings=["gpt"]))
    found = stage.until("plain", "Pending", space)
    assert "keys" in found["status"]["message"]
    stage.cluster.kubectl("label", "secret", "keys", "-n", space, "pai.io/secret=true")
    eventually(lambda: "Deployment/plain" in versions(stage, space))


def test_a_deployment_becomes_a_stateful_set_and_claims_outlive_the_agent(
    stage: Controls, space: str
) -> None:
    put(stage, space, agent("plain"))
    eventually(lambda: "Deployment/plain" in versions(stage, space))
    volume = {"name": "data", "mountPath": "/data", "size": "1Gi"}
    put(stage, space, agent("plain", volumes=[volume]))
    eventually(lambda: "StatefulSet/plain" in versions(stage, space))
    eventually(lambda: "Deployment/plain" not in versions(stage, space))
    claims = ("get", "pvc", "-n", space, "-l", "pai.io/agent=plain", "-o", "name")
    eventually(lambda: "persistentvolumeclaim/" in stage.cluster.kubectl(*claims))
    stage.cluster.kubectl("delete", "agent", "plain", "-n", space)
    eventually(lambda: versions(stage, space) == {})
    assert "persistentvolumeclaim/" in stage.cluster.kubectl(*claims)


def test_volumes_go_with_the_agent_only_when_asked(stage: Controls, space: str) -> None:
    volume = {"name": "data", "mountPath": "/data", "size": "1Gi"}
    claims = ("get", "pvc", "-n", space, "-l", "pai.io/agent=plain", "-o", "name")
    put(stage, space, agent("plain", volumes=[volume]))
    eventually(lambda: "persistentvolumeclaim/" in stage.cluster.kubectl(*claims))
    path = f"{BASE}/namespaces/{space}/agentworkloads/plain?volumes=true"
    stage.cluster.kubectl("delete", "--raw", path)
    eventually(lambda: stage.cluster.kubectl(*claims) == "", 60)


def test_an_autoscaled_agent_starts_with_its_count_and_is_left_to_others(
    stage: Controls, space: str
) -> None:
    scaling = {"maxReplicas": 5, "metrics": [{"type": "tokenRate", "targetValuePerReplica": 10}]}
    put(stage, space, agent("plain", replicas=3, autoscaling=scaling))
    owner = ".metadata.annotations.pai\\.io/scaled-by"
    shown = ("get", "deploy", "plain", "-n", space, "-o", f"jsonpath={{{owner}}}")
    eventually(lambda: "Deployment/plain" in versions(stage, space))
    eventually(lambda: stage.cluster.kubectl(*shown) == "pai-scaler")
    assert stage.cluster.get("deploy", "plain", "-n", space)["spec"]["replicas"] == 3
    stage.cluster.kubectl("scale", "deploy", "plain", "-n", space, "--replicas=4")
    stage.cluster.kubectl("annotate", "agent", "plain", "-n", space, "a.example/look=again")
    time.sleep(2)
    assert stage.cluster.get("deploy", "plain", "-n", space)["spec"]["replicas"] == 4


def test_a_namespace_goes_with_everything_in_it(stage: Controls) -> None:
    stage.cluster.kubectl("create", "namespace", "going")
    put(stage, "going", secret(), model(), service(), agent("full", **FULL), agent("plain"))
    stage.until("full", "Pending", "going")
    stage.cluster.kubectl("delete", "namespace", "going", "--timeout=90s")


def test_a_restarted_api_server_is_outlived(stage: Controls, space: str) -> None:
    put(stage, space, agent("before"))
    stage.until("before", "Pending", space)
    stage.cluster.restart_api_server()
    document = {**agent("after"), "metadata": {"name": "after", "namespace": space}}
    stage.cluster.apply(document)
    eventually(lambda: "Deployment/after" in versions(stage, space), 60)
    assert stage.probe("control-0", "readyz") == 200


def test_writes_per_agent(stage: Controls, space: str) -> None:
    """The least of three: a machine that is slow shows states that are passed by otherwise."""
    made = []
    for number in range(3):
        before = _quiet_writes(stage)
        put(stage, space, agent(f"plain-{number}"))
        stage.until(f"plain-{number}", "Pending", space)
        time.sleep(2)
        made.append(_writes(stage) - before)
        if made[-1] <= 12 + 2:  # the document itself, checked first, is not the reconciler's
            return
    raise AssertionError(made)


def _quiet_writes(stage: Controls) -> float:
    """Return their count once others' namespaces, which are still going, add none."""
    counts = [-1.0, _writes(stage)]
    while counts[-1] != counts[-2]:
        assert len(counts) < 60, counts
        time.sleep(1)
        counts.append(_writes(stage))
    return counts[-1]


def _writes(stage: Controls) -> float:
    verbs = ("create", "apply", "patch", "delete")
    found = stage.metrics()
    return sum(found.get(f'pai_kube_calls_total{{verb="{verb}"}}', 0.0) for verb in verbs)
