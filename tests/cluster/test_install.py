"""`pai install kubernetes` on a real API server: what it writes, keeps, and lets people do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from tests.cluster.stage.cluster import Cluster

NAMESPACE = "pai-trial"
AGENT = {
    "apiVersion": "pai.io/v1",
    "kind": "AgentWorkload",
    "metadata": {"name": "left", "namespace": "default"},
    "spec": {"image": "localhost/none:1"},
}
Pai = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def pai(control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Pai:
    """Run `pai` as a person at a shell would."""
    home = tmp_path_factory.mktemp("home")
    env = {"PAI_HOME": str(home), "KUBECONFIG": str(control_plane.kubeconfig), "PYTHONPATH": "src"}

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pai.cli", *words],
            input=stdin,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def install(pai: Pai, *words: str, stdin: str = "") -> list[dict[str, str]]:
    """Install without waiting, as no pod can run here; return what became of each object."""
    done = pai(
        *("install", "kubernetes", "--namespace-of-platform", NAMESPACE, "--no-wait", "-o", "json"),
        *words,
        stdin=stdin,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def installed(control_plane: Cluster, pai: Pai) -> Iterator[Cluster]:
    """A cluster with the platform's objects on it."""
    first = install(pai)
    assert {one["result"] for one in first if one["kind"] == "Deployment"} == {"created"}
    yield control_plane
    done = pai(
        *("uninstall", "kubernetes", "--namespace-of-platform", NAMESPACE),
        *("--delete-agents", "--delete-data"),
    )
    assert done.returncode == 0, done.stderr


def versions(cluster: Cluster) -> dict[str, str]:
    """resourceVersions of what nobody but the installer writes."""
    kinds = (
        "serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,configmaps,secrets,"
        "networkpolicies,services,apiservices,crds"
    )
    items = cluster.get(kinds, "-n", NAMESPACE, "-l", "app.kubernetes.io/part-of=pai")["items"]
    return {f"{i['kind']}/{i['metadata']['name']}": i["metadata"]["resourceVersion"] for i in items}


def test_the_second_run_writes_nothing(installed: Cluster, pai: Pai) -> None:
    before = versions(installed)
    assert len(before) > 15
    assert {one["result"] for one in install(pai)} == {"unchanged"}
    after = versions(installed)
    service = "APIService/v1.platform.pai.io"  # the API server writes its status
    assert {**after, service: ""} == {**before, service: ""}


def test_fields_of_others_stay_and_ours_come_back(installed: Cluster, pai: Pai) -> None:
    bundle = json.dumps({"spec": {"caBundle": "eA=="}})
    installed.kubectl(
        *("patch", "apiservice", "v1.platform.pai.io", "--type=merge", "-p", bundle),
        "--field-manager=pai-control",
    )
    installed.kubectl("scale", "deployment/pai-gateway", "-n", NAMESPACE, "--replicas=5")
    changed = {one["name"] for one in install(pai) if one["result"] != "unchanged"}
    assert changed == {"pai-gateway"}
    assert installed.get("apiservice", "v1.platform.pai.io")["spec"]["caBundle"] == "eA=="
    assert installed.get("deployment", "pai-gateway", "-n", NAMESPACE)["spec"]["replicas"] == 2


def test_every_pod_is_admitted_by_pod_security_restricted(installed: Cluster) -> None:
    labels = installed.get("namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"

    def all_there() -> bool:
        return len(installed.get("pods", "-n", NAMESPACE)["items"]) >= 5

    installed.wait("pods", all_there, 30)
    reasons = {event["reason"] for event in installed.get("events", "-n", NAMESPACE)["items"]}
    assert "FailedCreate" not in reasons


def test_a_database_comes_and_goes(installed: Cluster, pai: Pai) -> None:
    url = "postgresql://pai:hunter2@db.example:5432/pai"
    install(pai, "--database-url-file", "-", stdin=url)
    control = installed.get("deployment", "pai-control", "-n", NAMESPACE)["spec"]
    assert (control["replicas"], control["strategy"]["type"]) == (2, "RollingUpdate")
    assert "hunter2" not in json.dumps(installed.get("all,configmaps", "-n", NAMESPACE))
    back = {(one["kind"], one["name"], one["result"]) for one in install(pai, "--sqlite")}
    assert ("Secret", "pai-database", "deleted") in back
    assert ("PodDisruptionBudget", "pai-control", "deleted") in back
    assert ("Deployment", "pai-control", "deleted") in back  # the old one ends first
    control = installed.get("deployment", "pai-control", "-n", NAMESPACE)["spec"]
    assert (control["replicas"], control["strategy"]) == (1, {"type": "Recreate"})
    assert installed.get("pvc", "pai-control-data", "-n", NAMESPACE)


@pytest.mark.parametrize(
    ("role", "verb", "what", "may"),
    [
        ("view", "list", "agentworkloads.platform.pai.io", True),
        ("view", "get", "agentworkloads.platform.pai.io/report", True),
        ("view", "get", "agentworkloads.platform.pai.io/log", True),
        ("view", "list", "audit.platform.pai.io", True),
        ("view", "list", "modelbindings.pai.io", True),
        ("view", "get", "agentworkloads.platform.pai.io/exec", False),
        ("view", "create", "apply.platform.pai.io", False),
        ("view", "create", "agentworkloads.pai.io", False),
        ("edit", "get", "agentworkloads.platform.pai.io/exec", True),
        ("edit", "create", "apply.platform.pai.io", True),
        ("edit", "create", "agentworkloads.platform.pai.io/pause", True),
        ("edit", "patch", "agentworkloads.pai.io", True),
        ("edit", "patch", "agentworkloads.pai.io/status", False),
        ("admin", "delete", "providers.pai.io", True),
        ("pai-view", "watch", "agentworkloads.platform.pai.io", True),
        ("pai-edit", "list", "secrets.platform.pai.io", True),
        ("pai-edit", "list", "secrets", False),
    ],
)
def test_people_may_what_their_role_says(
    installed: Cluster, role: str, verb: str, what: str, may: bool
) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"user-{role}", "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"user-{role}"}
        ],
    }
    installed.apply(binding)
    installed.wait("rights", lambda: can(installed, f"user-{role}", verb, what) is may, 10)


