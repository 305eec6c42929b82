import pytest

from pai.control.around import hindered, previous_status, spent_budget, url_of
from pai.errors import PaiError, TransientError
from pai.ir.agent import Agent, AgentKey, Limits, ModelBinding
from pai.ir.settings import Settings
from pai.ledger.balance import Balance
from pai.reconcile import REASONS, AgentStatus, Condition
from pai.runtime.errors import EngineUnavailableError
from pai.store.record import Record, ResourceKey

DAY = "2026-05-01"
MODEL = ModelBinding(
    namespace="default",
    name="gpt",
    provider="openai",
    model="x",
    endpoint="https://llm.test",
    secret=None,
    limits=Limits(50),
)
AGENT = Agent(
    key=AgentKey("default", "writer"),
    uid="u",
    host_id="abcdef",
    generation=1,
    image="i",
    models=(MODEL,),
    tokens=Limits(100),
)


@pytest.mark.parametrize(
    ("agent", "model", "words"),
    [
        (Balance(subject="", day=DAY, spent=99, reserved=500), None, ()),
        (Balance(subject="", day=DAY, spent=60, unaccounted=40), None, ("the agent", "100")),
        (None, Balance(subject="", day=DAY, spent=50), ("model 'gpt'", "50")),
    ],
)
def test_which_limit_is_reached(
    agent: Balance | None, model: Balance | None, words: tuple[str, ...]
) -> None:
    named = {"agent:default/writer": agent, "model:default/gpt": model}
    balances = {subject: balance for subject, balance in named.items() if balance}
    text = spent_budget(AGENT, balances)
    assert bool(text) == bool(words)
    assert all(word in text for word in words)


def test_the_url_names_the_agent_and_the_edges_port() -> None:
    settings = Settings(domain="agents.test", edge_port=81)
    assert url_of(AGENT, settings) == "http://abcdef.agents.test:81"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EngineUnavailableError("no socket"), "EngineUnavailable"),
        (TransientError("192.0.2.1:8010: Address already in use"), "PlatformFault"),
    ],
)
def test_a_hindrance_is_told_and_what_was_known_stays(error: PaiError, reason: str) -> None:
    ready = Condition(type="Ready", status="True", reason="Serving", last_transition_time="t0")
    paused = Condition(type="Paused", status="False", reason="Active")
    before = AgentStatus(phase="Running", ready_replicas=2, conditions=(ready, paused))
    told = hindered(before, 3, error, "t1")
    assert (told.phase, told.ready_replicas) == ("Running", 2)
    assert error.message in told.message and told.conditions[1] == paused
    first = told.conditions[0]
    assert (first.status, first.reason, first.last_transition_time) == ("Unknown", reason, "t1")
    assert hindered(told, 3, error, "t2") == told
    assert reason in REASONS
    new = hindered(None, 3, error, "t1")
    assert (new.phase, new.observed_generation) == ("Pending", 3)


def test_a_status_of_another_form_counts_as_none() -> None:
    record = Record(
        key=ResourceKey("AgentWorkload", "default", "a"),
        uid="u",
        generation=1,
        resource_version=1,
        created_at="",
        spec={},
        status={"phase": 5},
    )
    assert previous_status(record) is None
