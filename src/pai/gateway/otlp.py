"""Spans as OTLP over HTTP takes them, in JSON; and whose child a request is. Pure.

A span tells who called which model, how much of it and how long. What was said is not in it.
Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp (ids in hex, 64-bit numbers as text);
https://github.com/open-telemetry/semantic-conventions-genai (gen-ai-spans.md);
https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from pai import __version__
from pai.budget.price import Tokens

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.S)
_KIND_CLIENT, _STATUS_ERROR = 3, 2


class Parent(NamedTuple):
    """A request's own place in a trace: ids in hex."""

    trace_id: str
    span_id: str


class Span(NamedTuple):
    """One call of a model. Times in nanoseconds since 1970.

    first_ns: from the start to the first token of a streamed answer, else 0. error: empty for a
    good answer.
    """

    trace_id: str
    span_id: str
    parent_id: str
    operation: str
    provider: str
    model: str
    agent: str
    binding: str
    tokens: Tokens
    cost_microusd: int
    start_ns: int
    end_ns: int
    first_ns: int = 0
    error: str = ""


def parent_of(traceparent: bytes | None) -> Parent | None:
    """Return what a `traceparent` says, or None when it is not valid."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None:
        return None
    version, trace_id, span_id, more = match.groups()
    if version == b"ff" or (version == b"00" and more):
        return None
    if not trace_id.strip(b"0") or not span_id.strip(b"0"):
        return None
    return Parent(trace_id.decode(), span_id.decode())


def export_request(spans: Iterable[Span], worker: str) -> bytes:
    """Return the body of an export. worker: tells the processes apart."""
    resource = {
        "service.name": "pai-gateway",
        "service.version": __version__,
        "service.instance.id": worker,
    }
    scope = {"name": "pai.gateway", "version": __version__}
    found = {"scope": scope, "spans": [_span(span) for span in spans]}
    body = {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [found]}
    return msgspec.json.encode({"resourceSpans": [body]})


def _span(span: Span) -> dict[str, Any]:
    written: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": f"{span.operation} {span.model}",
        "kind": _KIND_CLIENT,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(_facts(span)),
    }
    if span.parent_id:
        written["parentSpanId"] = span.parent_id
    if span.error:
        written["status"] = {"code": _STATUS_ERROR, "message": span.error}
    return written


def _facts(span: Span) -> dict[str, str | int | float]:
    tokens = span.tokens
    facts: dict[str, str | int | float] = {
        "gen_ai.operation.name": span.operation,
        "gen_ai.provider.name": span.provider,
        "gen_ai.request.model": span.model,
        "gen_ai.usage.input_tokens": tokens.input,
        "gen_ai.usage.output_tokens": tokens.output,
        "gen_ai.usage.cache_read.input_tokens": tokens.cached,
        "gen_ai.usage.cache_creation.input_tokens": tokens.written,
        "gen_ai.usage.reasoning.output_tokens": tokens.reasoning,
        "pai.agent": span.agent,
        "pai.binding": span.binding,
        "pai.cost_usd": span.cost_microusd / 1_000_000,
    }
    if span.first_ns:
        facts["gen_ai.response.time_to_first_chunk"] = span.first_ns / 1e9
    if span.error:
        facts["error.type"] = span.error
    return facts


def _attributes(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in facts.items()]


def _value(value: str | int | float) -> dict[str, str | float]:
    if isinstance(value, str):
        return {"stringValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}
