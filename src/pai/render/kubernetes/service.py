"""Services of an agent: stable names for its pods, and the public way in."""

from pai.ir.agent import Agent
from pai.render.kubernetes.blocks import source_ranges
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import SERVICE, Manifest, manifest, selector
from pai.render.kubernetes.names import object_name, pods_service_name
from pai.render.places import places
from pai.render.shape import PUBLIC_PORT


def services(agent: Agent, facts: Facts) -> tuple[Manifest, ...]:
    """Return the Services that the agent needs."""
    found = (_pods_service(agent, facts), _load_balancer(agent, facts))
    return tuple(service for service in found if service is not None)


def _pods_service(agent: Agent, facts: Facts) -> Manifest | None:
    if not places(agent):
        return None
    spec = {"clusterIP": "None", "selector": selector(agent)}
    return manifest(SERVICE, pods_service_name(agent.key), agent, facts, {"spec": spec})


def _load_balancer(agent: Agent, facts: Facts) -> Manifest | None:
    """Return the load balancer; none without sources, as an empty list would admit everyone.

    The ranges hold at the balancer's own address alone, and not for every vendor's: the policy
    and the sidecar ask for the client's address once more, which `Local` keeps true. One list
    serves both address families. The family is the cluster's choice: a balancer with two is more
    than many of them can make.
    """
    inbound = agent.inbound
    ranges = source_ranges(inbound.allow_cidrs) if inbound else []
    if inbound is None or not ranges:
        return None
    port = {"name": "inbound", "protocol": "TCP", "port": inbound.port, "targetPort": PUBLIC_PORT}
    spec = {
        "type": "LoadBalancer",
        "selector": selector(agent),
        "ports": [port],
        "externalTrafficPolicy": "Local",
        "loadBalancerSourceRanges": ranges,
    }
    return manifest(SERVICE, object_name(agent.key), agent, facts, {"spec": spec})
