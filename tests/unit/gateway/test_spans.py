"""Spans on their way to a collector: batches, outages, refusals, and an end."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from tests.unit.gateway.test_telemetry import KEY, binding, snapshot
from tests.unit.wire.kernel import Kernel

from pai.budget.price import Tokens
from pai.gateway import spans as spans_module
from pai.gateway.spans import MOST_SPANS, Spans
from pai.ir.snapshot import GatewaySnapshot
from pai.wire.exchange import Exchange

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


class Collector:
    """Keeps what it is sent; answers with `status` and `answer`."""

    def __init__(self) -> None:
        self.paths: list[bytes] = []
        self.spans: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.status = 200
        self.answer = b"{}"

    async def handle(self, exchange: Exchange) -> None:
        self.paths.append(exchange.head.target)
        assert exchange.head.get(b"content-type") == b"application/json"
        body = json.loads(await exchange.read_body(10_000_000))
        found = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
        if self.status == 200:
            self.spans += found
        self.batches.append(len(found))
        await exchange.respond(self.status, [], self.answer)


def told(port: int, ratio: float = 1.0, path: str = "") -> GatewaySnapshot:
    return msgspec.structs.replace(
        snapshot(binding()),
        otlp_endpoint=f"http://127.0.0.1:{port}{path}",
        trace_sample_ratio=ratio,
    )


def add(spans: Spans, traceparent: bytes | None = None) -> None:
    spans.add(traceparent, KEY, Tokens(10, 5), 7, 1.5, 0.5)


def counts(spans: Spans) -> list[str]:
    return [lines.rpartition(" ")[2].strip() for _, lines in spans.pieces("0")]


async def test_calls_arrive_as_children_of_their_requests(kernel: Kernel) -> None:
    collector = Collector()
    spans = Spans("w")
    spans.apply(told(await kernel.server(collector.handle), path="/otlp/"))
    add(spans, PARENT)
    add(spans, b"nonsense")
    await spans.flush()
    assert collector.paths == [b"/otlp/v1/traces"]
    child, root = collector.spans
    assert child["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert child["parentSpanId"] == "00f067aa0ba902b7"
    assert "parentSpanId" not in root and len(root["traceId"]) == 32
    assert int(child["endTimeUnixNano"]) - int(child["startTimeUnixNano"]) == 1_500_000_000
    assert counts(spans) == ["0", "2"]
    await spans.close(1.0)


async def test_what_does_not_fit_is_dropped_and_counted(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans_module, "MOST_SPANS", 5)
    monkeypatch.setattr(spans_module, "BATCH", 2)
    collector = Collector()
    spans = Spans("w")
    spans.apply(told(await kernel.server(collector.handle)))
    for _ in range(8):
        add(spans)
    await spans.flush()
    assert collector.batches == [2, 2, 1]
    assert counts(spans) == ["3", "5"]
    await spans.close(1.0)


async def test_a_collector_that_is_away_gets_them_later(kernel: Kernel) -> None:
    collector = Collector()
    collector.status = 503
    spans = Spans("w")
    spans.apply(told(await kernel.server(collector.handle)))
    add(spans)
    await spans.flush()
    assert counts(spans) == ["0", "0"]
    collector.status = 200
    await spans.flush()
    assert len(collector.spans) == 1 and counts(spans) == ["0", "1"]
    await spans.close(1.0)


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (400, b"", ["2", "0"]),
        (200, b'{"partialSuccess":{"rejectedSpans":"1"}}', ["1", "1"]),
        (200, b'{"partialSuccess":{"rejectedSpans":-9}}', ["0", "2"]),
        (200, b"not json", ["0", "2"]),
    ],
)
async def test_what_a_collector_refuses_is_not_sent_again(
    kernel: Kernel, status: int, answer: bytes, expected: list[str]
) -> None:
    collector = Collector()
    collector.status, collector.answer = status, answer
    spans = Spans("w")
    spans.apply(told(await kernel.server(collector.handle)))
    add(spans)
    add(spans)
    await spans.flush()
    assert counts(spans) == expected
    await spans.flush()
    assert len(collector.batches) == 1
    await spans.close(1.0)


async def test_without_a_collector_nothing_is_kept(kernel: Kernel) -> None:
    spans = Spans("w")
    add(spans)
    spans.apply(snapshot(binding()))
    add(spans)
    assert counts(spans) == []
    spans.apply(told(1, ratio=0.0))
    add(spans)
    spans.apply(told(1))
    spans.add(None, ("ns/a", "ns/gone", "openai.chat"), Tokens(), 0, 1.0)
    add(spans)
    spans.apply(msgspec.structs.replace(told(1), otlp_endpoint="ftp://x"))  # control checks it
    add(spans)
    assert counts(spans) == ["2", "0"]
    await spans.close(0.1)


async def test_a_collector_that_hangs_holds_up_no_end(kernel: Kernel) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    spans = Spans("w")
    spans.apply(told(await kernel.scripted(hang)))
    add(spans)
    running = asyncio.ensure_future(spans.run())
    async with asyncio.timeout(2):
        await spans.close(0.2)
    running.cancel()
    assert counts(spans) == ["1", "0"]
    assert MOST_SPANS > 1


async def test_metadata_services_are_no_collectors() -> None:
    spans = Spans("w")
    metadata = "http://169.254.169.254"
    spans.apply(msgspec.structs.replace(told(1), otlp_endpoint=metadata))
    add(spans)
    await spans.flush()
    assert spans._failures == 1 and counts(spans) == ["0", "0"]
    await spans.close(0.1)
