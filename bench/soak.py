"""`python -m bench soak [SECONDS]`: mixed load on one gateway worker, and its memory meanwhile.

All at once: requests and long prompts, streams passed through and translated, clients that hang up
in the middle. The first tenth may grow, as pools and caches fill; after it nothing may.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bench.call import HELD, JSON, LARGE, SSE, Answer, Call
from bench.gateway import PYTHON, gateway
from bench.kept import keep
from bench.process import free_port, running
from bench.streams import connection, read
from bench.target import Target, check

MOST_GROWTH_MIB = 1.0
_SECONDS = 600.0
_READINGS = 10
_FEW_EVENTS = 3
_PAUSE_SECONDS = 0.002  # of a client between two requests: core 1 has the mock as well


@dataclass
class Soak:
    """What a long run came to. mib: the resident set at its start and after each tenth."""

    seconds: float
    mib: list[float]
    answers: dict[str, int]
    errors: int

    @property
    def growth_mib(self) -> float:
        """How much the last readings are above the first ones after the start."""
        return growth(self.mib)


def growth(mib: Sequence[float]) -> float:
    """Return the median of the last three readings less that of the second to the fourth."""
    return statistics.median(mib[-3:]) - statistics.median(mib[1:4])


def main(words: Sequence[str]) -> int:
    """Measure, print, keep."""
    seconds = float(words[0]) if words else _SECONDS
    with tempfile.TemporaryDirectory() as scratch:
        soak = soaked(Path(scratch), seconds)
    lines = table(soak)
    print("\n".join(lines))
    keep("soak", asdict(soak), lines, "one core each side")
    return 0 if soak.growth_mib <= MOST_GROWTH_MIB and not soak.errors else 1


def soaked(folder: Path, seconds: float) -> Soak:
    """Start mock and gateway, load and look."""
    os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})
    mock = free_port()
    serve = [PYTHON, "-m", "bench.mock", str(mock), "--events", "100"]
    with (
        running(serve, ready=mock, cpu=1, log=folder / "mock.log"),
        gateway(folder, mock) as target,
    ):
        check(target, folder)
        return uvloop.run(_soaked(target, seconds))


async def _soaked(target: Target, seconds: float) -> Soak:
    answers, mib, until = Counter[str](), [target.running.rss_mib()], time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for name, call, clients, events in _loads(target):
            for _ in range(clients):
                group.create_task(_client(name, call, events, until, answers))
        for _ in range(_READINGS):
            await asyncio.sleep(seconds / _READINGS)
            mib.append(target.running.rss_mib())
            print(f"· {mib[-1]:.1f} MiB", file=sys.stderr)
    errors = answers.pop("errors", 0)
    return Soak(seconds, mib, dict(answers), errors)


def _loads(target: Target) -> Iterator[tuple[str, Call, int, int | None]]:
    """Yield name, request, how many clients at once, and the event at which they hang up."""
    translated = target.translated
    yield "JSON", target.call(JSON), 4, None
    yield "JSON translated", target.call(JSON, translated), 2, None
    yield "JSON 400 KB", target.call(LARGE), 1, None
    yield "SSE", target.call(SSE), 4, None
    yield "SSE translated", target.call(SSE, translated), 4, None
    yield "hung up", target.call(HELD), 8, _FEW_EVENTS
    yield "hung up translated", target.call(HELD, translated), 8, _FEW_EVENTS


async def _client(
    name: str, call: Call, events: int | None, until: float, answers: Counter[str]
) -> None:
    """Ask again and again; who hangs up comes back on a new connection."""
    request = call.request()
    while time.monotonic() < until:
        async with connection(call) as (reader, writer):
            while time.monotonic() < until:
                answer = Answer()
                writer.write(request)
                await read(reader, answer, events)
                answers[name if answer.status == 200 else "errors"] += 1
                if events is not None:
                    break
                await asyncio.sleep(_PAUSE_SECONDS)


def table(soak: Soak) -> list[str]:
    """Format readings, verdict, and what was asked."""
    step = soak.seconds / (len(soak.mib) - 1)
    readings = [f"{step * at:6.0f} s{mib:9.1f} MiB" for at, mib in enumerate(soak.mib)]
    verdict = "none" if soak.growth_mib <= MOST_GROWTH_MIB else "GROWTH"
    return [
        *readings,
        f"growth {soak.growth_mib:+.1f} MiB (last three readings against the second to fourth; "
        f"more than {MOST_GROWTH_MIB:g} counts): {verdict}",
        *(f"{count:9} {name}" for name, count in sorted(soak.answers.items())),
        f"{soak.errors:9} errors",
    ]
