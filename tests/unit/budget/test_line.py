import pytest

from pai.budget.book import LeaseBook
from pai.budget.fit import Ask, Fit
from pai.budget.line import Refusal, Waiter, WaitLine
from pai.ir.ledger import Lease

DAY = "2026-01-01"
A, B, M = "agent:ns/a", "agent:ns/b", "model:ns/m"


def waiter(subjects: tuple[str, ...], tokens: int = 200, *, capped: bool = True) -> Waiter:
    return Waiter(subjects, Ask((100,), tokens - 100, 1, capped), arrived=0.0, deadline=30.0)


def state(subject: str, granted: int, free: int | None, running: int = 0) -> Lease:
    return Lease(subject, DAY, granted, free, running)


def test_what_fits_the_lease_is_admitted_at_once() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    ask = Ask((100,), 100, 1, capped=True)
    assert line.try_at_once((A, M), ask, DAY, 0.0) is None
    book.accept([state(A, 250, 9), state(M, 1000, None)])
    assert line.try_at_once((A, M), ask, DAY, 0.0) is not None
    assert line.try_at_once((A, M), ask, DAY, 0.0) is None  # 50 left


def test_nobody_overtakes_on_the_same_subject() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    book.accept([state(A, 150, 9), state(M, 1000, None)])
    big, small = waiter((A, M), 200), waiter((A, M), 120)
    line.join(big)
    line.join(small)
    assert line.try_at_once((A, M), Ask((10,), 10, 1, capped=True), DAY, 0.0) is None
    assert line.admit(DAY, 0.0) == []
    book.accept([state(A, 400, 9)])
    assert [each for each, _ in line.admit(DAY, 0.0)] == [big, small]


def test_an_agent_without_budget_holds_up_nobody_else() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    book.accept([state(A, 0, 0, 50), state(B, 1000, 9), state(M, 1000, None)])
    poor, rich = waiter((A, M)), waiter((B, M))
    line.join(poor)
    line.join(rich)
    assert [each for each, _ in line.admit(DAY, 0.0)] == [rich]


def test_a_spent_budget_is_refused_without_waiting() -> None:
    line = WaitLine(LeaseBook())
    mine = waiter((A,))
    line.join(mine)
    assert line.judge([state(A, 0, 50, 100)], DAY) == [(mine, Refusal.SPENT)]
    assert len(line) == 0


def test_what_running_ones_hold_is_waited_for() -> None:
    line = WaitLine(LeaseBook())
    mine = waiter((A,))
    line.join(mine)
    assert line.judge([state(A, 0, 50, 500)], DAY) == []
    assert line.expire(29.9, outage_since=None) == []
    assert line.expire(30.0, outage_since=None) == [(mine, Refusal.BUSY)]


def test_a_request_without_cap_takes_a_shorter_answer_at_once() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    mine = waiter((A,), 4096, capped=False)
    line.join(mine)
    assert line.judge([state(A, 0, 2000, 0)], DAY) == []
    assert mine.want == 2000
    book.accept([state(A, 2000, 0)])
    [(_, reservation)] = line.admit(DAY, 0.0)
    assert reservation.fit.cap == 1900


def test_what_can_never_fit_in_full_is_cut_rather_than_waited_for() -> None:
    line = WaitLine(LeaseBook())
    mine = waiter((A,), 1000)
    line.join(mine)
    line.judge([state(A, 0, 500, 0)], DAY)
    assert mine.want == 500


def test_late_in_the_wait_a_shorter_answer_is_taken() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    mine = waiter((A,), 1000)
    line.join(mine)
    line.judge([state(A, 600, 0, 5000)], DAY)
    book.accept([state(A, 600, 0, 5000)])
    assert line.admit(DAY, 1.0) == []
    [(_, reservation)] = line.admit(DAY, 23.0)
    assert reservation.fit.cap == 500


def test_wants_ask_for_the_first_of_each_subject_only() -> None:
    line = WaitLine(LeaseBook())
    for subjects in ((A, M), (A, M), (B,)):
        line.join(waiter(subjects))
    wants = line.wants(DAY)
    assert [[need.subject for need in want.needs] for want in wants] == [[A, M], [B]]


def test_who_shares_only_the_model_is_asked_for_too_and_in_order() -> None:
    line = WaitLine(LeaseBook())
    for subjects in ((A, M), (B, M), (A, M)):
        line.join(waiter(subjects))
    wants = line.wants(DAY)
    assert [[need.subject for need in want.needs] for want in wants] == [[A, M], [B, M]]


def test_a_newcomer_does_not_wait_for_somebody_elses_budget() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    book.accept([state(A, 0, 0, 50), state(B, 1000, 9), state(M, 1000, None)])
    line.join(waiter((A, M)))
    ask = Ask((100,), 100, 1, capped=True)
    assert line.try_at_once((B, M), ask, DAY, 0.0) is None  # nobody has looked yet
    assert line.admit(DAY, 0.0) == []
    assert line.try_at_once((B, M), ask, DAY, 0.0) is not None
    assert line.try_at_once((A, M), ask, DAY, 0.0) is None


