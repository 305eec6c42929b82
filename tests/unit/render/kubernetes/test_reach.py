"""Which ports an agent's declarations ask for."""

import msgspec

from pai.ir.agent import Agent, AgentKey, Egress, EgressRule
from pai.ir.provider import Provider
from pai.render.kubernetes.reach import ports_outside, ports_within

AGENT = Agent(key=AgentKey("team", "a"), uid="u", host_id="h", generation=1, image="i")
GITHUB = Provider(name="g", type="github", hosts=("api.github.com",), auth_type="pat", secret=None)


def with_egress(*rules: EgressRule) -> Agent:
    return msgspec.structs.replace(AGENT, egress=Egress(rules))


def test_an_agent_with_models_alone_needs_nothing() -> None:
    assert ports_outside(AGENT) == ()
    assert ports_within(AGENT, ()) == []


def test_providers_need_tls() -> None:
    assert ports_outside(msgspec.structs.replace(AGENT, providers=(GITHUB,))) == (443,)


def test_hosts_need_their_ports() -> None:
    agent = with_egress(EgressRule("a.example", (443, 8443)), EgressRule("*.b.example", (22,)))
    assert ports_outside(agent) == (22, 443, 8443)


def test_audit_mode_needs_all_ports() -> None:
    assert ports_outside(msgspec.structs.replace(AGENT, egress=Egress(mode="audit"))) is None


def test_services_are_reached_in_their_namespace() -> None:
    agent = with_egress(
        EgressRule("db.data.svc", (5432,)),
        EgressRule("x.data.svc.cluster.local", (80,)),
        EgressRule("web-0.web.front.svc", (8080,)),
        EgressRule("*.cache.svc", (6379,)),
    )
    assert ports_outside(agent) == ()
    expected = [("cache", (6379,)), ("data", (80, 5432)), ("front", (8080,))]
    assert ports_within(agent, ()) == expected


def test_no_service_of_any_namespace_and_none_of_a_closed_one() -> None:
    agent = with_egress(
        EgressRule("*.svc.cluster.local", (80,)),
        EgressRule("lonely.svc", (80,)),
        EgressRule("pai-control.pai-system.svc", (8010,)),
    )
    assert ports_within(agent, ("pai-system",)) == []
    assert ports_outside(agent) == ()
