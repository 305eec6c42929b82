"""What prepare is told in each mode."""

from tests.fakes.agents import FACTS

from pai.ir.agent import Agent, AgentKey, Volume
from pai.ir.prepare import VolumeOwner
from pai.render.plan import prepare_plan

AGENT = Agent(
    key=AgentKey("default", "demo"),
    uid="u",
    host_id="h",
    generation=1,
    image="agent:1",
    run_as_user=1000,
    volumes=(Volume("data", "/data", 1),),
)


def test_a_privileged_step_sets_rules_and_owns_volumes() -> None:
    plan = prepare_plan(AGENT, FACTS)
    assert plan.rules
    assert plan.volumes == (VolumeOwner("/run/pai-volumes/0", 1000),)
    assert plan.inbound_ports == (8082,)


def test_an_unprivileged_one_does_neither() -> None:
    plan = prepare_plan(AGENT, FACTS, privileged=False, inbound_ports=(1, 2))
    assert not plan.rules
    assert plan.volumes == ()
    assert plan.inbound_ports == (1, 2)