@pytest.mark.parametrize(
    ("verb", "what", "may"),
    [
        ("list", "secrets", True),
        ("create", "pods/exec", True),
        ("delete", "persistentvolumeclaims", False),
        ("delete", "pods", False),
        ("create", "clusterrolebindings", False),
        ("create", "serviceaccounts/token", False),
        ("patch", "apiservices/v1.apps", False),
        ("patch", "apiservices/v1.platform.pai.io", True),
        ("create", "leases", False),
    ],
)
def test_control_may_what_it_needs(installed: Cluster, verb: str, what: str, may: bool) -> None:
    account = f"system:serviceaccount:{NAMESPACE}:pai-control"
    assert can(installed, account, verb, what) is may
    assert can(installed, account, "create", "leases", NAMESPACE)
    for other in ("pai-gateway", "pai-edge"):
        account = f"system:serviceaccount:{NAMESPACE}:{other}"
        assert not can(installed, account, verb, what)


def can(cluster: Cluster, user: str, verb: str, what: str, namespace: str = "default") -> bool:
    """Ask the API server. what: RESOURCE[.GROUP][/SUBRESOURCE], or apiservices/NAME."""
    resource, _, rest = what.partition("/")
    name, _, group = resource.partition(".")
    groups = {
        "apiservices": "apiregistration.k8s.io",
        "leases": "coordination.k8s.io",
        "clusterrolebindings": "rbac.authorization.k8s.io",
    }
    asked: dict[str, Any] = {
        "verb": verb,
        "resource": name,
        "group": group or groups.get(name, ""),
        "namespace": namespace,
    }
    asked["name" if name == "apiservices" else "subresource"] = rest
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": asked},
    }
    made = cluster.kubectl("create", "-f", "-", "-o", "json", input=json.dumps(review))
    return bool(json.loads(made)["status"]["allowed"])


def test_the_kustomize_base_is_what_a_dry_run_writes(installed: Cluster, pai: Pai) -> None:
    built = list(yaml.safe_load_all(installed.kubectl("kustomize", "deploy/kubernetes")))
    dry = list(yaml.safe_load_all(pai("install", "kubernetes", "--dry-run").stdout))

    def by_name(documents: list[Any]) -> dict[tuple[str, str], Any]:
        return {(each["kind"], each["metadata"]["name"]): each for each in documents}

    assert by_name(built) == by_name(dry)


def test_agents_are_not_left_without_a_platform(installed: Cluster, pai: Pai) -> None:
    installed.apply(AGENT)
    try:
        done = pai("uninstall", "kubernetes", "--namespace-of-platform", NAMESPACE)
        assert done.returncode == 1
        assert "default/left" in done.stderr
        assert installed.get("deployment", "pai-control", "-n", NAMESPACE)
    finally:
        installed.kubectl("delete", "agentworkload", "left", "-n", "default")


def test_doctor_names_what_does_not_run(installed: Cluster, pai: Pai) -> None:
    done = pai("doctor", "-o", "json")
    assert done.returncode == 1
    found = {check["name"]: check["level"] for check in json.loads(done.stdout)}
    assert found["API server"] == found["agentworkloads.pai.io"] == "OK"
    assert found["control"] == found["aggregation"] == found["answer"] == "FAIL"
    told = pai("list")
    assert "does not answer behind the API server" in told.stderr


def test_what_it_waits_for_is_said(installed: Cluster, pai: Pai) -> None:
    done = pai("install", "kubernetes", "--namespace-of-platform", NAMESPACE, "--timeout", "2")
    assert done.returncode == 1
    assert "waiting for deployment/pai-control: 0 of 1 available" in done.stderr
    assert "not ready in time" in done.stderr
