import hashlib
from typing import Any

import msgspec
import pytest

from pai.gateway.routes import RouteTable
from pai.gateway.ways import CLIENTS
from pai.ir.agent import Limits, Price
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot, Network

TOKEN = "agent-token"


def binding(name: str, **changes: Any) -> GatewayBinding:
    made = GatewayBinding(
        id=f"ns/{name}",
        provider="openai",
        model=f"gpt-4o-{name}",
        endpoint="https://api.openai.com/v1",
        api_key="sk-real",
    )
    return msgspec.structs.replace(made, **changes)


def table(*bindings: GatewayBinding, limits: Limits | None = None) -> RouteTable:
    agent = GatewayAgent(
        id="ns/a",
        token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest(),
        bindings=tuple(each.id for each in bindings),
        limits=limits or Limits(),
    )
    network = Network(nameservers=())
    return RouteTable(
        GatewaySnapshot(version=1, agents=(agent,), bindings=bindings, network=network)
    )


def names(found: RouteTable, model: str | None) -> list[str]:
    agent = found.agent(b"Bearer " + TOKEN.encode())
    assert agent is not None
    return [route.name for route in agent.chain(model)]


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (b"Bearer agent-token", True),
        (b"bearer agent-token", True),
        (b"Bearer  agent-token ", True),
        (b"Bearer agent-toke", False),
        (b"Bearer ", False),
        (b"Basic agent-token", False),
        (b"agent-token", False),
        (b"", False),
        (None, False),
        (b"Bearer \xff\x00", False),
    ],
)
def test_only_the_token_itself_opens(header: bytes | None, known: bool) -> None:
    assert (table(binding("x")).agent(header) is not None) == known


def test_a_model_is_named_by_binding_by_vendors_id_or_not_at_all() -> None:
    found = table(binding("one"), binding("two"))
    assert names(found, None) == names(found, "default") == names(found, "") == ["one", "two"]
    assert names(found, "two") == names(found, "gpt-4o-two") == ["two"]
    assert names(found, "gpt-4o") == []
    assert names(found, "ns/one") == []


def test_the_name_of_a_binding_wins_over_a_vendors_id() -> None:
    found = table(binding("one", model="two"), binding("two"))
    assert names(found, "two") == ["two"]


def test_fallback_goes_on_from_the_named_one() -> None:
    found = table(binding("one"), binding("two", fallback=True), binding("three"))
    assert names(found, "two") == ["two", "three"]
    assert names(found, "one") == ["one"]


def test_a_route_carries_what_the_job_needs() -> None:
    found = table(
        binding("one", endpoint="http://127.0.0.1:9/base/", limits=Limits(5, 70)),
        limits=Limits(9, 100),
    )
    agent = found.agent(b"Bearer agent-token")
    assert agent is not None
    [route] = agent.routes
    assert route.endpoint is not None
    assert (route.endpoint.scheme, route.endpoint.port) == ("http", 9)
    assert route.endpoint.partition == hashlib.sha256(b"sk-real").hexdigest()
    way = route.ways["openai.chat"]
    assert way.native
    assert way.target == way.stream_target == b"/base/chat/completions"
    assert way.key == [(b"authorization", b"Bearer sk-real")]
    assert route.max_per_request == 70
    assert route.subjects == ("agent:ns/a", "model:ns/one")
    assert found.limits == {"agent:ns/a": 9, "model:ns/one": 5}


def test_keys_never_share_connections() -> None:
    found = table(binding("one"), binding("two", api_key="sk-other"), binding("three"))
    agent = found.agent(b"Bearer agent-token")
    assert agent is not None
    one, two, three = (route.endpoint for route in agent.routes)
    assert one == three != two


def test_without_a_key_no_header_is_set() -> None:
    agent = table(binding("one", api_key=None)).agent(b"Bearer agent-token")
    assert agent is not None
    assert all(way.key == [] for way in agent.routes[0].ways.values())
    assert agent.routes[0].redactor is None


GEMINI = ["gemini.embed", "gemini.embed_one", "gemini.generate"]
OLDER = ["openai.chat", "openai.completions", "openai.embeddings"]


@pytest.mark.parametrize(
    ("provider", "endpoint", "native"),
    [
        ("anthropic", "https://api.anthropic.com", ["anthropic.messages"]),
        ("anthropic", "https://api.anthropic.com/v1/", ["anthropic.messages"]),
        ("anthropic", "http://10.0.0.1:8000", ["anthropic.messages"]),
        (
            "gemini",
            "https://generativelanguage.googleapis.com",
            GEMINI,
        ),
        ("gemini", "http://10.0.0.1:8000/v1beta", GEMINI),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", OLDER),
        ("openrouter", "https://openrouter.ai/api/v1", OLDER),
        ("openai", "http://10.0.0.1:8000/v1", OLDER),
        ("openai", "https://api.openai.com/v1", [*OLDER, "openai.responses"]),
    ],
)
def test_what_an_endpoint_speaks_passes_and_the_rest_is_translated(
    provider: str, endpoint: str, native: list[str]
) -> None:
    agent = table(binding("one", provider=provider, endpoint=endpoint)).agent(b"Bearer agent-token")
    assert agent is not None
    [route] = agent.routes
    assert sorted(name for name, way in route.ways.items() if way.native) == sorted(native)
    embedding = {"openai.embeddings", "gemini.embed", "gemini.embed_one"}
    without = embedding if provider == "anthropic" else set()
    assert set(route.ways) == set(CLIENTS) - without


def test_an_endpoint_that_is_no_url_says_so() -> None:
    agent = table(binding("one", endpoint="ftp://x")).agent(b"Bearer agent-token")
    assert agent is not None
    [route] = agent.routes
    assert route.endpoint is None
    assert not route.ways
    assert "URL" in route.unserved


def test_reasoning_models_of_openai_are_asked_where_reasoning_is_kept() -> None:
    for model, vendor in (("gpt-5", "openai.responses"), ("gpt-4o", "openai.chat")):
        agent = table(binding("one", model=model)).agent(b"Bearer agent-token")
        assert agent is not None
        assert agent.routes[0].ways["anthropic.messages"].vendor.name == vendor


def test_running_state_outlives_a_snapshot_and_follows_its_limits() -> None:
    before = table(binding("one"), binding("two"))
    one = before.agent(b"Bearer agent-token")
    assert one is not None
    after = RouteTable(
        msgspec.structs.replace(
            before.snapshot, bindings=(binding("one", limits=Limits(max_concurrent=3)),)
        ),
        before,
    )
    two = after.agent(b"Bearer agent-token")
    assert two is not None
    assert [route.name for route in two.routes] == ["one"]
    assert two.routes[0].health is one.routes[0].health
    assert two.routes[0].health.gate.limit == 3
    assert two.gate is one.gate


def test_own_prices_win_and_the_cap_is_spelled_as_the_vendor_takes_it() -> None:
    own = Price(1.0, 2.0)
    found = table(
        binding("one", prices=own), binding("two", model="o3-mini"), binding("three", model="gpt-5")
    )
    agent = found.agent(b"Bearer agent-token")
    assert agent is not None
    one, two, three = agent.routes
    assert one.price == own
    assert one.cap_field == "max_tokens"
    assert two.cap_field == three.cap_field == "max_completion_tokens"
