"""The same text for every ledger implementation."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from pai.errors import SpecError, TransientError
from pai.ir.ledger import (
    Charge,
    Lease,
    LeaseAnswer,
    LeaseCall,
    LeaseWant,
    Need,
    SettleAnswer,
    SettleCall,
    Usage,
)
from pai.ledger import Balance, Ledger, handle_leases, handle_settlements, open_ledger

NOW = 1_767_268_800.0  # 2026-01-01, noon
DAY = "2026-01-01"
A, M = "agent:ns/a", "model:ns/m"
LIMITS: dict[str, int | None] = {A: 1000, M: None}


def limit_of(subject: str) -> int | None:
    return LIMITS[subject]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty ledger may lie: a file, or a PostgreSQL URL."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    new: Callable[[], str] = request.getfixturevalue("new_database")
    return new()


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    made = open_ledger(place)
    yield made
    made.close()


def ask(worker: str, *needs: Need, day: str = DAY) -> LeaseCall:
    return LeaseCall(worker, (LeaseWant(day, needs),))


def one(answer: LeaseAnswer, subject: str = A) -> Lease:
    return next(lease for lease in answer.leases if lease.subject == subject)


def test_a_grant_is_charged_before_it_is_given(ledger: Ledger) -> None:
    lease = one(ledger.grant(ask("w1", Need(A, 0, 100, 100)), limit_of, NOW))
    assert (lease.granted, lease.free, lease.running) == (100, 900, 100)
    assert ledger.balance(A, NOW) == Balance(subject=A, day=DAY, reserved=100)


def test_a_wish_gets_a_share_and_a_need_is_met_to_the_last_token(ledger: Ledger) -> None:
    assert one(ledger.grant(ask("w1", Need(A, 0, 10, 800)), limit_of, NOW)).granted == 125
    assert one(ledger.grant(ask("w2", Need(A, 0, 876, 999)), limit_of, NOW)).granted == 0
    assert one(ledger.grant(ask("w2", Need(A, 0, 875, 999)), limit_of, NOW)).free == 0
    assert one(ledger.grant(ask("w3", Need(A, 0, 1, 1)), limit_of, NOW)).granted == 0
    last = one(ledger.grant(ask("w1", Need(A, 125, 1, 1)), limit_of, NOW))
    assert (last.granted, last.free, last.running) == (125, 0, 1000)


def test_all_needs_of_a_request_are_granted_or_none(ledger: Ledger) -> None:
    answer = ledger.grant(ask("w1", Need(A, 0, 1001, 1001), Need(M, 0, 5, 5)), limit_of, NOW)
    assert one(answer, A).granted == one(answer, M).granted == 0
    assert ledger.balances(NOW) == {}


def test_without_a_limit_the_lease_is_still_charged(ledger: Ledger) -> None:
    lease = one(ledger.grant(ask("w1", Need(M, 0, 10, 5000)), limit_of, NOW), M)
    assert (lease.granted, lease.free) == (5000, None)
    assert ledger.balance(M, NOW).reserved == 5000


def test_an_answer_that_got_lost_is_made_good(ledger: Ledger) -> None:
    call = ask("w1", Need(A, 0, 600, 600))
    ledger.grant(call, limit_of, NOW)
    assert one(ledger.grant(call, limit_of, NOW)).granted == 600
    assert ledger.balance(A, NOW).charged == 600


def test_a_batch_is_applied_once(ledger: Ledger) -> None:
    ledger.grant(ask("w1", Need(A, 0, 500, 500)), limit_of, NOW)
    usage = Usage(agent="ns/a", model="ns/m", day=DAY, requests=1, input=80, output=20)
    batch = SettleCall("w1", 1, (Charge(A, DAY, 100, 0, 300),), (usage,))
    for _ in range(3):
        assert ledger.settle(batch, NOW).sequence == 1
    assert ledger.balance(A, NOW) == Balance(subject=A, day=DAY, spent=100, reserved=100)
    assert ledger.usage() == [usage]
    ledger.settle(msgspec.structs.replace(batch, sequence=2, charges=()), NOW)
    assert ledger.usage()[0].requests == 2


def test_what_passed_the_bound_is_charged_too(ledger: Ledger) -> None:
    ledger.grant(ask("w1", Need(A, 0, 1000, 1000)), limit_of, NOW)
    ledger.settle(SettleCall("w1", 1, (Charge(A, DAY, 1200, 200, 0),)), NOW)
    assert ledger.balance(A, NOW).spent == ledger.balance(A, NOW).charged == 1200
    assert one(ledger.grant(ask("w2", Need(A, 0, 1, 1)), limit_of, NOW)).free == 0


def test_more_than_is_held_cannot_be_given_back(ledger: Ledger) -> None:
    ledger.grant(ask("w1", Need(A, 0, 100, 100)), limit_of, NOW)
    ledger.settle(SettleCall("w1", 1, (Charge(A, DAY, 60, 0, 1000),)), NOW)
    assert ledger.balance(A, NOW) == Balance(subject=A, day=DAY, spent=60)


def test_spending_counts_although_the_lease_is_unknown(ledger: Ledger) -> None:
    ledger.settle(SettleCall("w1", 7, (Charge(A, DAY, 60, 0, 10),)), NOW)
    assert ledger.balance(A, NOW) == Balance(subject=A, day=DAY, spent=60)


def test_a_dead_workers_lease_stays_charged_and_is_shown(ledger: Ledger) -> None:
    ledger.grant(ask("w1", Need(A, 0, 700, 700)), limit_of, NOW)
    later = NOW + 120
    assert ledger.balance(A, later) == Balance(subject=A, day=DAY, unaccounted=700)
    refused = one(ledger.grant(ask("w2", Need(A, 0, 400, 400)), limit_of, later))
    assert (refused.granted, refused.free, refused.running) == (0, 300, 0)


def test_a_heartbeat_keeps_a_worker_alive(ledger: Ledger) -> None:
    ledger.grant(ask("w1", Need(A, 0, 700, 700)), limit_of, NOW)
    for second in range(0, 120, 10):
        ledger.settle(SettleCall("w1", 0), NOW + second)
    assert ledger.balance(A, NOW + 120).reserved == 700
    ledger.settle(SettleCall("w1", 0, closing=True), NOW + 121)
    assert ledger.balance(A, NOW + 121).unaccounted == 700


def test_the_ledgers_clock_says_what_day_it_is(ledger: Ledger) -> None:
    answer = ledger.grant(ask("w1", Need(A, 0, 10, 10), day="2026-01-02"), limit_of, NOW)
    assert answer == LeaseAnswer(NOW, ())
    midnight = NOW + 43_200
    assert (
        one(
            ledger.grant(ask("w1", Need(A, 0, 1000, 1000), day="2026-01-02"), limit_of, midnight)
        ).granted
        == 1000
    )
    ledger.settle(SettleCall("w1", 1, (Charge(A, DAY, 5, 5, 0),)), midnight)
    assert ledger.balance(A, midnight).charged == 1000


def test_a_subject_that_is_gone_gets_nothing(ledger: Ledger) -> None:
    lease = one(ledger.grant(ask("w1", Need("agent:x/y", 0, 1, 1)), limit_of, NOW), "agent:x/y")
    assert not lease.known
    assert lease.granted == 0


def test_a_lowered_limit_stops_grants_and_a_raised_one_opens_them(ledger: Ledger) -> None:
    ledger.grant(ask("w1", Need(A, 0, 500, 500)), limit_of, NOW)
    assert one(ledger.grant(ask("w1", Need(A, 500, 1, 1)), lambda _: 400, NOW)).free == 0
    assert one(ledger.grant(ask("w1", Need(A, 500, 9, 9)), lambda _: 600, NOW)).granted == 509


def test_others_are_told_what_is_wanted(ledger: Ledger) -> None:
    ledger.grant(ask("w1", Need(A, 0, 1000, 1000)), limit_of, NOW)
    ledger.grant(ask("w2", Need(A, 0, 10, 10)), limit_of, NOW)
    assert ledger.settle(SettleCall("w1", 0), NOW).wanted == (A,)
    assert ledger.settle(SettleCall("w2", 0), NOW).wanted == ()
    assert ledger.settle(SettleCall("w1", 0), NOW + 60).wanted == ()


def test_usage_is_found_by_agent_model_and_day(ledger: Ledger) -> None:
    rows = [
        Usage(agent=agent, model=model, day=day, requests=1, input=1, estimated=1)
        for agent in ("ns/a", "ns/b")
        for model in ("ns/m", "ns/n")
        for day in ("2025-12-31", DAY)
    ]
    ledger.settle(SettleCall("w1", 1, (), tuple(reversed(rows))), NOW)
    assert ledger.usage() == rows
    assert {row.agent for row in ledger.usage(agent="ns/a")} == {"ns/a"}
    assert {row.model for row in ledger.usage(model="ns/n")} == {"ns/n"}
    assert {row.day for row in ledger.usage(since=DAY)} == {DAY}


@pytest.mark.parametrize(
    "charge", [Charge(A, DAY, -1, 0, 0), Charge(A, DAY, 0, 0, 2**60), Charge(A, DAY, 1, 2, 0)]
)
def test_impossible_figures_change_nothing(ledger: Ledger, charge: Charge) -> None:
    with pytest.raises(SpecError):
        ledger.settle(SettleCall("w1", 1, (charge,)), NOW)
    with pytest.raises(SpecError):
        ledger.settle(
            SettleCall("w1", 1, (), (Usage(agent="a", model="m", day=DAY, input=-1),)), NOW
        )
    with pytest.raises(SpecError):
        ledger.settle(SettleCall("w1", 0, (Charge(A, DAY, 1, 0, 0),)), NOW)
    assert ledger.balances(NOW) == {}
    assert ledger.usage() == []


def test_impossible_needs_are_refused(ledger: Ledger) -> None:
    for need in (Need(A, -1, 5, 5), Need(A, 0, -5, 5), Need(A, 0, 5, -5), Need(A, 0, 2**60, 5)):
        with pytest.raises(SpecError):
            ledger.grant(ask("w1", need), limit_of, NOW)
    assert ledger.balances(NOW) == {}


def test_who_asks_for_nothing_hears_of_any_day_what_it_was_granted(ledger: Ledger) -> None:
    """So what an answer that got lost had granted can still be given back."""
    ledger.grant(ask("w1", Need(A, 0, 600, 600)), limit_of, NOW)
    tomorrow = NOW + 86_400
    told = one(ledger.grant(ask("w1", Need(A, 0, 0, 0)), limit_of, tomorrow))
    assert (told.day, told.granted) == (DAY, 600)
    ledger.settle(SettleCall("w1", 1, (Charge(A, DAY, 0, 0, 600),)), tomorrow)
    assert ledger.balance(A, NOW).charged == 0


def test_a_worker_that_has_ended_gets_nothing_more(ledger: Ledger) -> None:
    """Its call was under way for long; nobody would ever give that back."""
    ledger.grant(ask("w1", Need(A, 0, 100, 100)), limit_of, NOW)
    ledger.settle(SettleCall("w1", 1, (Charge(A, DAY, 40, 0, 60),)), NOW)
    ledger.settle(SettleCall("w1", 0, closing=True), NOW)
    late = one(ledger.grant(ask("w1", Need(A, 100, 50, 50)), limit_of, NOW))
    assert (late.granted, ledger.balance(A, NOW).charged) == (100, 40)
    ledger.settle(SettleCall("w1", 0), NOW)
    assert one(ledger.grant(ask("w1", Need(A, 100, 50, 50)), limit_of, NOW)).granted == 100


def test_in_one_call_nobody_gets_what_somebody_before_is_short_of(ledger: Ledger) -> None:
    """Who shares only the model with the one before is served, where that is not what is short."""
    b, n = "agent:ns/b", "model:ns/n"
    limits: dict[str, int | None] = {A: 100, b: 1_000, M: 500, n: None}

    def want(*needs: Need) -> LeaseWant:
        return LeaseWant(DAY, needs)

    short_of_agent = LeaseCall(
        "w1", (want(Need(A, 0, 200, 200), Need(M, 0, 200, 200)), want(Need(b, 0, 50, 50)))
    )
    answer = ledger.grant(short_of_agent, limits.__getitem__, NOW)
    assert (one(answer, A).granted, one(answer, b).granted) == (0, 50)
    short_of_model = LeaseCall(
        "w1",
        (
            want(Need(b, 50, 600, 600), Need(M, 0, 600, 600)),
            want(Need(A, 0, 10, 10), Need(M, 0, 10, 10)),
            want(Need(A, 0, 10, 10), Need(n, 0, 10, 10)),
        ),
    )
    answer = ledger.grant(short_of_model, limits.__getitem__, NOW)
    assert (one(answer, M).granted, one(answer, A).granted, one(answer, n).granted) == (0, 10, 10)


def test_the_two_calls_travel_as_bytes(ledger: Ledger) -> None:
    body = msgspec.json.encode(ask("w1", Need(A, 0, 100, 100)))
    answer = msgspec.json.decode(handle_leases(ledger, body, limit_of, NOW), type=LeaseAnswer)
    assert one(answer).granted == 100
    body = msgspec.json.encode(SettleCall("w1", 1, (Charge(A, DAY, 40, 0, 60),)))
    settled = msgspec.json.decode(handle_settlements(ledger, body, NOW), type=SettleAnswer)
    assert settled == SettleAnswer(NOW, 1)
    assert ledger.balance(A, NOW).charged == 40
    for bad in (b"", b"{}", b"[" * 100_000, b'{"worker":5}', b'{"worker":"\xff"}'):
        with pytest.raises(SpecError):
            handle_leases(ledger, bad, limit_of, NOW)
        with pytest.raises(SpecError):
            handle_settlements(ledger, bad, NOW)


def test_what_was_answered_is_there_after_a_restart(place: str) -> None:
    first = open_ledger(place)
    first.grant(ask("w1", Need(A, 0, 600, 600)), limit_of, NOW)
    first.settle(SettleCall("w1", 1, (Charge(A, DAY, 100, 0, 200),)), NOW)
    first.close()
    second = open_ledger(place)
    assert second.balance(A, NOW) == Balance(subject=A, day=DAY, spent=100, reserved=300)
    second.settle(SettleCall("w1", 1, (Charge(A, DAY, 100, 0, 200),)), NOW)
    assert second.balance(A, NOW).charged == 400
    second.close()
    with pytest.raises(TransientError):
        second.balance(A, NOW)


def test_two_controls_are_one_ledger(place: str) -> None:
    """What one of them granted the other knows, and who is short is heard through both."""
    one_control, other = open_ledger(place), open_ledger(place)
    one_control.grant(ask("w1", Need(A, 0, 900, 900)), limit_of, NOW)
    refused = one(other.grant(ask("w2", Need(A, 0, 200, 200)), limit_of, NOW))
    assert (refused.granted, refused.free, refused.running) == (0, 100, 900)
    batch = SettleCall("w1", 1, (Charge(A, DAY, 100, 0, 300),))
    assert one_control.settle(batch, NOW).wanted == (A,)
    other.settle(batch, NOW)
    assert other.balance(A, NOW) == Balance(subject=A, day=DAY, spent=100, reserved=500)
    one_control.close()
    other.close()


def test_texts_of_any_script_sort_by_code_point(ledger: Ledger) -> None:
    names = ["A", "Z", "a", "a-b", "a.b", "aa", "é", "日本", "😀"]
    rows = [Usage(agent=name, model="%s ? m", day=DAY, requests=1) for name in names]
    ledger.settle(SettleCall("w1", 1, (), tuple(reversed(rows))), NOW)
    assert ledger.usage() == rows
