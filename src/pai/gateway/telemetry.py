"""What calls of models cost, in tokens, time and money: histograms under OpenTelemetry's names.

Whoever settles a call calls `observe` once; it is arithmetic on plain numbers. There is one series
for each agent, binding and operation of the snapshot, and none for what is gone.
Source: https://github.com/open-telemetry/semantic-conventions-genai (gen-ai-metrics.md), names as
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ writes them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from pai.budget.price import Tokens
from pai.gateway.exposition import Families, Piece, histogram, labels, sample
from pai.ir.snapshot import GatewaySnapshot

TOKEN_BOUNDS: Final = tuple(4**power for power in range(14))
DURATION_BOUNDS: Final[tuple[float, ...]] = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    *(1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
FIRST_TOKEN_BOUNDS: Final[tuple[float, ...]] = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
    *(0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
PER_TOKEN_BOUNDS: Final[tuple[float, ...]] = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5),
)
PROVIDERS: Final = {"gemini": "gcp.gemini"}  # where the convention's name is not ours
OPERATIONS: Final = {
    "completions": "text_completion",
    "embed": "embeddings",
    "embed_one": "embeddings",
    "embeddings": "embeddings",
    "generate": "generate_content",
}
"""The convention's names, by the last word of a dialect's; all others are `chat`."""
ERRORS: Final = frozenset(
    ("interrupted", "unreachable", "timeout", "refused", "broken", "rate_limited", "vendor_error")
)
"""What `error` may be; anything else is counted as `_OTHER`, so that series stay few."""

_HALVES: Final = 2 * len(TOKEN_BOUNDS)
_MOST_BITS: Final = 63


def provider_of(vendor: str) -> str:
    """Return the convention's name of a binding's vendor."""
    return PROVIDERS.get(vendor, vendor)


def operation_of(dialect: str) -> str:
    """Return the convention's name of what a dialect is for. dialect: as `openai.chat`."""
    return OPERATIONS.get(dialect.rpartition(".")[2], "chat")


class Series:
    """The figures of one agent's calls of one binding for one operation."""

    __slots__ = (
        *("cached", "cost", "durations", "errors", "first_sum", "firsts", "input", "inputs"),
        *("output", "outputs", "own", "per_token", "per_token_sum", "reasoning", "seconds"),
        "written",
    )

    def __init__(self, own: str) -> None:
        self.own = own
        self.inputs, self.outputs = (
            [0] * (_MOST_BITS + 1),
            [0] * (_MOST_BITS + 1),
        )  # by the bits of tokens - 1
        self.durations = [0] * (len(DURATION_BOUNDS) + 1)
        self.firsts = [0] * (len(FIRST_TOKEN_BOUNDS) + 1)
        self.per_token = [0] * (len(PER_TOKEN_BOUNDS) + 1)
        self.errors: dict[str, tuple[list[int], float]] = {}
        self.input = self.output = self.cached = self.reasoning = self.written = self.cost = 0
        self.seconds = self.first_sum = self.per_token_sum = 0.0

    def failed(self, error: str, seconds: float) -> None:
        """Count a call that ended in an error; rare, so not hurried."""
        error = error if error in ERRORS else "_OTHER"
        counts, total = self.errors.get(error) or ([0] * len(self.durations), 0.0)
        counts[bisect_left(DURATION_BOUNDS, seconds)] += 1
        self.errors[error] = (counts, total + seconds)


