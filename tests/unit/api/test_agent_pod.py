"""Every rule of `spec.pod`: what is refused, where, and with which words."""

from typing import Any

import pytest
from tests.unit.api.examples import document

from pai.api import DocumentErrors, validate

AGENT = "AgentWorkload"
AFFINITY: dict[str, Any] = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchFields": [], "matchExpressions": None}]
        }
    },
    "podAntiAffinity": {},
}

# place below spec.pod, value there, path of the fault below spec.pod, part of its text.
REFUSED: list[tuple[str, Any, str, str]] = [
    ("nodeSelectors", {}, "nodeSelectors", "did you mean 'nodeSelector'?"),
    *[
        (field, name, field, "is no name")
        for field in ("priorityClassName", "runtimeClassName", "storageClassName")
        for name in ("", "A", "a..b", "a_b", "-a", "a" * 254)
    ],
    ("imagePullSecrets", ["a", "a"], "imagePullSecrets[1]", "given twice"),
    ("imagePullSecrets", [{"name": "a"}], "imagePullSecrets[0]", "must be text"),
    ("imagePullSecrets", ["B"], "imagePullSecrets[0]", "lower-case"),
    ("imagePullSecrets", ["a"] * 65, "imagePullSecrets", "at most 64 entries"),
    ("nodeSelector", {"a b": "x"}, "nodeSelector[a b]", "no label key"),
    ("nodeSelector", {"a..b/c": "x"}, "nodeSelector[a..b/c]", "no label key"),
    ("nodeSelector", {"a" * 254 + "/c": "x"}, f"nodeSelector[{'a' * 254}/c]", "no label key"),
    ("nodeSelector", {"a": "x y"}, "nodeSelector.a", "at most 63"),
    ("nodeSelector", {"a": "x" * 64}, "nodeSelector.a", "at most 63"),
    ("nodeSelector", {"a": 1}, "nodeSelector.a", "quotes"),
    ("terminationGracePeriodSeconds", 0, "terminationGracePeriodSeconds", "at least 1"),
    *[
        ("tolerations", [toleration], f"tolerations[0]{place}", part)
        for toleration, place, part in (
            ({}, ".operator", "without key, operator must be Exists"),
            ({"key": ""}, ".key", "no label key"),
            ({"key": "a/b/c"}, ".key", "no label key"),
            ({"key": "a", "operator": "exists"}, ".operator", "did you mean 'Exists'?"),
            ({"key": "a", "operator": "Exists", "value": "b"}, ".value", "has no value"),
            ({"key": "a", "value": "b c"}, ".value", "at most 63"),
            ({"key": "a", "effect": "No"}, ".effect", "must be one of"),
            ({"key": "a", "tolerationSeconds": 5}, ".tolerationSeconds", "only effect NoExecute"),
            (
                {"key": "a", "effect": "NoSchedule", "tolerationSeconds": 5},
                ".tolerationSeconds",
                "only effect NoExecute",
            ),
            ({"key": "a", "seconds": 5}, ".seconds", "unknown field"),
        )
    ],
    ("tolerations", [{"operator": "Exists"}] * 65, "tolerations", "at most 64"),
    ("affinity", {"nodeAfinity": {}}, "affinity.nodeAfinity", "did you mean 'nodeAffinity'?"),
    ("affinity", {"podAffinity": []}, "affinity.podAffinity", "must be a mapping"),
    *[
        ("probes", {"liveness": probe}, f"probes.liveness{place}", part)
        for probe, place, part in (
            ({}, "", "exactly one of path and command"),
            ({"command": []}, "", "exactly one of path and command"),
            ({"path": "/", "command": ["a"]}, "", "exactly one of path and command"),
            ({"path": ""}, ".path", "must start with '/'"),
            ({"path": "x"}, ".path", "did you mean '/x'?"),
            ({"path": "/a?b"}, ".path", "no plain URL path"),
            ({"path": "/a/.."}, ".path", "no plain URL path"),
            ({"path": "//"}, ".path", "no plain URL path"),
            ({"path": "/" + "a" * 1024}, ".path", "at most 1024"),
            ({"command": ["a\0"]}, ".command[0]", "NUL"),
            ({"command": "ls"}, ".command", "must be a list"),
            ({"command": ["a"], "initialDelaySeconds": -1}, ".initialDelaySeconds", "at least 0"),
            ({"command": ["a"], "periodSeconds": 0}, ".periodSeconds", "at least 1"),
            ({"command": ["a"], "timeoutSeconds": 86_401}, ".timeoutSeconds", "at most 86400"),
            ({"command": ["a"], "failureThreshold": 0}, ".failureThreshold", "at least 1"),
            ({"path": "/a"}, ".path", "the liveness probe by path needs inbound"),
        )
    ],
    ("probes", {"startup": {"path": "/"}}, "probes.startup.path", "use command"),
    ("probes", {"readiness": {"path": "/"}}, "probes.readiness.path", "needs inbound"),
    ("probes", {"live": {"path": "/"}}, "probes.live", "unknown field"),
]


@pytest.mark.parametrize(("place", "value", "path", "part"), REFUSED)
def test_a_broken_rule_is_named_with_its_place(
    place: str, value: object, path: str, part: str
) -> None:
    with pytest.raises(DocumentErrors) as caught:
        validate(document(AGENT, f"spec.pod.{place}", value))
    told = [(fault.path, f"{fault.message} {fault.hint or ''}") for fault in caught.value.faults]
    assert any(where == f"spec.pod.{path}" and part in text for where, text in told), told


ACCEPTED: list[tuple[str, Any]] = [
    ("priorityClassName", "high.example.com"),
    ("runtimeClassName", "a" * 253),
    ("nodeSelector", {"kubernetes.io/arch": "arm64", "x": ""}),
    ("tolerations", [{"operator": "Exists"}, {"key": "a.b/c", "value": "", "effect": None}]),
    ("tolerations", [{"key": "a", "effect": "NoExecute", "tolerationSeconds": 0}]),
    ("tolerations", [{"key": "a", "operator": "Exists", "value": ""}]),
    ("affinity", AFFINITY),
    ("imagePullSecrets", ["registry.example", "b"]),
    ("probes", {}),
    ("probes", {"startup": {"command": ["true"], "failureThreshold": 60}}),
]


@pytest.mark.parametrize(("place", "value"), ACCEPTED)
def test_legal_settings_survive_a_round_trip(place: str, value: object) -> None:
    resource = validate(document(AGENT, f"spec.pod.{place}", value))
    assert validate(resource.to_wire()) == resource


def test_affinity_stays_as_it_was_written() -> None:
    resource = validate(document(AGENT, "spec.pod.affinity", AFFINITY))
    assert resource.to_wire()["spec"]["pod"]["affinity"] == AFFINITY


def test_a_probe_by_path_with_inbound_is_taken_as_it_is() -> None:
    data = document(AGENT, "spec.pod.probes", {"readiness": {"path": "/health/"}})
    data["spec"]["inbound"] = {"port": 3000}
    assert validate(data).to_wire() == data
