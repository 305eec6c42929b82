"""Fifty workers, ten thousand requests, and everything that can go wrong: see the simulation."""

from tests.property.budget_simulation import simulate
from tests.property.virtual_time import run_virtually


def test_no_limit_is_passed_and_nothing_is_forgotten_in_a_failing_fleet() -> None:
    figures = run_virtually(simulate(20260601))
    print("\n".join(figures.lines()))
    assert figures.crashes >= 5
    assert figures.late >= 50
    assert figures.served >= 5_000
    assert figures.hung_up >= 100
    assert (figures.overshoot, figures.forgotten) == (0, 0)
    assert figures.left_by_the_living <= 0.02 * figures.charged
    assert figures.charged_of_spent_budgets_percent >= 97.0
    assert figures.longest_wait_seconds <= 31.0


def test_nor_when_vendors_count_what_does_not_fit() -> None:
    figures = run_virtually(simulate(20260602, workers=20, requests=6_000, counting=0.7))
    print("\n".join(figures.lines()))
    assert figures.counts >= 200
    assert figures.uncounted >= 1
    assert figures.served >= 2_000
    assert (figures.overshoot, figures.forgotten) == (0, 0)
    assert figures.left_by_the_living <= 0.02 * figures.charged
    assert figures.longest_wait_seconds <= 31.0


def test_the_same_seed_gives_the_same_figures() -> None:
    first = run_virtually(simulate(3, workers=6, requests=400))
    assert run_virtually(simulate(3, workers=6, requests=400)) == first
