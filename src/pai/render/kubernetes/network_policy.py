"""The one NetworkPolicy of an agent: everything is shut but what is listed here.

Policies add up, so there is one. An agent's pod has one address: what the sidecar may reach, a
process in the agent's container may reach as far as this policy goes, and packet rules by UID
stand between them. So nothing is opened that this agent's sidecar has no use for.
Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from typing import Any

from pai.ir.agent import Agent
from pai.render.kubernetes.blocks import outside, source_ranges
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import NETWORK_POLICY, Manifest, manifest, selector
from pai.render.kubernetes.names import object_name
from pai.render.kubernetes.reach import ports_outside, ports_within
from pai.render.platform import manifest as platform
from pai.render.shape import PUBLIC_PORT, SIDECAR_PORT

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
DNS_NAMESPACE = "kube-system"

Rule = dict[str, Any]


def network_policy(agent: Agent, facts: Facts) -> Manifest:
    """Return the policy."""
    spec = {
        "podSelector": {"matchLabels": selector(agent)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": _ingress(agent, facts),
        "egress": _egress(agent, facts),
    }
    return manifest(NETWORK_POLICY, object_name(agent.key), agent, facts, {"spec": spec})


def _ingress(agent: Agent, facts: Facts) -> list[Rule]:
    """Open the way from the edge, and to the public port for the addresses that are listed.

    Probes come from the node, which no policy keeps out.
    """
    rules = [{"from": [_component(facts, platform.EDGE)], "ports": _tcp(SIDECAR_PORT)}]
    cidrs = source_ranges(agent.inbound.allow_cidrs) if agent.inbound else []
    if cidrs:  # an empty "from" would admit everyone
        sources = [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]
        rules.append({"from": sources, "ports": _tcp(PUBLIC_PORT)})
    return rules


def _egress(agent: Agent, facts: Facts) -> list[Rule]:
    """Open the platform, and what is listed. No DNS: the gateway finds addresses for sidecars."""
    rules = [
        {"to": [_component(facts, platform.GATEWAY)], "ports": _tcp(platform.GATEWAY_PORT)},
        {
            "to": [_component(facts, platform.CONTROL)],
            "ports": _tcp(platform.CONTROL_INTERNAL_PORT),
        },
    ]
    beyond = ports_outside(agent)
    peers = outside(facts.cluster_ranges, facts.private_upstreams)
    if peers and beyond is None:
        rules.append({"to": peers, "ports": [{"protocol": "TCP"}]})
    elif peers and beyond:
        rules.append({"to": peers, "ports": _tcp(*beyond)})
    for namespace, ports in ports_within(agent, closed=(facts.system_namespace, DNS_NAMESPACE)):
        rules.append({"to": [{"namespaceSelector": _named(namespace)}], "ports": _tcp(*ports)})
    return rules


def _component(facts: Facts, component: str) -> Rule:
    """Return the pods of one of our own processes: both selectors in one peer, so both hold."""
    return {
        "namespaceSelector": _named(facts.system_namespace),
        "podSelector": {"matchLabels": platform.selector(component)},
    }


def _named(namespace: str) -> Rule:
    """Select a namespace by the label that the API server itself sets."""
    return {"matchLabels": {NAMESPACE_LABEL: namespace}}


def _tcp(*ports: int) -> list[Rule]:
    return [{"protocol": "TCP", "port": port} for port in ports]
