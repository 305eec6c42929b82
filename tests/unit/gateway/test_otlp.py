import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.budget.price import Tokens
from pai.gateway.otlp import Parent, Span, export_request, parent_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("text", [f"00-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-00-what-comes"])
def test_a_valid_parent_is_taken(text: str) -> None:
    assert parent_of(text.encode()) == Parent(TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert parent_of(text.encode()) is None


@given(st.binary())
def test_no_bytes_upset_it(text: bytes) -> None:
    assert parent_of(text) is None


def test_a_span_in_json_as_the_protocol_writes_it() -> None:
    span = Span(
        trace_id=TRACE,
        span_id="1" * 16,
        parent_id=SPAN,
        operation="chat",
        provider="openai",
        model="gpt-4o",
        agent="ns/a",
        binding="ns/one",
        tokens=Tokens(10, 5, 3, 2, 1),
        cost_microusd=1_500_000,
        start_ns=1_000,
        end_ns=2_000_001_000,
        first_ns=500_000_000,
        error="interrupted",
    )
    body = json.loads(
        export_request([span, span._replace(parent_id="", error="", first_ns=0)], "w")
    )
    [resource] = body["resourceSpans"]
    assert attributes(resource["resource"])["service.name"] == {"stringValue": "pai-gateway"}
    [scope] = resource["scopeSpans"]
    one, two = scope["spans"]
    assert (one["traceId"], one["spanId"], one["parentSpanId"]) == (TRACE, "1" * 16, SPAN)
    assert (one["name"], one["kind"]) == ("chat gpt-4o", 3)
    assert (one["startTimeUnixNano"], one["endTimeUnixNano"]) == ("1000", "2000001000")
    assert one["status"] == {"code": 2, "message": "interrupted"}
    assert attributes(one) == {
        "gen_ai.operation.name": {"stringValue": "chat"},
        "gen_ai.provider.name": {"stringValue": "openai"},
        "gen_ai.request.model": {"stringValue": "gpt-4o"},
        "gen_ai.usage.input_tokens": {"intValue": "10"},
        "gen_ai.usage.output_tokens": {"intValue": "5"},
        "gen_ai.usage.cache_read.input_tokens": {"intValue": "3"},
        "gen_ai.usage.cache_creation.input_tokens": {"intValue": "1"},
        "gen_ai.usage.reasoning.output_tokens": {"intValue": "2"},
        "gen_ai.response.time_to_first_chunk": {"doubleValue": 0.5},
        "pai.agent": {"stringValue": "ns/a"},
        "pai.binding": {"stringValue": "ns/one"},
        "pai.cost_usd": {"doubleValue": 1.5},
        "error.type": {"stringValue": "interrupted"},
    }
    assert not {"parentSpanId", "status"} & two.keys()
    assert not {"error.type", "gen_ai.response.time_to_first_chunk"} & attributes(two).keys()


def attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in holder["attributes"]}
