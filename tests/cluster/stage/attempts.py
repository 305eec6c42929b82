"""What an agent can try in a cluster besides, and what is left to NetworkPolicy without rules."""

from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from tests.cluster.stage.platform import ELSEWHERE, SYSTEM_NAMESPACE, Platform

METADATA, RESOLVER = ELSEWHERE
API = "10.96.0.1"
DNS = "10.96.0.10"
KUBERNETES = "kubernetes.default.svc.cluster.local"
_GET = "b'GET /hello HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n'"
_EDGE = "b'GET /hello HTTP/1.1\\r\\nhost: ' + {other_host!r} + b'\\r\\n\\r\\n'"

CLUSTER_ATTEMPTS = {
    "the API server by its Service": f"lambda: tls_any({API!r}, 443)",
    "the API server on the node": "lambda: tls_any({node!r}, 6443)",
    "the kubelet": "lambda: tls_any({node!r}, 10250)",
    "the gateway": "lambda: tls_any({gateway!r}, 8443)",
    "the gateway's pod": "lambda: tls_any({gateway_pod!r}, 8443)",
    "the gateway's probes": f"lambda: tcp({{gateway_pod!r}}, 8081, {_GET})",
    "control's internal API": "lambda: tls_any({control!r}, 8010)",
    "control's public API": "lambda: tls_any({control!r}, 443)",
    "control's pod": "lambda: tls_any({control_pod!r}, 8443)",
    "another agent through the edge": f"lambda: tcp({{edge!r}}, 80, {_EDGE})",
    "another agent through the edge's pod": f"lambda: tcp({{edge_pod!r}}, 8090, {_EDGE})",
    "another agent by its node port": f"lambda: tcp({{node!r}}, {{other_node_port}}, {_GET})",
    "another agent, models": f"lambda: tcp({{other!r}}, 8000, {_GET})",
    "another agent, names": "lambda: udp({other!r}, 8053, query('evil.test'))",
    "another agent, plain door": f"lambda: tcp({{other!r}}, 8081, {_GET})",
    "another agent, public port": f"lambda: tcp({{other!r}}, 8083, {_GET})",
    "another agent, probes": f"lambda: tcp({{other!r}}, 8084, {_GET})",
    "another agent, TLS door": "lambda: tls_any({other!r}, 8443)",
}
# the cluster's DNS knows this name, our responder does not
CLUSTER_DNS_ATTEMPTS = {
    "the cluster's DNS": f"lambda: udp({DNS!r}, 53, query({KUBERNETES!r}))",
    "the cluster's DNS over tcp": f"lambda: dns_tcp({DNS!r}, {KUBERNETES!r})",
    "the cluster's DNS on the node": f"lambda: udp({{node!r}}, 53, query({KUBERNETES!r}))",
}


class Target(NamedTuple):
    """Where packets end, after Services were resolved. pod: (namespace, labels), none outside."""

    port: int
    protocol: str = "TCP"
    address: str = ""
    pod: tuple[str, dict[str, str]] | None = None


