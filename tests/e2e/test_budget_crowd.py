"""Budgets for real: a thousand calls at once, hang-ups at random bytes, kill -9 of all there is.

The vendor's own count is the truth. Figures are kept in `build/budget.txt`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.budget_calls import CALLS, give_up_early, run_queue, run_storm
from tests.e2e.budget_crowd import HEAD, Figures, crowd

FILE = Path("build/budget.txt")


@pytest.fixture(scope="module")
def keep() -> Iterator[Callable[[Figures], None]]:
    """Print and keep the figures of each run."""
    FILE.parent.mkdir(exist_ok=True)
    lines = [HEAD]

    def note(figures: Figures) -> None:
        lines.append(figures.line())
        print(f"\n{HEAD}\n{figures.line()}")

    yield note
    FILE.write_text("\n".join(lines) + "\n")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A database's name, and where a ledger may lie in it."""
    if request.param == "SQLite":
        return "SQLite", str(tmp_path / "ledger.db")
    new: Callable[[], str] = request.getfixturevalue("new_database")
    return "PostgreSQL", new()


@pytest.mark.slow
async def test_a_storm_of_kills_and_hang_ups_passes_no_limit_and_loses_nothing(
    tmp_path: Path, place: tuple[str, str], keep: Callable[[Figures], None]
) -> None:
    name, ledger = place
    figures = await run_storm(tmp_path, ledger, 60_000, 20260601, f"storm, {name}")
    keep(figures)
    assert figures.faults == []
    assert figures.looks > 50
    assert figures.overshoot == 0
    assert figures.left_percent <= 2
    assert figures.by_estimate >= 0
    ends = figures.ends
    assert sum(ends.values()) == CALLS
    assert set(ends) <= {"200", "429", "502", "503", "hung up", "worker gone"}, ends
    assert min(ends["200"], ends["hung up"], ends["worker gone"]) > 10, ends


async def test_who_does_not_wait_for_a_whole_answer_pays_for_all_of_it(tmp_path: Path) -> None:
    """Else an agent could spend without end at a vendor that does not stop when it is left."""
    place = str(tmp_path / "ledger.db")
    async with crowd(tmp_path, place, 100_000, wait_seconds=10.0) as made:
        await give_up_early(made, 20)
        await made.drain()
        assert made.faults == []
        assert made.charged() == made.vendor.billed.total() > 20 * 800


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 64])
async def test_a_busy_agent_uses_its_whole_budget(
    tmp_path: Path, place: tuple[str, str], keep: Callable[[Figures], None], at_once: int
) -> None:
    name, ledger = place
    figures = await run_queue(tmp_path, ledger, at_once, f"{at_once} at once, {name}")
    keep(figures)
    assert figures.faults == []
    assert figures.overshoot == figures.left == figures.by_estimate == 0
    assert figures.utilisation_percent >= 97
    assert set(figures.ends) == {"200", "429"}
