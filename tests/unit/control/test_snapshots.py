"""Each role is told what it needs, and no other role's secrets, whatever the agents are."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pai.control.identity import Identities
from pai.control.pki import Leaf
from pai.control.snapshots import (
    Place,
    edge_snapshot,
    environment_dummies,
    gateway_snapshot,
    intercepted_hosts,
    secrets_named,
    sidecar_snapshot,
)
from pai.ir.agent import Agent, AgentKey, Inbound, Limits, ModelBinding
from pai.ir.provider import Provider, SecretRef
from pai.ir.settings import Settings
from pai.ir.snapshot import Network
from pai.store.instance_key import InstanceKey
from pai.translate import LLM_HOSTS

identities = Identities(InstanceKey(b"k" * 32))
NETWORK = Network(nameservers=())
VALUES = {f"s{n}": {"token": f"secret-value-{n}", "other": f"unused-value-{n}"} for n in range(4)}

# A name means one thing wherever it is used.
MODEL_SECRETS = (SecretRef("s0", "token"), SecretRef("s1", "token"), SecretRef("gone", "x"), None)

models = st.builds(
    lambda n: ModelBinding(
        namespace="default",
        name=f"m{n}",
        provider="openai",
        model="x",
        endpoint="https://llm.test",
        secret=MODEL_SECRETS[n],
    ),
    st.integers(0, 3),
)
providers = st.builds(
    lambda n, secret: Provider(
        name=f"p{n}",
        type="http-token",
        hosts=(f"h{n}.test",),
        auth_type="api-key",
        secret=secret,
        env_var=f"TOKEN_{n}",
    ),
    st.integers(0, 3),
    st.none() | st.builds(SecretRef, st.sampled_from(["s2", "s3", "gone"]), st.just("token")),
)
agents = st.builds(
    lambda n, ms, ps, inbound: Agent(
        key=AgentKey("default", f"a{n}"),
        uid=f"uid-{n}",
        host_id=f"h{n}",
        generation=1,
        image="i",
        models=tuple({m.name: m for m in ms}.values()),
        providers=tuple({p.name: p for p in ps}.values()),
        inbound=inbound,
    ),
    st.integers(0, 2),
    st.lists(models, max_size=3),
    st.lists(providers, max_size=3),
    st.none() | st.just(Inbound(3000, ("10.0.0.0/8",))),
)


def text(snapshot: msgspec.Struct) -> str:
    return msgspec.json.encode(snapshot).decode()


@settings(max_examples=60)
@given(st.lists(agents, max_size=3, unique_by=lambda a: a.key))
def test_secrets_stay_with_their_role(found: list[Agent]) -> None:
    gateway = gateway_snapshot(found, lambda _: VALUES, identities, Settings(), NETWORK)
    edge = edge_snapshot(found, {}, identities, Settings())
    used = {m.secret.name for a in found for m in a.models if m.secret}
    for name, entries in VALUES.items():
        assert (entries["token"] in text(gateway)) == (name in used)
        assert entries["token"] not in text(edge)
        assert entries["other"] not in text(gateway)
    for agent in found:
        sidecar = sidecar_snapshot(agent, VALUES, identities, Leaf("C", "K"), "http://g", NETWORK)
        mine = {p.secret.name for p in agent.providers if p.secret}
        for name, entries in VALUES.items():
            assert (entries["token"] in text(sidecar)) == (name in mine)
            assert entries["other"] not in text(sidecar)
        assert sidecar.gateway_token not in text(gateway) + text(edge)
        assert identities.gateway_token_sha256(agent.uid) in text(gateway)
        for other in found:
            if other.key != agent.key:
                assert identities.gateway_token(other.uid) not in text(sidecar)
                assert identities.edge_token(other.uid) not in text(sidecar)


@given(agents)
def test_a_binding_without_its_key_is_left_out(agent: Agent) -> None:
    snapshot = gateway_snapshot([agent], lambda _: VALUES, identities, Settings(), NETWORK)
    usable = [m for m in agent.models if m.secret is None or m.secret.name in VALUES]
    assert [b.rpartition("/")[2] for b in snapshot.agents[0].bindings] == [m.name for m in usable]
    assert snapshot.agents[0].limits == Limits(1_000_000, 200_000)
    assert {b.id for b in snapshot.bindings} == set(snapshot.agents[0].bindings)


@given(agents)
def test_dummies_are_the_ones_the_sidecar_knows(agent: Agent) -> None:
    sidecar = sidecar_snapshot(agent, VALUES, identities, Leaf("C", "K"), "http://g", NETWORK)
    variables = dict(environment_dummies(agent, identities))
    for item in sidecar.providers:
        assert item.provider.env_var and variables[item.provider.env_var] == item.dummy
    assert variables["OPENAI_API_KEY"] in sidecar.llm_dummies
    assert set(intercepted_hosts(agent)) >= set(LLM_HOSTS)
    assert {name for _, name in secrets_named([agent])} == {
        ref.name
        for ref in [*(m.secret for m in agent.models), *(p.secret for p in agent.providers)]
        if ref
    }


@given(agents)
def test_order_of_input_does_not_matter_and_nobody_is_admitted_by_default(agent: Agent) -> None:
    other = msgspec.structs.replace(agent, key=AgentKey("default", "zz"), uid="zz")
    args = (identities, Settings())
    places = {agent.key: Place(replicas=("192.0.2.9:8082",), public_port=20000)}
    one = edge_snapshot([agent, other], places, *args)
    assert one == edge_snapshot([other, agent], places, *args)
    route = one.routes[0]
    assert route.allow_cidrs == (("10.0.0.0/8",) if agent.inbound else ())
    assert route.public_port == (20000 if agent.inbound else None)
