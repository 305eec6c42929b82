"""What the gateway's figures should be, beside its peers in the same run."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.load import Figures
from bench.suite import DIRECT, EVENTS, TRANSLATED, Suite

OURS = "gateway"
# Processor time of a JSON request: how many times ours may another's be, or must it be.
_AT_MOST = (("nginx", 1.8),)
_AT_LEAST = (("envoy full", 4.0), ("portkey", 40.0), ("litellm", 300.0))
_SHOWN = ("envoy", "tensorzero")  # told without an aim
_SHAPES = ("JSON", "JSON 400 KB", "SSE", "JSON translated", "SSE translated")


class Aim(NamedTuple):
    """One figure and its bound. most: the bound is an upper one; None = there is none."""

    name: str
    value: float
    bound: float | None
    unit: str
    most: bool = True

    @property
    def met(self) -> bool:
        """Say whether the bound is kept."""
        if self.bound is None:
            return True
        return self.value <= self.bound if self.most else self.value >= self.bound

    def line(self) -> str:
        """Format name, value, bound and whether it is kept."""
        shown = f"{self.name:46}{self.value:10.2f} {self.unit:5}"
        if self.bound is None:
            return shown.rstrip()
        aim = f"aim {'≤' if self.most else '≥'} {self.bound:g}"
        return f"{shown} {aim:12} {'met' if self.met else 'MISSED'}"


def aims(suite: Suite) -> list[Aim]:
    """Return every aim for which the run has figures."""
    by_name = {figure.name: figure for figure in suite.figures}
    return [
        *_ratios(by_name),
        *_ratios_at_a_rate(suite),
        *_events(by_name),
        *_latency(suite, by_name),
        *_memory(suite),
    ]


def _ratios(by_name: dict[str, Figures]) -> Iterator[Aim]:
    ours = by_name[f"{OURS} JSON"].cpu_us
    for other, bound in _AT_MOST:
        if found := by_name.get(f"{other} JSON"):
            yield Aim(f"JSON, CPU against {other}", ours / found.cpu_us, bound, "times")
    for other, least in (*_AT_LEAST, *((name, None) for name in _SHOWN)):
        if found := by_name.get(f"{other} JSON"):
            ratio = found.cpu_us / ours
            yield Aim(f"JSON, CPU of {other} against ours", ratio, least, "times", most=False)


def _ratios_at_a_rate(suite: Suite) -> Iterator[Aim]:
    """Compare at one rate: who is busy all the time finds several requests at each look."""
    by_name = {pace.name.removesuffix(" JSON"): pace for pace in suite.paced}
    ours = by_name[OURS]
    for other, bound in (*_AT_MOST, ("event loop", None)):
        if (found := by_name.get(other)) and found.per_second == ours.per_second:
            name = f"JSON, CPU against {other}, {ours.per_second:.0f} a second"
            yield Aim(name, ours.cpu_us / found.cpu_us, bound, "times")


def event_us(by_name: dict[str, Figures], proxy: str, suffix: str = "") -> float:
    """Return the processor time of one event: a stream's, less a plain request's, shared out."""
    stream, plain = by_name[f"{proxy} SSE{suffix}"], by_name[f"{proxy} JSON{suffix}"]
    return (stream.cpu_us - plain.cpu_us) / EVENTS


def _events(by_name: dict[str, Figures]) -> Iterator[Aim]:
    if "nginx SSE" in by_name:
        yield Aim("SSE, CPU an event, nginx", event_us(by_name, "nginx"), None, "µs")
    yield Aim("SSE, CPU an event, passed through", event_us(by_name, OURS), 5.0, "µs")
    yield Aim("SSE, CPU an event, translated", event_us(by_name, OURS, TRANSLATED), 15.0, "µs")


def _latency(suite: Suite, by_name: dict[str, Figures]) -> Iterator[Aim]:
    for pace in suite.paced:
        if pace.name == f"{OURS} JSON":
            rate = f"at {pace.per_second:.0f} requests/s"
            yield Aim(f"added p50, {rate}", pace.added_p50_us / 1000, 0.25, "ms")
            yield Aim(f"added p99, {rate}", pace.added_p99_us / 1000, 1.5, "ms")
            piece = pace.added_piece_p99_us / 1000
            yield Aim("added p99, half of all 500 requests", piece, 1.5, "ms")
    large, direct = (by_name[f"{name} JSON 400 KB"].p50_us for name in (OURS, DIRECT))
    yield Aim("added p50, prompt of 400 KB", (large - direct) / 1000, 3.0, "ms")


def _memory(suite: Suite) -> Iterator[Aim]:
    for held in suite.held:
        if held.name == OURS:
            yield Aim("RSS before the first request", held.idle_mib, 45.0, "MiB")
        if held.name.startswith(OURS):
            name = f"{held.asked} streams, {held.name.removeprefix(OURS).strip() or 'as they come'}"
            yield Aim(f"held of {name}", held.streams, held.asked, "", most=False)
            yield Aim(f"RSS with {name}", held.rss_mib, 100.0, "MiB")


def report(suite: Suite) -> Sequence[str]:
    """Format all tables of a run."""
    tables = (_ratio_table(suite), _paced_table(suite), _stalls_table(suite), _held_table(suite))
    return [*(line for table in tables for line in (*table, "")), *(a.line() for a in aims(suite))]


def _ratio_table(suite: Suite) -> list[str]:
    """Format how many times our CPU the others take; a dash where there is nothing to compare."""
    by_name = {figure.name: figure.cpu_us for figure in suite.figures}
    proxies = [each.name.removesuffix(" JSON") for each in suite.paced]
    rows = []
    for proxy in proxies:
        cells = ""
        for shape in _SHAPES:
            theirs, ours = by_name.get(f"{proxy} {shape}"), by_name[f"{OURS} {shape}"]
            cells += f"{theirs / ours:16.2f}" if theirs else f"{'-':>16}"
        rows.append(f"{proxy:26}{cells}")
    return [f"{'CPU, times ours':26}" + "".join(f"{shape:>16}" for shape in _SHAPES), *rows]


def _paced_table(suite: Suite) -> list[str]:
    columns = f"{'p50 µs':>9}{'p99 µs':>9}{'added p50':>11}{'p99':>9}{'p99 of 500':>12}"
    return [
        f"{'at half load':26}{'req/s':>9}{'CPU µs/req':>12}{columns}",
        *(
            f"{each.name:26}{each.per_second:9.0f}{each.cpu_us:12.1f}{each.p50_us:9.0f}"
            f"{each.p99_us:9.0f}{each.added_p50_us:11.0f}{each.added_p99_us:9.0f}"
            f"{each.added_piece_p99_us:12.0f}"
            for each in suite.paced
        ),
    ]


def _stalls_table(suite: Suite) -> list[str]:
    """Format when the machine itself stands still while all cores are busy."""
    return [
        f"{'the machine stands still':26}{'times/s':>9}{'longest ms':>12}{'% of time':>11}",
        *(
            f"{f'core {each.core}':26}{each.per_second:9.1f}{each.longest_ms:12.1f}"
            f"{each.share * 100:11.2f}"
            for each in suite.stalls
        ),
    ]


def _held_table(suite: Suite) -> list[str]:
    columns = f"{'events/s':>9}{'CPU µs/event':>14}{'idle MiB':>10}{'MiB':>8}"
    return [
        f"{'held open':26}{'streams':>8}{columns}",
        *(
            f"{each.name:26}{each.streams:8}{each.events_per_second:9.0f}{each.event_us:14.1f}"
            f"{each.idle_mib:10.1f}{each.rss_mib:8.1f}"
            for each in suite.held
        ),
    ]
