"""Who may reach what in the platform's namespace."""

from typing import Any

from pai.render.platform import Options
from pai.render.platform.network import network_policies

POLICIES = {each["metadata"]["name"]: each["spec"] for each in network_policies(Options())}
AGENTS = {"matchExpressions": [{"key": "pai.io/agent", "operator": "Exists"}]}
OTHERS = {"matchExpressions": [{"key": "pai.io/agent", "operator": "DoesNotExist"}]}


def opened(rules: list[dict[str, Any]]) -> dict[int, list[Any] | None]:
    """Ports, and from where; None: from everywhere."""
    return {
        port["port"]: rule.get("from", rule.get("to")) for rule in rules for port in rule["ports"]
    }


def test_every_component_is_closed_in_both_directions() -> None:
    assert POLICIES.keys() == {"pai-control", "pai-gateway", "pai-edge"}
    for spec in POLICIES.values():
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert len(spec["podSelector"]["matchLabels"]) == 2


def test_the_gateway_serves_agents_pods_alone() -> None:
    agents = {"namespaceSelector": {}, "podSelector": AGENTS}
    found = opened(POLICIES["pai-gateway"]["ingress"])
    assert found.pop(9090) == [{"namespaceSelector": {}, "podSelector": OTHERS}]
    assert found == {8443: [agents], 8081: None}


def test_control_s_internal_api_is_for_our_pods() -> None:
    found = opened(POLICIES["pai-control"]["ingress"])
    assert found.keys() == {8010, 8443, 8081}
    callers = found[8010]
    assert callers is not None
    assert {"namespaceSelector": {}, "podSelector": AGENTS} in callers
    assert all("podSelector" in caller for caller in callers)


def test_the_edge_reaches_sidecars_and_control_alone() -> None:
    assert opened(POLICIES["pai-edge"]["ingress"]) == {8090: None, 8081: None}
    out = opened(POLICIES["pai-edge"]["egress"])
    assert out.keys() == {8082, 8010}
    assert None not in out.values()


def test_nobody_reaches_the_machines_credentials() -> None:
    for name in ("pai-control", "pai-gateway"):
        [rule] = POLICIES[name]["egress"]
        excepted = [block["ipBlock"]["except"] for block in rule["to"]]
        assert excepted == [["169.254.169.254/32"], ["fd00:ec2::254/128"]]
