from pai.budget.book import LeaseBook
from pai.budget.fit import Fit
from pai.ir.ledger import Charge, Lease, Need

DAY = "2026-01-01"
A, M = "agent:ns/a", "model:ns/m"


def book(granted: int, free: int | None = 10**9) -> LeaseBook:
    made = LeaseBook()
    made.accept(Lease(subject, DAY, granted, free, 0) for subject in (A, M))
    return made


def test_reserving_takes_from_every_subject_and_settling_gives_the_rest_back() -> None:
    leases = book(1000)
    held = leases.reserve((A, M), DAY, Fit(100, 200, 1), now=1.0)
    assert leases.room((A, M), DAY) == 700
    leases.settle(held, 120)
    assert leases.room((A, M), DAY) == 880
    assert leases.take_pending() == (Charge(A, DAY, 120, 0, 0), Charge(M, DAY, 120, 0, 0))
    assert not leases.has_pending


def test_settling_twice_changes_nothing() -> None:
    leases = book(1000)
    held = leases.reserve((A,), DAY, Fit(100, 200, 1), now=1.0)
    leases.settle(held, 120)
    leases.settle(held, 300)
    assert leases.take_pending() == (Charge(A, DAY, 120, 0, 0),)


def test_a_vendor_that_passes_the_bound_is_charged_in_full() -> None:
    leases = book(300)
    held = leases.reserve((A,), DAY, Fit(100, 200, 1), now=1.0)
    leases.settle(held, 450)
    assert leases.room((A,), DAY) == 0
    assert leases.take_pending() == (Charge(A, DAY, 450, 150, 0),)


def test_an_old_answer_changes_nothing() -> None:
    leases = book(1000)
    leases.accept([Lease(A, DAY, 400, 10**9, 0)])
    assert leases.available((A, DAY)) == 1000


def test_idle_tokens_go_back_and_old_leases_are_forgotten() -> None:
    leases = book(1000)
    leases.give_back_idle("2026-01-02", now=5.0, idle_seconds=10.0)
    assert {charge.returned for charge in leases.take_pending()} == {1000}
    leases.accept([Lease(A, "2026-01-02", 500, 9, 0)])
    leases.give_back_idle("2026-01-03", now=6.0, idle_seconds=10.0)
    assert {day for _, day in leases.held_keys()} == {"2026-01-02"}


def test_a_clock_that_is_set_back_makes_no_new_lease_of_an_old_one() -> None:
    """What the ledger then says was granted is spent already, or was given back."""
    leases = book(1000)
    leases.settle(leases.reserve((A,), DAY, Fit(600, 0, 1), now=1.0), 600)
    leases.give_back_idle("2026-01-02", now=5.0, idle_seconds=10.0)
    leases.take_pending()
    leases.give_back_idle("2026-01-02", now=6.0, idle_seconds=10.0)
    leases.accept([Lease(A, DAY, 1000, 9, 0)])
    assert leases.available((A, DAY)) == 0
    assert leases.need(A, DAY, 10).known == 1000
    for day in ("2026-01-02", "2026-01-03"):
        leases.accept([Lease(A, day, 5, 9, 0)])
        leases.give_back_idle(day, now=7.0, idle_seconds=10.0)
        leases.take_pending()
        leases.give_back_idle(day, now=8.0, idle_seconds=10.0)
    leases.accept([Lease(A, DAY, 1000, 9, 0)])
    assert leases.available((A, DAY)) == 0


def pass_midnight(leases: LeaseBook, day: str) -> None:
    """What a worker does each second, until nothing is left to tell."""
    for _ in range(2):
        leases.give_back_idle(day, now=7.0, idle_seconds=10.0)
        leases.take_pending()


def test_a_day_that_was_over_comes_back_with_what_is_granted_anew() -> None:
    leases = book(1000)
    leases.settle(leases.reserve((A,), DAY, Fit(600, 0, 1), now=1.0), 600)
    for day in ("2026-01-02", "2026-01-03", "2026-01-04"):
        leases.accept([Lease(A, day, 5, 9, 0)])
        pass_midnight(leases, day)
    assert (A, DAY) not in leases.held_keys()
    assert leases.need(A, DAY, 10) == Need(A, 1000, 10, 40)
    leases.accept([Lease(A, DAY, 1040, 9, 0)])
    assert leases.available((A, DAY)) == 40
    pass_midnight(leases, "2026-01-04")
    assert leases.available((A, DAY)) == 0
    assert leases.known((A, DAY)) == 1040


def test_days_long_over_are_forgotten_and_an_answer_about_them_is_no_new_lease() -> None:
    leases = book(1000)
    for day in range(2, 29):
        leases.accept([Lease(A, f"2026-01-{day:02}", 5, 9, 0)])
        pass_midnight(leases, f"2026-01-{day:02}")
    assert leases.known((A, DAY)) == 0
    assert leases.known((A, "2026-01-20")) == 5
    leases.accept([Lease(A, DAY, 1040, 9, 0)])
    assert leases.available((A, DAY)) == 0


def test_a_reservation_of_yesterday_is_settled_yesterday() -> None:
    leases = book(1000)
    held = leases.reserve((A,), DAY, Fit(100, 0, 1), now=1.0)
    leases.give_back_idle("2026-01-02", now=5.0, idle_seconds=10.0)
    leases.take_pending()
    leases.give_back_idle("2026-01-02", now=6.0, idle_seconds=10.0)
    leases.settle(held, 60)
    assert leases.take_pending() == (Charge(A, DAY, 60, 0, 0),)


def test_near_the_limit_a_lease_is_tight_and_nothing_is_fetched_ahead() -> None:
    roomy, near = book(1000), book(1000, free=10)
    for leases in (roomy, near):
        leases.reserve((A,), DAY, Fit(900, 0, 1), now=1.0)
        leases.accept([Lease(A, DAY, 1000, 10 if leases is near else 10**9, 0)])
    assert roomy.is_low((A, DAY))
    assert not near.is_low((A, DAY))
    assert near.tight_keys() == [(A, DAY), (M, DAY)][: len(near.tight_keys())]
    roomy.press([A], DAY)
    assert roomy.is_tight((A, DAY))


def test_a_need_counts_what_is_there_already() -> None:
    leases = book(1000)
    assert leases.need(A, DAY, 400).need == 0
    assert leases.need(A, DAY, 1500).need == 500
    assert leases.need("agent:ns/new", DAY, 50) == Need("agent:ns/new", 0, 50, 200)
