"""Figures of calls: where they are counted, for how long, and that scrapers can read them."""

import timeit
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pai.budget.price import Tokens
from pai.gateway.exposition import exposed
from pai.gateway.telemetry import (
    DURATION_BOUNDS,
    ERRORS,
    FAMILIES,
    TOKEN_BOUNDS,
    Telemetry,
    operation_of,
)
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot, Network

KEY = ("ns/a", "ns/one", "openai.chat")
LABELS = {
    "worker": "0",
    "pai_agent": "ns/a",
    "pai_binding": "ns/one",
    "gen_ai_provider_name": "openai",
    "gen_ai_request_model": "gpt-4o",
    "gen_ai_operation_name": "chat",
}


def binding(name: str = "one", model: str = "gpt-4o", provider: str = "openai") -> GatewayBinding:
    return GatewayBinding(
        id=f"ns/{name}", provider=provider, model=model, endpoint="https://x/v1", api_key=None
    )


def snapshot(*bindings: GatewayBinding, agents: tuple[str, ...] = ("ns/a",)) -> GatewaySnapshot:
    names = tuple(each.id for each in bindings)
    known = tuple(GatewayAgent(id=each, token_sha256="", bindings=names) for each in agents)
    return GatewaySnapshot(
        version=1, agents=known, bindings=bindings, network=Network(nameservers=())
    )


@pytest.fixture
def telemetry() -> Telemetry:
    made = Telemetry()
    made.keep(snapshot(binding()))
    return made


def samples(telemetry: Telemetry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample by name and labels, as Prometheus' own parser reads the text."""
    pieces = telemetry.pieces("0")
    text = exposed(FAMILIES, [{name: lines.encode()} for name, lines in pieces]).decode()
    found = {}
    for each in text_string_to_metric_families(text):
        for sample in each.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(telemetry: Telemetry, name: str, **more: str) -> float | None:
    return samples(telemetry).get((name, frozenset({**LABELS, **more}.items())))


def test_a_streamed_call_is_in_every_histogram(telemetry: Telemetry) -> None:
    telemetry.observe(KEY, Tokens(1200, 101, 200, 0, 50), 2_500_000, 2.4, 0.4)
    name = "gen_ai_client_token_usage"
    for kind, count in (("input", 1200), ("output", 101)):
        assert value(telemetry, f"{name}_sum", gen_ai_token_type=kind) == count
        assert value(telemetry, f"{name}_count", gen_ai_token_type=kind) == 1
    assert value(telemetry, f"{name}_bucket", gen_ai_token_type="input", le="1024") == 0
    assert value(telemetry, f"{name}_bucket", gen_ai_token_type="input", le="4096") == 1
    assert value(telemetry, "gen_ai_server_request_duration_seconds_sum") == 2.4
    assert value(telemetry, "gen_ai_server_time_to_first_token_seconds_sum") == 0.4
    each = value(telemetry, "gen_ai_server_time_per_output_token_seconds_sum")
    assert each == pytest.approx(0.02)
    assert value(telemetry, "pai_gateway_cached_tokens_total") == 200
    assert value(telemetry, "pai_gateway_written_tokens_total") == 50
    assert value(telemetry, "pai_gateway_cost_usd_total") == 2.5


def test_an_answer_in_one_piece_has_no_first_token(telemetry: Telemetry) -> None:
    telemetry.observe(KEY, Tokens(5, 5), 0, 1.0)
    assert value(telemetry, "gen_ai_server_request_duration_seconds_count") == 1
    assert value(telemetry, "gen_ai_server_time_to_first_token_seconds_count") is None
    assert value(telemetry, "gen_ai_server_time_per_output_token_seconds_count") is None


def test_reasoning_comes_before_the_first_token_that_is_seen(telemetry: Telemetry) -> None:
    telemetry.observe(KEY, Tokens(5, 1011, 0, 1000), 0, 2.0, 1.0)
    assert value(telemetry, "gen_ai_server_time_per_output_token_seconds_sum") == 0.1
    telemetry.observe(KEY, Tokens(5, 1, 0, 0), 0, 2.0, 1.0)
    assert value(telemetry, "gen_ai_server_time_per_output_token_seconds_count") == 1


def test_errors_are_durations_of_their_own_and_few(telemetry: Telemetry) -> None:
    telemetry.observe(KEY, Tokens(10, 2), 7, 3.0, 0.0, "interrupted")
    telemetry.observe(KEY, Tokens(), 0, 0.1, 0.0, "a text of the vendor")
    name = "gen_ai_server_request_duration_seconds_count"
    assert value(telemetry, name) is None
    assert value(telemetry, name, error_type="interrupted") == 1
    assert value(telemetry, name, error_type="_OTHER") == 1
    tokens = "gen_ai_client_token_usage_sum"
    assert value(telemetry, tokens, gen_ai_token_type="input") == 10
    assert "interrupted" in ERRORS


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**30), min_size=1))
def test_tokens_are_counted_in_the_convention_s_buckets(counts: list[int]) -> None:
    telemetry = Telemetry()
    telemetry.keep(snapshot(binding()))
    for count in counts:
        telemetry.observe(KEY, Tokens(count, 0), 0, 0.5)
    some = [count for count in counts if count]  # what is not there is not observed
    found, name = samples(telemetry), "gen_ai_client_token_usage_bucket"
    for bound in TOKEN_BOUNDS if some else ():
        own = {**LABELS, "gen_ai_token_type": "input", "le": str(bound)}
        within = found[name, frozenset(own.items())]
        assert within == sum(count <= bound for count in some)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.011, 81.92, 82.0])
