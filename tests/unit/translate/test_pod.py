"""`spec.pod`: defaults, order, and what a container engine says of it."""

from tests.unit.api.examples import document

from pai.api import AgentWorkload, Resource, validate
from pai.ir.agent import Pod, Probe
from pai.translate import apply_warnings, local_warnings
from pai.translate.pod import pod


def workload(place: str = "", value: object = None) -> AgentWorkload:
    resource = validate(document("AgentWorkload", place, value))
    assert isinstance(resource, AgentWorkload)
    return resource


def test_nothing_written_is_all_defaults() -> None:
    assert pod(None) == pod(workload("spec.pod", {}).spec.pod) == Pod()


def test_what_has_no_order_is_sorted() -> None:
    written = {"nodeSelector": {"b": "1", "a": "2"}, "imagePullSecrets": ["b", "a"]}
    found = pod(workload("spec.pod", written).spec.pod)
    assert found.node_selector == (("a", "2"), ("b", "1"))
    assert found.image_pull_secrets == ("a", "b")


def test_tolerations_and_affinity_keep_their_form() -> None:
    written = {
        "tolerations": [{"operator": "Exists", "tolerationSeconds": 1, "effect": "NoExecute"}],
        "affinity": {"nodeAffinity": {"any_case": None}},
    }
    found = pod(workload("spec.pod", written).spec.pod)
    assert list(found.tolerations) == written["tolerations"]
    assert found.affinity == written["affinity"]


def test_a_probe_asks_by_command() -> None:
    found = pod(workload("spec.pod", {"probes": {"startup": {"command": ["a"]}}}).spec.pod)
    assert found.startup == Probe(command=("a",))
    assert found.liveness is None


def test_a_container_engine_names_what_it_leaves_out() -> None:
    agent = workload("spec.pod", {"tolerations": [], "probes": {}})
    assert local_warnings(agent) == [
        "spec.pod.tolerations, spec.pod.probes: no effect here: only Kubernetes has pods; "
        "the agent runs without"
    ]
    assert local_warnings(workload("spec.pod", {}))[0].startswith("spec.pod: no effect here")
    assert apply_warnings(agent) == []


def test_what_every_engine_knows_is_not_named() -> None:
    others: list[Resource] = [validate(document("Provider")), workload()]
    assert [warning for item in others for warning in local_warnings(item)] == []
