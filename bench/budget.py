"""What budgets come to when all goes wrong, and how much of one a busy agent can use.

`python -m bench budget`: the crowd of the end-to-end tests on both databases, the simulation, and
how many leases a second a ledger grants. Kept in `bench/results/budget.*`.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from tests.e2e.budget_calls import run_queue, run_storm
from tests.e2e.budget_crowd import HEAD, Figures
from tests.postgres_fixture import postgres_server
from tests.property.budget_simulation import Figures as Simulated
from tests.property.budget_simulation import simulate
from tests.property.virtual_time import run_virtually

from bench.kept import keep
from pai.budget.day import utc_day
from pai.ir.ledger import LeaseCall, LeaseWant, Need
from pai.ledger import open_ledger

Place = Callable[[], str]
"""Gives where an empty ledger may lie."""
_STORM_LIMIT = 60_000
_SEEDS = (1, 2, 3)
_GRANT_SECONDS = 3.0


@dataclass
class Grants:
    """How fast a ledger grants leases, each on disk before the next is asked for."""

    name: str
    per_second: float


def main() -> int:
    """Measure, print, keep."""
    crowds: list[Figures] = []
    grants: list[Grants] = []
    with tempfile.TemporaryDirectory() as folder, postgres_server(fsync=True) as server:
        numbers = count()
        places: dict[str, Place] = {
            "SQLite": lambda: str(Path(folder) / f"{next(numbers)}.db"),
            "PostgreSQL": server.new_database,
        }
        for name, place in places.items():
            print(f"· {name}", file=sys.stderr)
            crowds += _crowds(name, place)
            grants.append(Grants(name, _per_second(place())))
    print("· simulation", file=sys.stderr)
    fleets = [run_virtually(simulate(seed)) for seed in _SEEDS]
    lines = _lines(crowds, fleets, grants)
    print("\n".join(lines))
    _keep(crowds, fleets, grants, lines)
    return 1 if any(figures.faults for figures in crowds) else 0


def _lines(crowds: list[Figures], fleets: list[Simulated], grants: list[Grants]) -> list[str]:
    return [
        *_EXPLAINED,
        HEAD,
        *(figures.line() for figures in crowds),
        "",
        f"fifty workers in virtual time, seeds {', '.join(map(str, _SEEDS))}",
        *_side_by_side(fleets),
        "",
        *(f"{each.name}: {each.per_second:.0f} grants a second" for each in grants),
    ]


_EXPLAINED = (
    "over: tokens above the limit. left: charged for workers that ended well and not billed.",
    "by est.: charged above the bill, for answers whose end nobody saw. crashed: held by the dead.",
    "Aims: over 0, left at most 2 %, a queue's limit billed to 97 %. What hang-ups and kills cost",
    "(by est., crashed) is lost to that day's budget.",
    "",
)


def _crowds(name: str, place: Place) -> list[Figures]:
    """Run the storm and both queues; each has an empty ledger and processes of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        return [
            asyncio.run(run_storm(folder / "s", place(), _STORM_LIMIT, 1, f"storm, {name}")),
            asyncio.run(run_queue(folder / "1", place(), 1, f"1 at once, {name}")),
            asyncio.run(run_queue(folder / "64", place(), 64, f"64 at once, {name}")),
        ]


def _per_second(place: str) -> float:
    """Return how many leases one worker gets that asks for nothing else."""
    ledger, now = open_ledger(place), time.time()
    end, granted, known = time.monotonic() + _GRANT_SECONDS, 0, 0
    try:
        while time.monotonic() < end:
            needs = tuple(Need(each, known, 100, 100) for each in ("agent:a/a", "model:m/m"))
            call = LeaseCall("worker", (LeaseWant(utc_day(now), needs),))
            known = ledger.grant(call, lambda _: 10**12, now).leases[0].granted
            granted += 1
    finally:
        ledger.close()
    return granted / _GRANT_SECONDS


def _side_by_side(fleets: list[Simulated]) -> list[str]:
    """Format one figure a line, one column a seed."""
    columns = [asdict(fleet) for fleet in fleets]
    return [
        f"{name.replace('_', ' '):34}" + "".join(f"{column[name]:>12,}" for column in columns)
        for name in columns[0]
    ]


def _keep(
    crowds: list[Figures], fleets: list[Simulated], grants: list[Grants], lines: list[str]
) -> None:
    """Keep the run."""
    run = {
        "crowds": [asdict(each) for each in crowds],
        "fleets": [asdict(each) for each in fleets],
        "grants": [asdict(each) for each in grants],
    }
    keep("budget", run, lines, f"{os.cpu_count()} cores for gateway, control, vendor and crowd")
