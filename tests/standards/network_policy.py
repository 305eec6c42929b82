"""What NetworkPolicies let pass, told from the objects alone.

Where implementations differ, the wider reading counts: an ipBlock also matches addresses of pods.
Source: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Literal, NamedTuple

Json = Mapping[str, Any]
Direction = Literal["Ingress", "Egress"]

_PEERS: dict[Direction, tuple[str, str]] = {
    "Ingress": ("ingress", "from"),
    "Egress": ("egress", "to"),
}


class End(NamedTuple):
    """One end of a connection; outside of the cluster it has an address and no namespace."""

    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = {}

    @property
    def namespace_labels(self) -> dict[str, str]:
        """The label that every namespace has."""
        return {"kubernetes.io/metadata.name": self.namespace or ""}


class Traffic(NamedTuple):
    """A connection to a port."""

    source: End
    target: End
    port: int
    protocol: str = "TCP"


def passes(policies: Sequence[Json], traffic: Traffic) -> bool:
    """Say whether both ends let a connection pass."""
    return allows(policies, "Egress", traffic.source, traffic.target, traffic) and allows(
        policies, "Ingress", traffic.target, traffic.source, traffic
    )


def allows(
    policies: Sequence[Json], direction: Direction, pod: End, other: End, traffic: Traffic
) -> bool:
    """Say whether the policies that select `pod` let it speak with `other` in one direction."""
    selecting = [policy for policy in policies if _selects(policy, direction, pod)]
    rules, _ = _PEERS[direction]
    return not selecting or any(
        _rule_matches(policy, direction, rule, other, traffic)
        for policy in selecting
        for rule in policy["spec"].get(rules) or ()
    )


def _selects(policy: Json, direction: Direction, pod: End) -> bool:
    spec = policy["spec"]
    default = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    return (
        direction in spec.get("policyTypes", default)
        and pod.namespace == policy["metadata"]["namespace"]
        and matches(spec["podSelector"], pod.labels)
    )


def _rule_matches(
    policy: Json, direction: Direction, rule: Json, other: End, traffic: Traffic
) -> bool:
    """Say whether a rule matches; no peers means everybody, no ports means every port."""
    peers = rule.get(_PEERS[direction][1])
    ports = rule.get("ports")
    here = policy["metadata"]["namespace"]
    return (not peers or any(_peer_matches(peer, here, other) for peer in peers)) and (
        not ports or any(_port_matches(port, traffic) for port in ports)
    )


def _peer_matches(peer: Json, here: str, other: End) -> bool:
    if "ipBlock" in peer:
        assert set(peer) == {"ipBlock"}, "the API server takes an ipBlock alone"
        return _in_block(peer["ipBlock"], other.address)
    assert set(peer) <= {"namespaceSelector", "podSelector"}
    assert peer, "the API server refuses an empty peer"
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        within = matches(peer["namespaceSelector"], other.namespace_labels)
    else:
        within = other.namespace == here
    return within and matches(peer.get("podSelector") or {}, other.labels)


def _in_block(block: Json, text: str) -> bool:
    address, cidr = ip_address(text), ip_network(block["cidr"])
    holes = [ip_network(hole) for hole in block.get("except", ())]
    for hole in holes:
        assert hole.version == cidr.version
        assert hole != cidr
        assert hole.subnet_of(cidr)  # type: ignore[arg-type]
    return address in cidr and not any(address in hole for hole in holes)


def _port_matches(port: Json, traffic: Traffic) -> bool:
    if port.get("protocol", "TCP") != traffic.protocol:
        return False
    if "port" not in port:
        return True
    assert isinstance(port["port"], int), "named ports are not read here"
    return bool(port["port"] <= traffic.port <= port.get("endPort", port["port"]))


def matches(selector: Json, labels: Mapping[str, str]) -> bool:
    """Say whether a label selector matches; an empty one matches everything."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression_holds(expression, labels)
        for expression in selector.get("matchExpressions") or ()
    )


def _expression_holds(expression: Json, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise AssertionError(f"no such operator: {expression['operator']}")
