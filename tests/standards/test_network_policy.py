"""The evaluator says what the documentation of NetworkPolicy says of its own examples."""

from typing import Any

import pytest
from tests.standards.network_policy import End, Traffic, allows, matches, passes

POD = End("10.1.0.1", "here", {"role": "db"})
FRIEND = End("10.1.0.2", "there", {"role": "client"})
STRANGER = End("198.51.100.7")
THERE = {"matchLabels": {"kubernetes.io/metadata.name": "there"}}
CLIENT = {"matchLabels": {"role": "client"}}


def policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "here"}, "spec": {"podSelector": {}, **spec}}


def into(peer: End, *rules: Any, port: int = 5) -> bool:
    given = policy(policyTypes=["Ingress"], ingress=list(rules))
    return allows([given], "Ingress", POD, peer, Traffic(peer, POD, port))


def test_a_pod_that_no_policy_selects_is_open() -> None:
    assert passes([], Traffic(STRANGER, POD, 1))
    other = policy(podSelector={"matchLabels": {"role": "web"}}, policyTypes=["Ingress"])
    assert passes([other], Traffic(STRANGER, POD, 1))


def test_a_selected_pod_is_shut_in_the_directions_that_are_named() -> None:
    assert not passes([policy(policyTypes=["Ingress"])], Traffic(STRANGER, POD, 1))
    assert passes([policy(policyTypes=["Ingress"])], Traffic(POD, STRANGER, 1))
    assert not passes([policy(policyTypes=["Egress"])], Traffic(POD, STRANGER, 1))
    assert passes([policy(egress=[{}])], Traffic(POD, STRANGER, 1))


def test_empty_lists_admit_everyone_to_everything() -> None:
    assert into(STRANGER, {})
    assert into(STRANGER, {"from": [], "ports": []})


def test_two_selectors_in_one_peer_must_both_hold() -> None:
    both = {"namespaceSelector": THERE, "podSelector": CLIENT}
    assert into(FRIEND, {"from": [both]})
    assert not into(FRIEND._replace(namespace="else"), {"from": [both]})
    assert not into(FRIEND._replace(labels={}), {"from": [both]})
    either = [{"namespaceSelector": THERE}, {"podSelector": CLIENT}]
    assert into(FRIEND._replace(labels={}), {"from": either})
    assert into(FRIEND._replace(namespace="here"), {"from": either})
    assert not into(STRANGER, {"from": either})


def test_a_pod_selector_alone_means_the_policys_own_namespace() -> None:
    assert not into(FRIEND, {"from": [{"podSelector": CLIENT}]})


def test_blocks_have_holes() -> None:
    block = {"ipBlock": {"cidr": "198.51.100.0/24", "except": ["198.51.100.0/29"]}}
    assert into(End("198.51.100.8"), {"from": [block]})
    assert not into(STRANGER, {"from": [block]})
    assert not into(End("2001:db8::1"), {"from": [block]})


def test_ports_have_a_protocol_and_may_be_ranges() -> None:
    assert not into(STRANGER, {"ports": [{"port": 5, "protocol": "UDP"}]})
    assert into(STRANGER, {"ports": [{"protocol": "TCP"}]})
    assert into(STRANGER, {"ports": [{"port": 4, "endPort": 6}]})
    assert not into(STRANGER, {"ports": [{"port": 4}]})


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("In", ["a"], True),
        ("NotIn", ["a"], False),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_expressions(operator: str, values: Any, expected: bool) -> None:
    expression = {"key": "k", "operator": operator, "values": values}
    assert matches({"matchExpressions": [expression]}, {"k": "a"}) is expected


def test_an_unknown_operator_is_not_passed_over() -> None:
    with pytest.raises(AssertionError, match="no such operator"):
        matches({"matchExpressions": [{"key": "k", "operator": "Gt"}]}, {})
