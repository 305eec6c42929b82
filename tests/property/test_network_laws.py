"""Laws of who may speak with an agent's pod, read off the objects by an evaluator of policies."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.cluster_agents import CIDRS, CLUSTER_FACTS, FACTS_OF_CLUSTERS, networked_agents
from tests.standards.network_policy import End, Traffic, passes

from pai.ir.agent import Agent, AgentKey, Egress, EgressRule, Inbound, ModelBinding
from pai.ir.provider import Provider
from pai.render.kubernetes import Facts, Manifest, render
from pai.render.platform import Options, render_platform
from pai.wire.guard import check, inside

MODEST = settings(max_examples=100, deadline=None)
KEY = AgentKey("team", "demo")
BARE = Agent(key=KEY, uid="u", host_id="h", generation=1, image="i:1", replicas=1)
POD = End("10.244.7.7", "team", {"pai.io/agent": "demo"})
SYSTEM = CLUSTER_FACTS.system_namespace
PART = "app.kubernetes.io/part-of"
COMPONENT = "app.kubernetes.io/component"
DNS_POD = End("10.244.0.2", "kube-system", {"k8s-app": "kube-dns"})
LOOPBACK = ("127.0.0.0/8", "::1/128")
METADATA = (
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254",
    "fd20:ce::254", "fe80::a9fe:a9fe",
)  # fmt: skip


# Edges of the registries' special blocks: what the sidecar dials and what the policy opens must
# agree on each side of all of them.
SPECIAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4", "::/96", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2000::/3",
    "2001::/32", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
    "fd00:42::42/128", "fd00:ec2::/32", "fd20:ce::254/128", "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip


def process(component: str) -> End:
    return End("10.244.1.1", SYSTEM, {PART: "pai", COMPONENT: component})


def outsider(address: str) -> End:
    return End(address)


def policies(agent: Agent, facts: Facts = CLUSTER_FACTS) -> list[Manifest]:
    return [item for item in render(agent, facts) if item["kind"] == "NetworkPolicy"]


def load_balancers(agent: Agent) -> list[Manifest]:
    return [
        item
        for item in render(agent, CLUSTER_FACTS)
        if item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer"
    ]


def comes_in(agent: Agent, source: End, port: int, protocol: str = "TCP") -> bool:
    return passes(policies(agent), Traffic(source, POD, port, protocol))


def goes_out(
    agent: Agent, target: End, port: int, protocol: str = "TCP", facts: Facts = CLUSTER_FACTS
) -> bool:
    return passes(policies(agent, facts), Traffic(POD, target, port, protocol))


def edges(cidr: str) -> list[str]:
    """Return addresses in, at the edges of and beside a block."""
    block: IPv4Network | IPv6Network = ip_network(cidr, strict=False)
    kind, highest = type(block[0]), 2**block.max_prefixlen - 1
    first, last = int(block[0]), int(block[-1])
    numbers = (first - 1, first, (first + last) // 2, last, last + 1)
    return [str(kind(number)) for number in numbers if 0 <= number <= highest]


def at_the_edges_of(cidrs: Iterable[str]) -> st.SearchStrategy[str]:
    """Draw addresses at the edges of blocks, and any others."""
    found = [address for cidr in cidrs for address in edges(cidr)]
    anything = st.ip_addresses().map(str)
    return (st.sampled_from(found) | anything) if found else anything


OPEN = msgspec.structs.replace(BARE, inbound=Inbound(3000, ("198.51.100.0/24", "2001:db8::/32")))


@pytest.mark.parametrize(
    ("source", "port", "expected"),
    [
        (outsider("198.51.100.7"), 8083, True),
        (outsider("2001:db8::1"), 8083, True),
        (outsider("198.51.101.7"), 8083, False),
        (outsider("2001:db9::1"), 8083, False),
        (outsider("198.51.100.7"), 8082, False),
        (outsider("198.51.100.7"), 8084, False),
        (outsider("198.51.100.7"), 3000, False),
        (outsider("198.51.100.7"), 8443, False),
        (process("edge"), 8082, True),
        (process("edge"), 8083, False),
        (process("edge"), 3000, False),
        (process("gateway"), 8082, False),
        (process("edge")._replace(namespace="team"), 8082, False),
        (End("10.244.1.2", SYSTEM), 8082, False),
        (End("10.244.1.3", "team", {"pai.io/agent": "other"}), 8082, False),
        (End("10.244.1.3", "team", {"pai.io/agent": "other"}), 8083, False),
        (POD._replace(address="10.244.7.8"), 8083, False),
    ],
)
def test_who_comes_in(source: End, port: int, expected: bool) -> None:
    assert comes_in(OPEN, source, port) is expected
    assert not comes_in(OPEN, source, port, "UDP")


PROVIDED = msgspec.structs.replace(
    BARE,
    providers=(
        Provider(name="g", type="github", hosts=("api.github.com",), auth_type="pat", secret=None),
    ),
    egress=Egress((EgressRule("db.data.svc", (5432,)), EgressRule("a.example", (8080,)))),
)


@pytest.mark.parametrize(
    ("target", "port", "expected"),
    [
        (process("gateway"), 8443, True),
        (process("gateway"), 8081, False),
        (process("control"), 8010, True),
        (process("control"), 8443, False),
        (process("edge"), 8443, False),
        (process("gateway")._replace(namespace="team"), 8443, False),
        (outsider("140.82.121.6"), 443, True),
        (outsider("140.82.121.6"), 8080, True),
        (outsider("140.82.121.6"), 80, False),
        (outsider("140.82.121.6"), 53, False),
        (outsider("2606:50c0:8000::153"), 443, True),
        (outsider("10.1.2.3"), 443, False),
        (outsider("127.0.0.1"), 443, False),
        (outsider("10.96.0.1"), 443, False),
        (outsider("203.0.114.7"), 443, False),
        (End("10.244.9.9", "data"), 5432, True),
        (End("10.244.9.9", "data"), 443, False),
        (End("10.244.9.9", "else"), 5432, False),
        (End("10.244.9.9", "team"), 5432, False),
        (DNS_POD, 53, False),
        (DNS_POD._replace(namespace="team"), 53, False),
        (outsider("169.254.20.10"), 53, False),
        (outsider("8.8.8.8"), 53, False),
    ],
)
def test_what_goes_out(target: End, port: int, expected: bool) -> None:
    assert goes_out(PROVIDED, target, port) is expected
    assert not goes_out(PROVIDED, target, port, "UDP")


@pytest.mark.parametrize("host", ["pai-control.pai-system.svc", "kube-dns.kube-system.svc"])
def test_no_agent_opens_the_platforms_namespace_or_the_clusters(host: str) -> None:
    agent = msgspec.structs.replace(BARE, egress=Egress((EgressRule(host, (5432,)),)))
    namespace = host.split(".")[1]
    assert not goes_out(agent, End("10.244.1.9", namespace), 5432)


def test_an_agent_with_models_alone_reaches_the_platform_and_no_resolver() -> None:
    model = ModelBinding(
        namespace="n", name="m", provider="openai", model="m", endpoint="https://e", secret=None
    )
    agent = msgspec.structs.replace(BARE, models=(model,))
    assert goes_out(agent, process("gateway"), 8443)
    for target in (outsider("1.1.1.1"), DNS_POD):
        for port in (53, 80, 443):
            for protocol in ("TCP", "UDP"):
                assert not goes_out(agent, target, port, protocol)


@MODEST
@given(st.data(), st.lists(CIDRS, max_size=4))
def test_exactly_the_listed_blocks_reach_the_public_port(
    data: st.DataObject, cidrs: list[str]
) -> None:
    agent = msgspec.structs.replace(BARE, inbound=Inbound(3000, tuple(cidrs)))
    address = data.draw(at_the_edges_of(cidrs))
    if ip_address(address) in ip_network("::ffff:0:0/96"):
        return  # no packet has such a source
    assert comes_in(agent, outsider(address), 8083) == inside(address, cidrs)
    for port in (8000, 8053, 8081, 8082, 8084, 8443, 3000):
        assert not comes_in(agent, outsider(address), port)
    balancers = load_balancers(agent)
    ranges = [block for item in balancers for block in item["spec"]["loadBalancerSourceRanges"]]
    assert inside(address, ranges) == inside(address, cidrs)
    assert bool(balancers) == bool(ranges)


@pytest.mark.parametrize("upstreams", [(), ("10.0.0.0/8", "fd00::/8"), ("0.0.0.0/0", "::/0")])
def test_no_special_block_is_forgotten(upstreams: tuple[str, ...]) -> None:
    facts = msgspec.structs.replace(CLUSTER_FACTS, cluster_ranges=(), private_upstreams=upstreams)
    (policy,) = policies(PROVIDED, facts)
    for address in (address for cidr in SPECIAL for address in edges(cidr)):
        dialled = check(address, upstreams) is None and not inside(address, LOOPBACK)
        traffic = Traffic(POD, outsider(address), 443)
        assert passes([policy], traffic) == dialled, address


@MODEST
@given(st.data(), networked_agents(), FACTS_OF_CLUSTERS)
def test_the_outside_is_what_the_sidecar_would_dial(
    data: st.DataObject, agent: Agent, facts: Facts
) -> None:
    agent = msgspec.structs.replace(
        agent, egress=Egress(mode="audit"), providers=PROVIDED.providers
    )
    address = data.draw(at_the_edges_of((*facts.cluster_ranges, *facts.private_upstreams)))
    dialled = check(address, facts.private_upstreams) is None
    ours = any(
        ip_address(address) in ip_network(cidr) for cidr in (*facts.cluster_ranges, *LOOPBACK)
    )
    assert goes_out(agent, outsider(address), 443, facts=facts) == (dialled and not ours)
    assert not goes_out(agent, outsider(address), 443, "UDP", facts)


@MODEST
@given(networked_agents(), FACTS_OF_CLUSTERS, st.integers(1, 65535).filter(lambda port: port != 53))
def test_metadata_and_the_api_server_are_out_of_reach(
    agent: Agent, facts: Facts, port: int
) -> None:
    known = msgspec.structs.replace(
        facts, cluster_ranges=("10.96.0.0/12", "8.8.4.4/32", "fd00::/8")
    )
    for address in (*METADATA, "10.96.0.1", "8.8.4.4", "fd00::1", "127.0.0.1", "::1"):
        assert not goes_out(agent, outsider(address), port, facts=known)


@MODEST
@given(networked_agents(), FACTS_OF_CLUSTERS, st.integers(1, 65535))
def test_what_goes_out_is_asked_for(agent: Agent, facts: Facts, port: int) -> None:
    asked = {port for rule in agent.egress.allow for port in rule.ports}
    asked |= {443} if agent.providers else set()
    if goes_out(agent, outsider("1.1.1.1"), port, facts=facts):
        assert port in asked or agent.egress.mode == "audit"


@MODEST
@given(networked_agents(), FACTS_OF_CLUSTERS, st.integers(1, 65535))
def test_no_agent_reaches_the_cluster_s_dns(agent: Agent, facts: Facts, port: int) -> None:
    """Whatever it lists, over TCP and UDP, by pod, Service, node-local cache or a file's word."""
    known = (*CLUSTER_FACTS.cluster_ranges, "10.0.0.53/32")
    facts = msgspec.structs.replace(facts, cluster_ranges=known)
    ends = (DNS_POD, *map(outsider, ("10.96.0.10", "169.254.20.10", "10.0.0.53")))
    for end in ends:
        for at in (53, port):
            assert not goes_out(agent, end, at, facts=facts)


