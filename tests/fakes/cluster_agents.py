"""Agents made by Hypothesis with all that matters on a cluster, and facts to render them with."""

from ipaddress import ip_network

import msgspec
from hypothesis import strategies as st
from tests.fakes.agents import LABELS, PATHS, WORDS, agents

from pai.ir.agent import (
    Agent,
    AgentKey,
    Autoscaling,
    Egress,
    EgressRule,
    Inbound,
    Pod,
    Probe,
    Resources,
)
from pai.ir.provider import Provider
from pai.render.kubernetes import Facts

CLUSTER_FACTS = Facts(
    instance="i1",
    image="ours:1",
    ca_pem="CA",
    url="http://h.localhost",
    dummies=(("OPENAI_API_KEY", "sk-dummy"), ("GITHUB_TOKEN", "ghp_dummy")),
    bootstrap_version="1",
    cluster_ranges=("10.96.0.0/12", "10.244.0.0/16", "203.0.114.7/32"),
)

FOUR = st.builds(
    lambda number, length: str(ip_network((number, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
SIX = st.builds(
    lambda number, length: str(ip_network((number, length), strict=False)),
    st.integers(0, 2**128 - 1),
    st.integers(0, 128),
)
CIDRS = FOUR | SIX | st.sampled_from(["0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "10.0.0.0/8"])
HOSTS = st.sampled_from(
    ["a.example.com", "*.example.org", "db.data.svc", "x.other.svc.cluster.local", "*.data.svc"]
)
PORTS = st.lists(st.integers(1, 65535), min_size=1, max_size=3).map(tuple)
PROBES = st.builds(Probe, path=PATHS) | st.builds(
    Probe, command=st.lists(WORDS.filter(bool), min_size=1, max_size=2).map(tuple)
)
PROVIDER = Provider(
    name="github", type="github", hosts=("api.github.com",), auth_type="pat", secret=None
)


INBOUND = st.none() | st.builds(Inbound, st.just(3000), st.lists(CIDRS, max_size=3).map(tuple))
EGRESS = st.builds(
    Egress,
    st.lists(st.builds(EgressRule, HOSTS, PORTS), max_size=3).map(tuple),
    st.sampled_from(["deny", "audit"]),
)
PROVIDERS = st.sampled_from([(), (PROVIDER,)])


def networked_agents() -> st.SearchStrategy[Agent]:
    """Draw agents that differ in what they say of networks, and in nothing else."""
    return st.builds(
        Agent,
        key=st.just(AgentKey("team", "demo")),
        uid=st.just("u"),
        host_id=st.just("h"),
        generation=st.just(1),
        image=st.just("i:1"),
        inbound=INBOUND,
        egress=EGRESS,
        providers=PROVIDERS,
    )


@st.composite
def cluster_agents(draw: st.DrawFn) -> Agent:
    """Draw an agent as `pai.translate` would give it."""
    pod = Pod(
        priority_class_name=draw(st.none() | LABELS),
        node_selector=tuple(sorted(draw(st.dictionaries(LABELS, LABELS, max_size=2)).items())),
        tolerations=draw(st.sampled_from([(), ({"operator": "Exists"},)])),
        image_pull_secrets=draw(st.sampled_from([(), ("registry",)])),
        liveness=draw(st.none() | PROBES),
        readiness=draw(st.none() | PROBES),
        startup=draw(st.none() | PROBES),
        storage_class_name=draw(st.none() | LABELS),
        termination_grace_seconds=draw(st.integers(0, 60)),
    )
    return msgspec.structs.replace(
        draw(agents()),
        pod=pod,
        inbound=draw(INBOUND),
        providers=draw(PROVIDERS),
        egress=draw(EGRESS),
        autoscaling=draw(st.none() | st.just(Autoscaling(max_replicas=3))),
        resources=draw(
            st.builds(
                Resources,
                request_cpu_milli=st.none() | st.integers(1, 10**6),
                limit_memory_bytes=st.none() | st.integers(1, 2**50),
            )
        ),
    )


FACTS_OF_CLUSTERS = st.builds(
    lambda restricted, upstreams, ranges: msgspec.structs.replace(
        CLUSTER_FACTS,
        restricted=restricted,
        private_upstreams=tuple(upstreams),
        cluster_ranges=tuple(ranges),
    ),
    st.booleans(),
    st.lists(CIDRS | st.sampled_from(["10.0.0.0/8", "fd00::/8", "100.64.0.0/10"]), max_size=3),
    st.lists(CIDRS.filter(lambda cidr: cidr not in ("0.0.0.0/0", "::/0")), max_size=3),
)
