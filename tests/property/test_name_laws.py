"""The gateway finds addresses of exactly what a sidecar's routes would dial."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pai.control.identity import Identities
from pai.control.pki import Leaf
from pai.control.snapshots import gateway_snapshot, sidecar_snapshot
from pai.gateway.names import Names
from pai.ir.agent import Agent, AgentKey, Egress, EgressRule
from pai.ir.provider import Provider
from pai.ir.service_name import full_name
from pai.ir.settings import Settings
from pai.ir.snapshot import Network
from pai.sidecar.routes import AmbiguousRoute, LlmRoute, PassRoute, ProviderRoute, Routes
from pai.store.instance_key import InstanceKey

IDENTITIES = Identities(InstanceKey(b"k" * 32))
NETWORK = Network(nameservers=("10.96.0.10",), resolve_through_gateway=True)
MODEST = settings(max_examples=200, deadline=None)

# few labels, so that names meet
LABEL = st.sampled_from(["a", "b", "svc", "cluster", "local", "api"])
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
SERVICE = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "svc"]))
HOST = NAME | SERVICE | SERVICE.map(full_name)
PATTERN = HOST | HOST.map(lambda host: f"*.{host}")
PROVIDERS = st.lists(
    st.builds(
        lambda name, hosts: Provider(
            name=name, type="http-token", hosts=tuple(hosts), auth_type="api-key", secret=None
        ),
        st.sampled_from(["p", "q"]),
        st.lists(PATTERN, min_size=1, max_size=2),
    ),
    max_size=2,
)
AGENTS = st.builds(
    lambda providers, rules, mode: Agent(
        key=AgentKey("team", "demo"),
        uid="u",
        host_id="h",
        generation=1,
        image="i",
        providers=tuple(providers),
        egress=Egress(tuple(EgressRule(host) for host in rules), mode),
    ),
    PROVIDERS,
    st.lists(PATTERN, max_size=3),
    st.sampled_from(["deny", "deny", "audit"]),
)


def found_by_gateway(agent: Agent, name: str) -> bool:
    names = Names()
    names.apply(gateway_snapshot([agent], lambda _: {}, IDENTITIES, Settings(), NETWORK))
    return names._agents[str(agent.key)].holds(name)


def dialled_by_sidecar(agent: Agent, host: str) -> str | None:
    """Return the name that a sidecar asks for when its agent wants `host`; None = it dials not."""
    leaf = Leaf("", "")
    snapshot = sidecar_snapshot(agent, {}, IDENTITIES, leaf, "https://10.96.0.8:8443", NETWORK)
    match Routes(snapshot).find(host):
        case ProviderRoute():
            return host
        case PassRoute():
            return full_name(host)
        case AmbiguousRoute() | LlmRoute() | None:
            return None


@MODEST
@given(AGENTS, HOST)
def test_whatever_a_sidecar_dials_is_found(agent: Agent, host: str) -> None:
    name = dialled_by_sidecar(agent, host)
    assert name is None or found_by_gateway(agent, name)


@MODEST
@given(AGENTS, HOST)
def test_what_is_found_was_declared(agent: Agent, name: str) -> None:
    if agent.egress.mode == "audit" or not found_by_gateway(agent, name):
        return
    patterns = [host for provider in agent.providers for host in provider.hosts]
    patterns += [full_name(rule.host) for rule in agent.egress.allow]
    assert any(
        name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
        for pattern in patterns
    )


@MODEST
@given(AGENTS)
def test_no_sidecar_of_a_cluster_knows_a_nameserver(agent: Agent) -> None:
    leaf = Leaf("", "")
    snapshot = sidecar_snapshot(agent, {}, IDENTITIES, leaf, "https://10.96.0.8:8443", NETWORK)
    assert snapshot.network.nameservers == ()
    assert snapshot.network.resolve_through_gateway
    gateway = gateway_snapshot([agent], lambda _: {}, IDENTITIES, Settings(), NETWORK)
    assert gateway.network == msgspec.structs.replace(NETWORK, resolve_through_gateway=False)


@MODEST
@given(AGENTS)
def test_on_one_machine_nothing_is_asked_of_the_gateway(agent: Agent) -> None:
    network = msgspec.structs.replace(NETWORK, resolve_through_gateway=False)
    gateway = gateway_snapshot([agent], lambda _: {}, IDENTITIES, Settings(), network)
    assert [known.names for known in gateway.agents] == [()]
    sidecar = sidecar_snapshot(agent, {}, IDENTITIES, Leaf("", ""), "http://10.0.0.1", network)
    assert sidecar.network == gateway.network == network
