"""NetworkPolicies of the platform's namespace: who may reach control, gateway and edge.

They add a wall, and nothing rests on them alone: each port asks for a credential or a
certificate. Without a network plugin that enforces policies they change nothing.
Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from pai.render.platform.manifest import (
    AGENT_LABEL,
    CONTROL,
    CONTROL_API_PORT,
    CONTROL_INTERNAL_PORT,
    EDGE,
    EDGE_PORT,
    GATEWAY,
    GATEWAY_PORT,
    METRICS_PORT,
    PROBE_PORT,
    SIDECAR_INBOUND_PORT,
    Manifest,
    namespaced,
    object_name,
    selector,
)
from pai.render.platform.options import Options

# Where clouds hand out credentials of the machine; link-local DNS caches must stay reachable.
_METADATA = {"0.0.0.0/0": "169.254.169.254/32", "::/0": "fd00:ec2::254/128"}


def network_policies(options: Options) -> tuple[Manifest, ...]:
    """Return one policy a component, in both directions."""
    return (_control(options), _gateway(options), _edge(options))


def _control(options: Options) -> Manifest:
    """Open the internal API to our own pods; the API server comes from no address known here."""
    callers = [_agents(), _pods(GATEWAY), _pods(EDGE)]
    ingress = [
        {"from": callers, "ports": _ports(CONTROL_INTERNAL_PORT)},
        {"ports": _ports(CONTROL_API_PORT, PROBE_PORT)},
    ]
    return _policy(options, CONTROL, ingress, [_anywhere_but_metadata()])


def _gateway(options: Options) -> Manifest:
    ingress = [
        {"from": [_agents()], "ports": _ports(GATEWAY_PORT)},
        {"from": [_others()], "ports": _ports(METRICS_PORT)},
        {"ports": _ports(PROBE_PORT)},
    ]
    return _policy(options, GATEWAY, ingress, [_anywhere_but_metadata()])


def _edge(options: Options) -> Manifest:
    """Let everybody in, as who may reach an agent is its own list, and out to sidecars alone."""
    egress = [
        {"to": [_agents()], "ports": _ports(SIDECAR_INBOUND_PORT)},
        {"to": [_pods(CONTROL)], "ports": _ports(CONTROL_INTERNAL_PORT)},
    ]
    return _policy(options, EDGE, [{"ports": _ports(EDGE_PORT, PROBE_PORT)}], egress)


def _policy(
    options: Options, component: str, ingress: list[Manifest], egress: list[Manifest]
) -> Manifest:
    head = namespaced(
        options, "networking.k8s.io/v1", "NetworkPolicy", object_name(component), component
    )
    return {
        **head,
        "spec": {
            "podSelector": {"matchLabels": selector(component)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }


def _agents() -> Manifest:
    """Return agents' pods in every namespace."""
    labelled = {"matchExpressions": [{"key": AGENT_LABEL, "operator": "Exists"}]}
    return {"namespaceSelector": {}, "podSelector": labelled}


def _others() -> Manifest:
    """Return all pods of the cluster that are no agents'."""
    unlabelled = {"matchExpressions": [{"key": AGENT_LABEL, "operator": "DoesNotExist"}]}
    return {"namespaceSelector": {}, "podSelector": unlabelled}


def _pods(component: str) -> Manifest:
    return {"podSelector": {"matchLabels": selector(component)}}


def _ports(*ports: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _anywhere_but_metadata() -> Manifest:
    blocks = [{"ipBlock": {"cidr": all_, "except": [no]}} for all_, no in _METADATA.items()]
    return {"to": blocks}
