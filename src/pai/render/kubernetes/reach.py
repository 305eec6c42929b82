"""Which ports an agent's sidecar needs beyond the platform: in the world, and in the cluster."""

from collections.abc import Collection

from pai.ir.agent import Agent, EgressRule

_SERVICE_SUFFIXES = (".svc.cluster.local", ".svc")
_TLS = 443


def ports_outside(agent: Agent) -> tuple[int, ...] | None:
    """Return TCP ports outside of the cluster, sorted; None = all of them.

    Models need none: their traffic goes to the gateway.
    """
    if agent.egress.mode == "audit":
        return None
    ports = {_TLS} if agent.providers else set()
    for rule in agent.egress.allow:
        if not _is_service(rule):
            ports.update(rule.ports)
    return tuple(sorted(ports))


def ports_within(agent: Agent, closed: Collection[str]) -> list[tuple[str, tuple[int, ...]]]:
    """Return TCP ports by namespace, for hosts that are Services of the cluster. Shape: sorted.

    closed: namespaces that no agent may reach, whatever it lists. A policy knows pods and not
    Services, and sees the port of the pod.
    """
    found: dict[str, set[int]] = {}
    for rule in agent.egress.allow:
        namespace = _namespace(rule.host)
        if namespace is not None and namespace not in closed:
            found.setdefault(namespace, set()).update(rule.ports)
    return [(namespace, tuple(sorted(ports))) for namespace, ports in sorted(found.items())]


def _is_service(rule: EgressRule) -> bool:
    return rule.host.endswith(_SERVICE_SUFFIXES)


def _namespace(host: str) -> str | None:
    """Return the namespace of NAME.NAMESPACE.svc; None for other hosts and for any namespace."""
    for suffix in _SERVICE_SUFFIXES:
        if host.endswith(suffix):
            *name, namespace = host.removesuffix(suffix).split(".")
            return namespace if name and namespace != "*" else None
    return None