@MODEST
@given(st.data(), networked_agents(), FACTS_OF_CLUSTERS, st.integers(1, 65535))
def test_no_agent_sends_a_datagram(
    data: st.DataObject, agent: Agent, facts: Facts, port: int
) -> None:
    address = data.draw(at_the_edges_of((*facts.cluster_ranges, *facts.private_upstreams)))
    ends = [outsider(address), DNS_POD, process("gateway"), process("control")]
    ends += [End("10.244.9.9", namespace) for namespace in ("data", "other")]
    for end in ends:
        for at in (53, 443, port):
            assert not goes_out(agent, end, at, "UDP", facts)


@MODEST
@given(networked_agents(), FACTS_OF_CLUSTERS)
def test_there_is_one_policy_and_no_rule_without_peers_and_ports(
    agent: Agent, facts: Facts
) -> None:
    (policy,) = policies(agent, facts)
    spec = policy["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["podSelector"] == {"matchLabels": {"pai.io/agent": agent.key.name}}
    peers = [rule["from"] for rule in spec["ingress"]] + [rule["to"] for rule in spec["egress"]]
    assert all(peers)
    assert all(peer and all(peer.values()) for found in peers for peer in found)
    assert all(rule["ports"] for rule in (*spec["ingress"], *spec["egress"]))


def test_agents_and_the_platforms_own_policies_agree() -> None:
    """Both ends of each connection let it pass: labels, ports and namespaces are the same."""
    platform = render_platform(Options())
    labels = {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in platform
        if item["kind"] == "Deployment"
    }
    given_policies = [item for item in platform if item["kind"] == "NetworkPolicy"]
    given_policies += policies(BARE)

    def pod(component: str) -> End:
        return End("10.244.1.1", Options().namespace, labels[f"pai-{component}"])

    assert passes(given_policies, Traffic(pod("edge"), POD, 8082))
    assert passes(given_policies, Traffic(POD, pod("gateway"), 8443))
    assert passes(given_policies, Traffic(POD, pod("control"), 8010))
    assert not passes(given_policies, Traffic(pod("edge"), POD, 8083))
    assert not passes(given_policies, Traffic(pod("gateway"), POD, 8082))
    assert not passes(given_policies, Traffic(POD, pod("edge"), 8090))
    for protocol in ("TCP", "UDP"):  # the gateway asks for agents, who can't
        assert passes(given_policies, Traffic(pod("gateway"), DNS_POD, 53, protocol))
        assert not passes(given_policies, Traffic(POD, DNS_POD, 53, protocol))