def test_a_subject_that_is_gone_is_not_waited_for() -> None:
    line = WaitLine(LeaseBook())
    mine = waiter((A,))
    line.join(mine)
    gone = Lease(A, DAY, 0, 0, 0, known=False)
    assert line.judge([gone], DAY) == [(mine, Refusal.UNAVAILABLE)]


def test_a_ledger_that_does_not_answer_is_waited_for_only_shortly() -> None:
    line = WaitLine(LeaseBook())
    mine = waiter((A,))
    line.join(mine)
    assert line.expire(4.9, outage_since=0.0) == []
    assert line.expire(5.0, outage_since=-9.0) == [(mine, Refusal.UNAVAILABLE)]


def test_one_call_that_fails_sends_nobody_away_who_waits_for_others() -> None:
    line = WaitLine(LeaseBook())
    mine = waiter((A,))
    line.join(mine)
    assert line.expire(12.0, outage_since=11.0) == []
    assert line.expire(29.9, outage_since=27.0) == []
    assert line.expire(30.0, outage_since=27.0) == [(mine, Refusal.BUSY)]


def test_who_never_heard_of_the_ledger_is_told_so() -> None:
    line = WaitLine(LeaseBook())
    mine = Waiter((A,), Ask((100,), 100, 1, True), arrived=10.0, deadline=11.0)
    line.join(mine)
    assert line.expire(10.9, outage_since=9.0) == []
    assert line.expire(11.0, outage_since=9.0) == [(mine, Refusal.UNAVAILABLE)]


def test_who_leaves_is_not_served() -> None:
    line = WaitLine(LeaseBook())
    mine = waiter((A,))
    line.join(mine)
    assert line.next_deadline() == 30.0
    line.leave(mine)
    line.leave(mine)
    assert line.next_deadline() is None


def countable(cap: int = 100, *, capped: bool = True) -> Waiter:
    """Return who takes 1,000 tokens of input, or an eighth of that once it is counted."""
    ask = Ask((1000, 125), cap, 1, capped=capped)
    return Waiter((A,), ask, 0.0, 30.0, countable=True)


def test_who_can_be_counted_is_sent_away_when_the_whole_is_not_there() -> None:
    line = WaitLine(LeaseBook())
    mine = countable()
    line.join(mine)
    assert mine.want == 1100
    assert line.judge([state(A, 0, 500, 900)], DAY) == [(mine, Refusal.UNCOUNTED)]
    assert len(line) == 0


def test_who_can_be_counted_stays_while_the_whole_is_there() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    line.join(countable())
    assert line.judge([state(A, 0, 1100, 0)], DAY) == []
    book.accept([state(A, 1099, 1)])
    assert line.admit(DAY, 1.0) == []  # never by less than the safe bound
    book.accept([state(A, 1100, 0)])
    [(_, reservation)] = line.admit(DAY, 1.0)
    assert reservation.fit == Fit(1000, 100, 1)


def test_what_could_not_even_fit_when_counted_is_spent() -> None:
    line = WaitLine(LeaseBook())
    mine = countable()
    line.join(mine)
    assert line.judge([state(A, 0, 100, 124)], DAY) == [(mine, Refusal.SPENT)]


@pytest.mark.parametrize(
    ("cap", "capped", "room", "counted"),
    [
        (64_000, False, 2_000, False),  # half of it is left for an answer
        (64_000, False, 1_999, True),
        (64_000, True, 20_000, False),  # all of the cap can't be had anyway
        (19_500, True, 20_000, True),  # it can, with a count
        (19_000, True, 20_000, False),  # it can, without
    ],
)
def test_a_count_is_for_what_it_may_help(cap: int, capped: bool, room: int, counted: bool) -> None:
    book = LeaseBook()
    line = WaitLine(book)
    mine = countable(cap, capped=capped)
    line.join(mine)
    away = line.judge([state(A, 0, room, 0)], DAY)
    assert away == ([(mine, Refusal.UNCOUNTED)] if counted else [])
    book.accept([state(A, room, 0)])
    for _, reservation in line.admit(DAY, 1.0):
        assert reservation.fit == Fit(1000, min(cap, room - 1000), 1)


def test_who_comes_back_has_its_old_place() -> None:
    book = LeaseBook()
    line = WaitLine(book)
    later = Waiter((A,), Ask((200,), 100, 1, capped=True), 2.0, 32.0)
    line.join(later)
    back = Waiter((A,), Ask((200,), 100, 1, capped=True), 1.0, 31.0)
    line.join(back)
    book.accept([state(A, 300, 0)])
    assert [each for each, _ in line.admit(DAY, 3.0)] == [back]