def unstopped(platform: Platform) -> dict[str, Target]:
    """Return everything that gets out of a pod without packet rules, and where it ends."""
    world, node = platform.world.address, platform.cluster.node_ip
    names = Target(53, "UDP", pod=("kube-system", {"k8s-app": "kube-dns"}))
    other = {"pai.io/agent": "victim"}
    return {
        "direct ip 443 tls": Target(443, address=world),
        "direct ip 80": Target(80, address=world),
        "direct ip ssh": Target(22, address=world),
        "direct ip raw port": Target(9999, address=world),
        "postgres port": Target(5432, address=world),
        "udp 443 (quic)": Target(443, "UDP", world),
        "udp other": Target(9999, "UDP", world),
        "ipv6 v4-mapped": Target(9999, address=world),
        "metadata": Target(80, address=METADATA),
        "another agent, inbound": Target(8082, pod=("strict", other)),
        "another agent, its port": Target(3000, pod=("strict", other)),
        "the API server by its Service": Target(6443, address=node),
        "the API server on the node": Target(6443, address=node),
        "the kubelet": Target(10250, address=node),
        "the gateway": Target(8443, pod=_component("gateway")),
        "the gateway's pod": Target(8443, pod=_component("gateway")),
        "the gateway's probes": Target(8081, pod=_component("gateway")),
        "control's internal API": Target(8010, pod=_component("control")),
        "control's public API": Target(8443, pod=_component("control")),
        "control's pod": Target(8443, pod=_component("control")),
        "another agent through the edge": Target(8090, pod=_component("edge")),
        "another agent through the edge's pod": Target(8090, pod=_component("edge")),
        "another agent by its node port": Target(8083, pod=("strict", other)),
        "another agent, public port": Target(8083, pod=("strict", other)),
        "another agent, probes": Target(8084, pod=("strict", other)),
        "another dns server": Target(53, "UDP", world),
        "dns over tcp to another server": Target(53, "TCP", world),
        "data in names": Target(53, "UDP", RESOLVER),
        "the cluster's DNS": names,
        "the cluster's DNS over tcp": names._replace(protocol="TCP"),
        "the cluster's DNS on the node": Target(53, "UDP", node),
    }


# What an agent's own policy opens for its sidecar, it opens for the agent: one pod, one address.
# (The world stands for any address outside: it is listed as a private upstream.)
OPEN_BY_POLICY = {
    "direct ip 443 tls",
    "the gateway",
    "the gateway's pod",
    "control's internal API",
}


def facts(platform: Platform, namespace: str) -> dict[str, object]:
    """Return the addresses that attempts name; the other agent is `victim` of the namespace."""
    components = ("control", "gateway", "edge")
    return {
        **{component: platform.service_ip(component) for component in components},
        **{f"{component}_pod": component_ip(platform, component) for component in components},
        "node": platform.cluster.node_ip,
        "other": platform.pod_ip("victim", namespace),
        "other_host": platform.host("victim", namespace).encode(),
        "other_node_port": platform.node_port("victim", namespace)[1],
    }


def component_ip(platform: Platform, component: str) -> str:
    """Return the address of a pod of control, gateway or edge."""
    label = f"app.kubernetes.io/component={component}"
    found = platform.cluster.get("pods", "-n", SYSTEM_NAMESPACE, "-l", label)["items"]
    return str(found[0]["status"]["podIP"])


def opens(policy: dict[str, Any], target: Target) -> bool:
    """Say whether a NetworkPolicy lets its pods reach a target."""
    rules: list[dict[str, Any]] = policy["spec"]["egress"]
    return any(
        any(_port_matches(port, target) for port in rule["ports"])
        and any(_peer_matches(peer, target) for peer in rule["to"])
        for rule in rules
    )


def _port_matches(port: dict[str, Any], target: Target) -> bool:
    return bool(
        port.get("protocol", "TCP") == target.protocol
        and port.get("port", target.port) == target.port
    )


def _peer_matches(peer: dict[str, Any], target: Target) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        return bool(target.address) and (
            ip_address(target.address) in ip_network(block["cidr"])
            and not any(
                ip_address(target.address) in ip_network(hole) for hole in block.get("except", ())
            )
        )
    if target.pod is None:
        return False
    namespace, labels = target.pod
    spaces = peer.get("namespaceSelector", {}).get("matchLabels", {})
    pods = peer.get("podSelector", {}).get("matchLabels", {})
    same = spaces == {"kubernetes.io/metadata.name": namespace}
    return bool(same and pods.items() <= labels.items())


def _component(name: str) -> tuple[str, dict[str, str]]:
    labels = {"app.kubernetes.io/part-of": "pai", "app.kubernetes.io/component": name}
    return SYSTEM_NAMESPACE, labels
