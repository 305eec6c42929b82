"""The evaluator finds each thing that the standards forbid, and nothing in a pod that obeys."""

from typing import Any

import pytest
from tests.standards.pod_security import baseline_violations, restricted_violations

GOOD = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(context: Any = GOOD, container: Any = None, **spec: Any) -> dict[str, Any]:
    return {
        "containers": [{"name": "c", "securityContext": context, **(container or {})}],
        **spec,
    }


def test_a_pod_that_obeys() -> None:
    assert restricted_violations(pod(volumes=[{"name": "v", "emptyDir": {}}])) == set()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (pod(hostNetwork=True), "hostNetwork"),
        (pod(hostPID=True), "hostPID"),
        (pod(hostIPC=True), "hostIPC"),
        (pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), "volumes[v].hostPath"),
        (pod(securityContext={"sysctls": [{"name": "kernel.msgmax"}]}), "sysctls[kernel.msgmax]"),
        (pod(securityContext={"seccompProfile": {"type": "Unconfined"}}), "seccompProfile"),
        (pod({**GOOD, "privileged": True}), "containers[c].privileged"),
        (pod({**GOOD, "procMount": "Unmasked"}), "containers[c].procMount"),
        (
            pod({**GOOD, "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}),
            "containers[c].capabilities.add[NET_ADMIN]",
        ),
        (pod(container={"ports": [{"hostPort": 80}]}), "containers[c].hostPort"),
        (
            pod(container={"livenessProbe": {"httpGet": {"host": "127.0.0.1"}}}),
            "containers[c].host",
        ),
        (
            pod({**GOOD, "appArmorProfile": {"type": "Unconfined"}}),
            "containers[c].appArmorProfile",
        ),
        (pod({**GOOD, "seLinuxOptions": {"user": "u"}}), "containers[c].seLinuxOptions"),
        (
            pod({**GOOD, "windowsOptions": {"hostProcess": True}}),
            "containers[c].windowsOptions.hostProcess",
        ),
    ],
)
def test_what_baseline_forbids(spec: dict[str, Any], expected: str) -> None:
    assert expected in baseline_violations(spec)
    assert expected in restricted_violations(spec)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (pod(volumes=[{"name": "v", "nfs": {}}]), "volumes[v]"),
        (pod(securityContext={"runAsUser": 0}), "runAsUser"),
        (pod(securityContext={"runAsNonRoot": False}), "runAsNonRoot"),
        (
            pod({**GOOD, "allowPrivilegeEscalation": True}),
            "containers[c].allowPrivilegeEscalation",
        ),
        (pod({**GOOD, "runAsNonRoot": False}), "containers[c].runAsNonRoot"),
        (pod({**GOOD, "runAsUser": 0}), "containers[c].runAsUser"),
        (pod({**GOOD, "seccompProfile": {}}), "containers[c].seccompProfile"),
        (pod({**GOOD, "capabilities": {}}), "containers[c].capabilities.drop"),
        (
            pod({**GOOD, "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}),
            "containers[c].capabilities.add[CHOWN]",
        ),
    ],
)
def test_what_restricted_forbids_besides(spec: dict[str, Any], expected: str) -> None:
    assert baseline_violations(spec) == set()
    assert restricted_violations(spec) == {expected}


def test_a_container_has_the_context_of_its_pod_where_it_has_none() -> None:
    inherited = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    own = {key: GOOD[key] for key in ("allowPrivilegeEscalation", "capabilities")}
    assert restricted_violations(pod(own, securityContext=inherited)) == set()