class Telemetry:
    """All series of one worker."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], Series] = {}  # several dialects share one
        self._known: dict[tuple[str, str], str] = {}  # labels of what the snapshot has
        self._refusals: Counter[tuple[str, str]] = Counter()
        self._agents: frozenset[str] = frozenset()

    def keep(self, snapshot: GatewaySnapshot) -> None:
        """Drop the figures of agents and bindings that are gone, or are another model now."""
        models = {binding.id: binding for binding in snapshot.bindings}
        self._known = {
            (agent.id, each): labels(
                pai_agent=agent.id,
                pai_binding=each,
                gen_ai_provider_name=provider_of(models[each].provider),
                gen_ai_request_model=models[each].model,
            )
            for agent in snapshot.agents
            for each in agent.bindings
            if each in models
        }
        self._agents = frozenset(agent.id for agent in snapshot.agents)
        for key, series in list(self._series.items()):
            known = self._known.get(key[:2])
            if known is None or not series.own.startswith(f"{known},"):
                del self._series[key]
        for refusal in [each for each in self._refusals if each[0] not in self._agents]:
            del self._refusals[refusal]

    def observe(
        self,
        key: tuple[str, str, str],
        tokens: Tokens,
        cost_microusd: int,
        seconds: float,
        first_seconds: float = 0.0,
        error: str = "",
    ) -> None:
        """Count one call of a model.

        key: ids of agent and binding, and the dialect that the agent speaks. tokens: what it is
        charged. seconds: until its end. first_seconds: until the first token of a streamed
        answer, 0 for any other. error: one of `ERRORS`, empty for a good answer.
        """
        series = self._series.get(key)
        if series is None:
            series = self._begun(key)
            if series is None:
                return
        taken, given = tokens.input, tokens.output
        cached, reasoning, written = tokens.cached, tokens.reasoning, tokens.written
        if taken > 0:
            bits = (taken - 1).bit_length()
            series.inputs[bits if bits < _MOST_BITS else _MOST_BITS] += 1
            series.input += taken
        if given > 0:
            bits = (given - 1).bit_length()
            series.outputs[bits if bits < _MOST_BITS else _MOST_BITS] += 1
            series.output += given
        if cached or reasoning or written:
            series.cached += cached
            series.reasoning += reasoning
            series.written += written
        series.cost += cost_microusd
        if error:
            series.failed(error, seconds)
            return
        series.durations[bisect_left(DURATION_BOUNDS, seconds)] += 1
        series.seconds += seconds
        if first_seconds:
            series.firsts[bisect_left(FIRST_TOKEN_BOUNDS, first_seconds)] += 1
            series.first_sum += first_seconds
            given -= reasoning  # that comes before the first token that is seen
            if given > 1:
                each = (seconds - first_seconds) / (given - 1)
                series.per_token[bisect_left(PER_TOKEN_BOUNDS, each)] += 1
                series.per_token_sum += each

    def refused(self, agent: str, reason: str) -> None:
        """Count a request that got no tokens; reason: a value of `pai.budget.line.Refusal`."""
        if agent in self._agents:
            self._refusals[agent, reason] += 1

    def pieces(self, worker: str) -> Iterator[Piece]:
        """Yield all figures, one histogram or counter at a time; worker: value of a label."""
        own = labels(worker=worker)
        by_labels = {each.own: each for each in self._series.values()}
        for each in sorted(by_labels):
            yield from _drawn(by_labels[each], f"{own},{each}")
        for (agent, reason), count in sorted(self._refusals.items()):
            yield sample(_REFUSALS, f"{own},{labels(pai_agent=agent, reason=reason)}", count)

    def _begun(self, key: tuple[str, str, str]) -> Series | None:
        """Return a new series; None for what the snapshot does not know (any more)."""
        known = self._known.get(key[:2])
        if known is None:
            return None
        own = f"{known},{labels(gen_ai_operation_name=operation_of(key[2]))}"
        alike = (each for each in self._series.values() if each.own == own)
        series = self._series[key] = next(alike, None) or Series(own)
        return series


_TOKENS: Final = "gen_ai_client_token_usage"
_DURATION: Final = "gen_ai_server_request_duration_seconds"
_FIRST_TOKEN: Final = "gen_ai_server_time_to_first_token_seconds"
_PER_TOKEN: Final = "gen_ai_server_time_per_output_token_seconds"
_REFUSALS: Final = "pai_gateway_budget_refusals_total"
FAMILIES: Final[Families] = {
    _TOKENS: ("histogram", "Tokens that calls were charged, by type"),
    _DURATION: ("histogram", "Time of a call, from leaving for the vendor to the last byte"),
    _FIRST_TOKEN: ("histogram", "Time to the first token of a streamed answer"),
    _PER_TOKEN: ("histogram", "Time of each further token of a streamed answer"),
    "pai_gateway_cached_tokens_total": ("counter", "Input tokens read from a vendor's cache"),
    "pai_gateway_written_tokens_total": ("counter", "Input tokens written to such a cache"),
    "pai_gateway_reasoning_tokens_total": ("counter", "Output tokens of reasoning"),
    "pai_gateway_cost_usd_total": ("counter", "Cost by known prices; 0 without a price"),
    _REFUSALS: ("counter", "Requests that got no tokens: spent, busy, or the ledger unavailable"),
}
_COUNTERS: Final[tuple[tuple[str, Callable[[Series], float]], ...]] = (
    ("pai_gateway_cached_tokens_total", lambda series: series.cached),
    ("pai_gateway_written_tokens_total", lambda series: series.written),
    ("pai_gateway_reasoning_tokens_total", lambda series: series.reasoning),
    ("pai_gateway_cost_usd_total", lambda series: series.cost / 1_000_000),
)


def _drawn(series: Series, own: str) -> Iterator[Piece]:
    """Yield the figures of one series. own: its labels, and the worker's."""
    kinds = (("input", series.inputs, series.input), ("output", series.outputs, series.output))
    for kind, bits, total in kinds:
        named = f"{own},{labels(gen_ai_token_type=kind)}"
        yield histogram(_TOKENS, named, TOKEN_BOUNDS, _by_bound(bits), total)
    yield histogram(_DURATION, own, DURATION_BOUNDS, series.durations, series.seconds)
    for error, (counts, seconds) in sorted(series.errors.items()):
        named = f"{own},{labels(error_type=error)}"
        yield histogram(_DURATION, named, DURATION_BOUNDS, counts, seconds)
    yield histogram(_FIRST_TOKEN, own, FIRST_TOKEN_BOUNDS, series.firsts, series.first_sum)
    yield histogram(_PER_TOKEN, own, PER_TOKEN_BOUNDS, series.per_token, series.per_token_sum)
    for name, of in _COUNTERS:
        yield sample(name, own, of(series))


def _by_bound(bits: list[int]) -> list[int]:
    """Return counts by powers of 4 from such by bits: 4**k - 1 has 2k of them."""
    within = [bits[0], *(bits[bit] + bits[bit + 1] for bit in range(1, _HALVES - 1, 2))]
    return [*within, sum(bits[_HALVES - 1 :])]
