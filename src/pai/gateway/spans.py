"""Sends one span for each call of a model to a collector, where the platform names one.

A call only puts its figures into a list; a task sends them in batches. When the collector is away
or slow the list fills, and what does not fit is dropped and counted: no request ever waits.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from pai.budget.price import Tokens
from pai.errors import PaiError
from pai.gateway.exposition import Families, Piece, labels, sample
from pai.gateway.otlp import Span, export_request, parent_of
from pai.gateway.telemetry import operation_of, provider_of
from pai.ir.snapshot import GatewayBinding, GatewaySnapshot, Network
from pai.wire import log, tls
from pai.wire.client import ClientPool
from pai.wire.dial import Dialer
from pai.wire.endpoint import Endpoint
from pai.wire.limits import ClientLimits

MOST_SPANS = 4096
BATCH = 128
SECONDS = 2.0
MOST_PAUSE_SECONDS = 60.0
_SPANS = "pai_gateway_spans_total"
FAMILIES: Families = {_SPANS: ("counter", "Spans sent to the collector, and dropped ones")}
_LIMITS = ClientLimits(
    connect_seconds=5.0, first_byte_seconds=10.0, idle_seconds=5.0, total_seconds=15.0
)
_ANSWER_BYTES = 64 * 1024
_HEADERS = [(b"content-type", b"application/json"), (b"user-agent", b"pai-gateway")]
_MAY_PASS = frozenset((429, 502, 503, 504))
# The platform's own setting may lead to private addresses; metadata services stay refused.
_PRIVATE = ("0.0.0.0/0", "::/0")


class Spans:
    """The exporter of one worker. worker: tells the processes apart. on: spans are wanted."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self.on = False
        self._ratio = 0.0
        self._bindings: dict[str, GatewayBinding] = {}
        self._waiting: deque[Span] = deque()
        self._target: tuple[str, Network] | None = None
        self._collector: _Collector | None = None
        self._failures = 0
        self.sent = self.dropped = 0

    def apply(self, snapshot: GatewaySnapshot) -> None:
        """Work by a new snapshot from now on."""
        self._bindings = {binding.id: binding for binding in snapshot.bindings}
        target = (snapshot.otlp_endpoint, snapshot.network) if snapshot.otlp_endpoint else None
        self._ratio = snapshot.trace_sample_ratio
        if target != self._target:
            self._change(target)
        self.on = self._collector is not None and self._ratio > 0.0

    def _change(self, target: tuple[str, Network] | None) -> None:
        """Send to another collector from now on, or to none."""
        if self._collector is not None:
            self._collector.close()
        self._target, self._failures = target, 0
        self._collector = None if target is None else _collector(*target)
        if self._collector is None:
            self._drop(len(self._waiting))

    def add(
        self,
        traceparent: bytes | None,
        key: tuple[str, str, str],
        tokens: Tokens,
        cost_microusd: int,
        seconds: float,
        first_seconds: float = 0.0,
        error: str = "",
    ) -> None:
        """Note one call that ends now; arguments as of `Telemetry.observe`.

        traceparent: the request's own header; whether it is sampled is decided here alone.
        """
        if not self.on or random.random() >= self._ratio:
            return
        binding = self._bindings.get(key[1])
        if binding is None or len(self._waiting) >= MOST_SPANS:
            self.dropped += 1
            return
        parent = parent_of(traceparent)
        end = time.time_ns()
        span = Span(
            trace_id=parent.trace_id if parent else f"{random.getrandbits(128) or 1:032x}",
            span_id=f"{random.getrandbits(64) or 1:016x}",
            parent_id=parent.span_id if parent else "",
            operation=operation_of(key[2]),
            provider=provider_of(binding.provider),
            model=binding.model,
            agent=key[0],
            binding=key[1],
            tokens=tokens,
            cost_microusd=cost_microusd,
            start_ns=end - int(seconds * 1e9),
            end_ns=end,
            first_ns=int(first_seconds * 1e9),
            error=error,
        )
        self._waiting.append(span)

    def pieces(self, worker: str) -> Iterator[Piece]:
        """Yield the figures; none while spans are not wanted."""
        if self._target is not None or self.sent or self.dropped:
            for result, count in (("dropped", self.dropped), ("sent", self.sent)):
                yield sample(_SPANS, labels(worker=worker, result=result), count)

    async def run(self) -> None:
        """Send what there is, again and again, until cancelled."""
        while True:
            pause = min(SECONDS * 2.0 ** min(self._failures, 10), MOST_PAUSE_SECONDS)
            await asyncio.sleep(pause if self._failures else SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Send batches until none is left, or one fails for now."""
        while self._waiting and self._collector is not None:
            size = min(BATCH, len(self._waiting))
            batch = [self._waiting[place] for place in range(size)]
            collector = self._collector
            result = await collector.send(export_request(batch, self._worker))
            if collector is not self._collector:
                return  # the snapshot has changed; what waits is for the new one
            if isinstance(result, str):
                self._note_failure(result)
                return
            for _ in batch:
                self._waiting.popleft()
            self._failures = 0
            rejected = min(result, size)
            self.sent += size - rejected
            self.dropped += rejected

    async def close(self, seconds: float) -> None:
        """Send what is left, for so long at most."""
        try:
            async with asyncio.timeout(seconds):
                await self.flush()
        except TimeoutError:
            pass
        self._drop(len(self._waiting))
        if self._collector is not None:
            self._collector.close()

    def _drop(self, count: int) -> None:
        self._waiting.clear()
        self.dropped += count

    def _note_failure(self, reason: str) -> None:
        self._failures += 1
        if self._failures == 1 or self._failures % 20 == 0:
            log.warning("spans can't be sent", reason=reason, waiting=len(self._waiting))


def _collector(url: str, network: Network) -> "_Collector | None":
    try:
        return _Collector(url, network)
    except ValueError as error:  # control has checked it: a snapshot is worth more than spans
        log.error("spans are not sent", reason=str(error))
        return None


class _Collector:
    """Where spans go. Raises ValueError for what is no URL of it."""

    def __init__(self, url: str, network: Network) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("otlpEndpoint is not an http or https URL")
        scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
        port = parts.port or (443 if scheme == "https" else 80)
        self._endpoint = Endpoint(scheme, parts.hostname, port)
        self._target = f"{parts.path.rstrip('/')}/v1/traces".encode("ascii")
        open_network = msgspec.structs.replace(network, private_upstreams=_PRIVATE)
        context = tls.client_context(network.extra_ca_pem) if scheme == "https" else None
        self._pool = ClientPool(Dialer(open_network, declared=True), context, _LIMITS)

    async def send(self, body: bytes) -> int | str:
        """Post one batch: how many spans of it were refused, or why it should be tried again."""
        try:
            response = await self._pool.send(
                self._endpoint, b"POST", self._target, [*_HEADERS], body
            )
            answer = await response.read(_ANSWER_BYTES)
        except PaiError as error:
            return error.message
        status = response.head.status
        if status in _MAY_PASS:
            return f"the collector answered {status}"
        if not 200 <= status < 300:
            log.warning("the collector refuses spans", status=status)
            return MOST_SPANS
        return _rejected(answer)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Partial(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0


class _Answer(msgspec.Struct, rename="camel"):
    partial_success: _Partial | None = None


def _rejected(answer: bytes) -> int:
    """Return how many spans a collector took no notice of; 0 where it does not say."""
    try:
        partial = msgspec.json.decode(answer or b"{}", type=_Answer).partial_success
        return max(0, int(partial.rejected_spans)) if partial else 0
    except (msgspec.DecodeError, ValueError):
        return 0
