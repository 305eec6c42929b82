from pai.budget.account import Account
from pai.budget.fit import Ask, Fit
from pai.budget.line import Refusal, Waiter
from pai.ir.ledger import Lease, LeaseAnswer, Need, SettleAnswer, SettleCall

DAY = "2026-01-01"
A = "agent:ns/a"


def account(granted: int = 1000, free: int = 10**9) -> Account:
    made = Account("w1")
    made.take_leases(LeaseAnswer(0.0, (Lease(A, DAY, granted, free, 0),)), DAY)
    return made


def test_a_batch_is_sent_unchanged_until_it_is_acknowledged() -> None:
    mine = account()
    mine.book.settle(mine.book.reserve((A,), DAY, Fit(10, 10, 1), 0.0), 5)
    first = mine.batch()
    mine.book.settle(mine.book.reserve((A,), DAY, Fit(10, 10, 1), 0.0), 7)
    assert mine.batch() is first
    mine.acknowledge(SettleAnswer(0.0, 0), DAY)
    assert mine.batch() is first
    mine.acknowledge(SettleAnswer(0.0, 1), DAY)
    second = mine.batch()
    assert (second.sequence, second.charges[0].spent) == (2, 7)
    mine.acknowledge(SettleAnswer(0.0, 2), DAY)
    assert not mine.has_news
    assert mine.batch(closing=True) == SettleCall("w1", 0, closing=True)


def test_usage_of_one_agent_model_and_day_is_summed() -> None:
    mine = account()
    for model in ("ns/m", "ns/m", "ns/n"):
        mine.add_usage("ns/a", model, DAY, (1, 3, 0, 2, 0, 0, 0, 0, 0))
    assert [(u.model, u.requests, u.input, u.output) for u in mine.batch().usages] == [
        ("ns/m", 2, 6, 4),
        ("ns/n", 1, 3, 2),
    ]


def test_those_in_line_are_asked_for_first_and_low_leases_ahead_of_need() -> None:
    mine = account()
    assert mine.lease_call(DAY) is None
    mine.book.reserve((A,), DAY, Fit(900, 0, 1), 0.0)
    ahead = mine.lease_call(DAY)
    assert ahead is not None
    assert ahead.wants[0].needs[0].need == 0
    assert ahead.wants[0].needs[0].wish == 3600 - 100
    mine.line.join(Waiter((A,), Ask((500,), 100, 1, capped=True), 0.0, 30.0))
    queued = mine.lease_call(DAY)
    assert queued is not None
    assert [need.need for want in queued.wants for need in want.needs] == [500]
    assert mine.lease_call("2026-01-02") is not None


def test_the_answer_says_who_has_to_go() -> None:
    mine = account(0, 0)
    waiter = Waiter((A,), Ask((500,), 100, 1, capped=True), 0.0, 30.0)
    mine.line.join(waiter)
    answer = LeaseAnswer(0.0, (Lease(A, DAY, 0, 0, 0),))
    assert mine.take_leases(answer, DAY) == [(waiter, Refusal.SPENT)]


def test_what_others_want_becomes_tight() -> None:
    mine = account()
    assert not mine.book.is_tight((A, DAY))
    mine.acknowledge(SettleAnswer(0.0, 0, (A, "agent:ns/unknown")), DAY)
    assert mine.book.tight_keys() == [(A, DAY)]


def test_a_call_that_nobody_answered_is_asked_about_until_somebody_does() -> None:
    mine = account(0, 0)
    waiting = Waiter((A,), Ask((500,), 100, 1, capped=True), 0.0, 30.0)
    mine.line.join(waiting)
    assert mine.lease_call(DAY) is not None
    mine.line.leave(waiting)
    for _ in range(2):
        asked = mine.lease_call(DAY)
        assert asked is not None
        assert asked.wants[0].needs == (Need(A, 0, 0, 0),)
    assert mine.recall() == asked
    mine.take_leases(LeaseAnswer(0.0, (Lease(A, DAY, 600, 9, 600),)), DAY)
    assert mine.recall() is None
    assert mine.book.available((A, DAY)) == 600


def test_in_doubt_every_lease_is_asked_about() -> None:
    mine = account()
    assert mine.recall() is None
    mine.doubt()
    asked = mine.recall()
    assert asked is not None
    assert asked.wants[0].needs == (Need(A, 1000, 0, 0),)
