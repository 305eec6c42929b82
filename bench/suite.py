"""The same measurements of several proxies, side by side in one run on one machine.

Proxies stay on core 0, mock and load on core 1. All of them are up all the time; each thing is
measured of one after the other.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.call import HELD, JSON, LARGE, SSE, Shape
from bench.gateway import PYTHON
from bench.load import Figures, measure
from bench.paced import quantiles_at
from bench.process import free_port, running
from bench.stalls import Stalls, stalls
from bench.streams import Held, held, streamed
from bench.target import Start, Target, Way, check

EVENTS = 500
DIRECT = "direct"
TRANSLATED = " translated"
MOST_PER_SECOND = 8000.0  # what the open loop of `bench.paced` keeps up with
_PACED_SECONDS = (4.0, 15.0)
_PACED_REQUESTS = 500  # within these bounds


@dataclass
class Paced:
    """Latency at half of what a proxy can do, and that of the mock alone at the same rate.

    Units: microseconds. cpu_us: of a request at this rate. piece: see `bench.paced.Quantiles`.
    """

    name: str
    per_second: float
    cpu_us: float
    p50_us: float
    p99_us: float
    piece_p99_us: float
    direct_p50_us: float
    direct_p99_us: float
    direct_piece_p99_us: float
    errors: int

    @property
    def added_p50_us(self) -> float:
        """What the proxy adds to the middle."""
        return self.p50_us - self.direct_p50_us

    @property
    def added_p99_us(self) -> float:
        """What the proxy adds to the slowest hundredth."""
        return self.p99_us - self.direct_p99_us

    @property
    def added_piece_p99_us(self) -> float:
        """The same while the machine does not stand still."""
        return self.piece_p99_us - self.direct_piece_p99_us


@dataclass
class Suite:
    """Everything that was measured of some proxies; names are `PROXY SHAPE[ translated]`."""

    figures: list[Figures] = field(default_factory=list)
    paced: list[Paced] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    stalls: list[Stalls] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many answers were none."""
        whole, pace = (sum(each.errors for each in part) for part in (self.figures, self.paced))
        return whole + pace


def run(folder: Path, starts: Mapping[str, Start]) -> Suite:
    """Start every proxy and measure it; one that can't be started is a RuntimeError."""
    os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})  # streams and paces are this process's
    mock = free_port()
    serve = [PYTHON, "-m", "bench.mock", str(mock), "--events", str(EVENTS)]
    with ExitStack() as stack:
        log = folder / "mock.log"
        upstream = stack.enter_context(running(serve, ready=mock, cpu=1, log=log))
        targets = []
        for name, start in starts.items():
            _tell(f"starting {name}")
            place = folder / name.replace(" ", "-")
            place.mkdir()
            targets.append(stack.enter_context(start(place, mock)))
            check(targets[-1], place)
        direct = Target(DIRECT, mock, upstream, Way("gpt-test"))
        figures = [*_whole([direct, *targets]), *_streams(targets)]
        rates = _rates(figures, targets)
        pace = [_paced(target, direct, rates[target.name]) for target in targets]
        _tell("the machine's own stops")
        stops = stalls()
        return Suite(figures, pace, [each for target in targets for each in _held(target)], stops)


def _whole(targets: Sequence[Target]) -> list[Figures]:
    found = []
    for shape in (JSON, LARGE):
        for target in targets:
            for suffix, way in _ways(target, shape):
                name = f"{target.name} {shape.name}{suffix}"
                _tell(name)
                found.append(measure(name, target.call(shape, way), target.running))
    return found


def _streams(targets: Sequence[Target]) -> list[Figures]:
    found = []
    for target in targets:
        for suffix, way in _ways(target, SSE):
            name = f"{target.name} {SSE.name}{suffix}"
            _tell(name)
            found.append(streamed(name, target.call(SSE, way), target.running))
    return found


def _ways(target: Target, shape: Shape) -> list[tuple[str, Way]]:
    """Return the ways that are measured, each with what its name ends in."""
    ways = [("", target.native)]
    if target.translated and shape is not LARGE:
        ways.append((TRANSLATED, target.translated))
    return ways


def _rates(figures: Sequence[Figures], targets: Sequence[Target]) -> dict[str, float]:
    """Return half of what each can do; those who can do more than ours are asked as it is."""
    most = {figure.name: figure.per_second for figure in figures}
    rates = {
        target.name: min(MOST_PER_SECOND, most[f"{target.name} {JSON.name}"] / 2)
        for target in targets
    }
    return {name: min(rate, rates["gateway"]) for name, rate in rates.items()}


def _paced(target: Target, direct: Target, per_second: float) -> Paced:
    name = f"{target.name} {JSON.name}"
    _tell(f"{name} at half load")
    least, most = _PACED_SECONDS
    seconds = min(most, max(least, _PACED_REQUESTS / per_second))
    base = quantiles_at(direct.call(JSON), per_second, seconds)
    before = target.running.cpu_seconds()
    seen = quantiles_at(target.call(JSON), per_second, seconds)
    cpu_us = (target.running.cpu_seconds() - before) / (per_second * seconds) * 1e6
    return Paced(
        name=name,
        per_second=per_second,
        cpu_us=cpu_us,
        p50_us=seen.p50_us,
        p99_us=seen.p99_us,
        piece_p99_us=seen.piece_p99_us,
        direct_p50_us=base.p50_us,
        direct_p99_us=base.p99_us,
        direct_piece_p99_us=base.piece_p99_us,
        errors=base.errors + seen.errors,
    )


def _held(target: Target) -> list[Held]:
    found = []
    for suffix, way in _ways(target, HELD):
        name = f"{target.name}{suffix}"
        _tell(f"{name}, streams held open")
        found.append(held(name, target.call(HELD, way), target))
    return found


def _tell(text: str) -> None:
    print(f"· {text}", file=sys.stderr)
