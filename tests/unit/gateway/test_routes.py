import hashlib
from typing import Any

import msgspec
import pytest

from pai.gateway.routes import RouteTable
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
    assert route.target == b"/base/chat/completions"
    assert route.authorization == b"Bearer sk-real"
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
    assert agent.routes[0].authorization is None
    assert agent.routes[0].redactor is None


@pytest.mark.parametrize(
    ("provider", "endpoint", "served"),
    [
        ("anthropic", "https://api.anthropic.com", False),
        ("anthropic", "https://api.anthropic.com/", False),
        ("anthropic", "https://api.anthropic.com/v1", True),
        ("gemini", "https://generativelanguage.googleapis.com", False),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta", False),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", True),
        ("gemini", "http://10.0.0.1:8000/v1", True),
        ("openrouter", "https://openrouter.ai/api/v1", True),
        ("openai", "ftp://x", False),
    ],
)
def test_vendors_without_an_openai_endpoint_say_so(
    provider: str, endpoint: str, served: bool
) -> None:
    agent = table(binding("one", provider=provider, endpoint=endpoint)).agent(b"Bearer agent-token")
    assert agent is not None
    [route] = agent.routes
    assert (route.endpoint is not None) == served
    assert bool(route.unserved) != served


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