def test_a_bound_belongs_to_its_bucket(telemetry: Telemetry, seconds: float) -> None:
    telemetry.observe(KEY, Tokens(1, 1), 0, seconds)
    for bound in DURATION_BOUNDS:
        name = "gen_ai_server_request_duration_seconds_bucket"
        assert value(telemetry, name, le=str(bound)) == (seconds <= bound)


def test_what_is_gone_is_forgotten_and_does_not_come_back(telemetry: Telemetry) -> None:
    telemetry.observe(KEY, Tokens(1, 1), 0, 1.0)
    telemetry.refused("ns/a", "spent")
    telemetry.keep(snapshot(binding()))
    assert value(telemetry, "pai_gateway_cost_usd_total") == 0
    telemetry.keep(snapshot(binding(), agents=("ns/b",)))
    telemetry.observe(KEY, Tokens(1, 1), 0, 1.0)  # it was still running
    telemetry.refused("ns/a", "busy")
    assert samples(telemetry) == {}


def test_another_model_of_a_binding_starts_anew(telemetry: Telemetry) -> None:
    telemetry.observe(KEY, Tokens(1, 1), 9, 1.0)
    telemetry.keep(snapshot(binding(model="gpt-4o-mini")))
    assert samples(telemetry) == {}
    telemetry.observe(KEY, Tokens(1, 1), 0, 1.0)
    assert value(telemetry, "pai_gateway_cost_usd_total", gen_ai_request_model="gpt-4o-mini") == 0


def test_dialects_for_the_same_operation_are_one_series(telemetry: Telemetry) -> None:
    telemetry.observe(KEY, Tokens(1, 1), 0, 1.0)
    telemetry.observe((*KEY[:2], "anthropic.messages"), Tokens(1, 1), 0, 1.0)
    assert value(telemetry, "gen_ai_server_request_duration_seconds_count") == 2


def test_refusals_are_counted_by_agent_and_reason(telemetry: Telemetry) -> None:
    telemetry.refused("ns/a", "spent")
    telemetry.refused("ns/a", "spent")
    labels = frozenset({"worker": "0", "pai_agent": "ns/a", "reason": "spent"}.items())
    assert samples(telemetry)["pai_gateway_budget_refusals_total", labels] == 2


def test_names_of_models_can_t_break_out_of_a_label() -> None:
    telemetry = Telemetry()
    name = 'a"b\\c\nd{},'
    telemetry.keep(snapshot(binding(model=name, provider="gemini")))
    telemetry.observe(KEY, Tokens(1, 1), 0, 1.0)
    more = {"gen_ai_request_model": name, "gen_ai_provider_name": "gcp.gemini"}
    assert value(telemetry, "pai_gateway_cost_usd_total", **more) == 0


@pytest.mark.parametrize(
    ("dialect", "operation"),
    [
        ("openai.chat", "chat"),
        ("openai.responses", "chat"),
        ("anthropic.messages", "chat"),
        ("openai.completions", "text_completion"),
        ("openai.embeddings", "embeddings"),
        ("gemini.generate", "generate_content"),
        ("gemini.embed", "embeddings"),
        ("gemini.embed_one", "embeddings"),
    ],
)
def test_operations_have_the_convention_s_names(dialect: str, operation: str) -> None:
    assert operation_of(dialect) == operation


def test_an_observation_is_cheap(telemetry: Telemetry) -> None:
    """Ten times what was measured on an idle core, so that a busy one does not fail."""
    tokens, agent, name, dialect = Tokens(1200, 350), *KEY

    def once() -> Any:
        telemetry.observe((agent, name, dialect), tokens, 1234, 3.2, 0.4)

    assert min(timeit.repeat(once, number=2000, repeat=5)) / 2000 < 10e-6
