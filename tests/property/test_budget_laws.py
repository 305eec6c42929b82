"""The laws of budgets, under every interleaving that can be thought of.

Real ledger (a file with one control, PostgreSQL with two), real accounts of several workers.
Messages and answers get lost, come late or twice; workers die, controls restart and their clocks
differ and jump; limits change, midnight passes, and now and then a vendor bills more than it may.
"""

from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.postgres_fixture import PostgresServer
from tests.property.budget_world import LIMITS, AnyLedger, Key, Worker, World

from pai.budget.fit import Ask
from pai.budget.interrupted import Seen, interrupted
from pai.ledger.postgres import PostgresLedger

PAIRS = tuple((a, m) for a in LIMITS for m in LIMITS if a < m and a[0] == "a" and m[0] == "m")
FATES = st.sampled_from(["arrives", "arrives", "lost", "answer lost"])
SKEWS = st.sampled_from([0.0, 0.0, 1.5, -40.0, 3600.0, -3600.0])
PICKS = st.integers(0, 9)


class Budgets(RuleBasedStateMachine):
    """Rules are what can happen; laws hold after each."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.charged: dict[Key, int] = {}
        self.mortal = self.honest = True

    def new_world(self, skews: list[float]) -> World:
        return World(skews)

    @initialize(
        skews=st.lists(SKEWS, min_size=1, max_size=3),
        clocks=st.lists(SKEWS, min_size=2, max_size=2),
        mortal=st.booleans(),
        honest=st.booleans(),
    )
    def begin(self, skews: list[float], clocks: list[float], mortal: bool, honest: bool) -> None:
        self.world = self.new_world(clocks)
        self.mortal, self.honest = mortal, honest
        for skew in skews:
            self.world.start_worker(skew)

    @property
    def there(self) -> World:
        assert self.world is not None
        return self.world

    def worker(self, pick: int) -> Worker:
        return self.there.workers[pick % len(self.there.workers)]

    @rule(
        pick=PICKS,
        subjects=st.sampled_from(PAIRS),
        bound=st.integers(1, 900),
        cap=st.integers(1, 900),
        answers=st.integers(1, 2),
        capped=st.booleans(),
        ledger_is_near=st.booleans(),
    )
    def request(
        self,
        pick: int,
        subjects: tuple[str, str],
        bound: int,
        cap: int,
        answers: int,
        capped: bool,
        ledger_is_near: bool,
    ) -> None:
        worker = self.worker(pick)
        self.there.request(worker, subjects, Ask((bound + 50, bound), cap, answers, capped))
        if ledger_is_near:
            self.there.exchange(worker)

    @rule(pick=PICKS, which=st.integers(0, 99), tokens=st.sampled_from([1, 400, 9999]))
    def generate(self, pick: int, which: int, tokens: int) -> None:
        calls = self.worker(pick).calls
        if calls:
            self.there.generate(calls[which % len(calls)], tokens)

    @rule(pick=PICKS, which=st.integers(0, 99), tokens=st.integers(1, 300))
    @precondition(lambda self: not self.honest)
    def pass_the_bounds(self, pick: int, which: int, tokens: int) -> None:
        calls = self.worker(pick).calls
        if calls:
            self.there.pass_the_bounds(calls[which % len(calls)], tokens)

    @rule(pick=PICKS, which=st.integers(0, 99), unseen=st.sampled_from([0, 0, 1, 256]))
    def end(self, pick: int, which: int, unseen: int) -> None:
        """The answer is whole (unseen 0), or the client hung up before all was seen."""
        worker = self.worker(pick)
        if worker.calls:
            call = worker.calls[which % len(worker.calls)]
            tokens = call.tokens
            if unseen and not call.excess:
                seen = Seen(max(0, call.output - unseen), 0.0)
                tokens = interrupted(call.reservation.fit, seen).total
            self.there.settle(worker, call, tokens)

    @rule(pick=PICKS, fate=FATES)
    def lease(self, pick: int, fate: str) -> None:
        self.there.ask(self.worker(pick), fate)

    @rule(pick=PICKS, fate=FATES)
    def settle(self, pick: int, fate: str) -> None:
        self.there.tell(self.worker(pick), fate)

    @rule(which=st.integers(0, 99))
    def a_message_comes_late_or_again(self, which: int) -> None:
        self.there.arrive_late(which)

    @rule(pick=PICKS, idle=st.booleans())
    def give_back(self, pick: int, idle: bool) -> None:
        worker = self.worker(pick)
        book = worker.account.book
        if idle:
            book.give_back_idle(self.there.day(worker), self.there.now, 10.0)
        for key in book.tight_keys():
            book.give_back(key)

    @rule(seconds=st.sampled_from([0.2, 8.0, 61.0, 1_800.0, 43_200.0]), quiet=st.booleans())
    def time_passes(self, seconds: float, quiet: bool) -> None:
        """quiet: workers do then what they do each second."""
        self.there.now += seconds
        if quiet:
            self.workers_do_what_they_do_each_second()

    def workers_do_what_they_do_each_second(self) -> None:
        for worker in self.there.workers:
            self.there.tell(worker, "arrives")
            for _ in range(2):
                worker.account.book.give_back_idle(self.there.day(worker), self.there.now, 10.0)
                self.there.exchange(worker)

    @rule(control=st.integers(0, 1), skew=SKEWS)
    def a_clock_is_set(self, control: int, skew: float) -> None:
        self.there.skews[control] = skew

    @rule(seconds=st.sampled_from([3_600.0, -3_600.0, 90_000.0]))
    def clocks_are_wrong_for_a_while(self, seconds: float) -> None:
        """Over midnight and back, for one."""
        for change in (seconds, -seconds):
            self.there.skews = [skew + change for skew in self.there.skews]
            self.workers_do_what_they_do_each_second()

    @rule(subject=st.sampled_from(sorted(LIMITS)), part=st.sampled_from([0.1, 0.5, 1.0, 2.0]))
    def change_a_limit(self, subject: str, part: float) -> None:
        """Workers hear of it from their snapshot, and give back what lies idle."""
        limit = LIMITS[subject]
        if limit is not None:
            self.there.limits[subject] = int(limit * part)
            for worker in self.there.workers:
                worker.account.book.press([subject], self.there.day(worker))

    @rule(pick=PICKS, skew=SKEWS)
    @precondition(lambda self: self.mortal)
    def kill_a_worker(self, pick: int, skew: float) -> None:
        self.there.kill_worker(self.worker(pick))
        self.there.start_worker(skew)

    @rule()
    def restart_control(self) -> None:
        self.there.restart_controls()

    @invariant()
    def nothing_spent_is_forgotten(self) -> None:
        """What the vendor billed is charged, but for what passed the bounds."""
        if self.world is not None:
            found = self.world.days()
            for key, billed in self.world.billed.items():
                charged, _ = found.get(key, (0, 0))
                assert billed <= charged + self.world.excess[key], key

    @invariant()
    def no_limit_is_passed(self) -> None:
        """What is charged grows no further than the limit that holds now."""
        if self.world is None:
            return
        for key, (charged, _) in self.world.days().items():
            before, limit = self.charged.get(key, 0), self.world.limits[key[0]]
            if limit is not None and charged > max(before, limit):
                assert charged - max(before, limit) <= self.world.excess[key], key
            self.charged[key] = charged

    @invariant()
    def a_worker_can_spend_no_more_than_the_ledger_holds_for_it(self) -> None:
        if self.world is None:
            return
        held = {(worker, key): tokens for worker, key, tokens, _ in self.world.leases()}
        for worker in self.world.workers:
            book = worker.account.book
            for key in book.held_keys():
                reserved = sum(
                    call.reservation.fit.tokens
                    for call in worker.calls
                    if key in call.reservation.keys
                )
                mine = worker.settled[key] + reserved + max(0, book.available(key))
                theirs = held.get((worker.account.worker, key), 0)
                assert mine <= theirs + self.world.excess[key], key

    @invariant()
    def only_what_was_settled_is_spent(self) -> None:
        if self.world is not None:
            settled = sum(
                (each.settled for each in (*self.world.workers, *self.world.dead)), start=_none()
            )
            for key, (charged, spent) in self.world.days().items():
                assert spent <= min(charged, settled[key])

    def teardown(self) -> None:
        if self.world is not None:
            try:
                self.only_the_dead_hold_anything_in_the_end(self.world)
            finally:
                self.world.close()

    def only_the_dead_hold_anything_in_the_end(self, world: World) -> None:
        """Everybody is done and has told: what is charged for the living is what they spent."""
        for worker in world.workers:
            self._finish(worker)
        self.nothing_spent_is_forgotten()
        self.no_limit_is_passed()
        alive = {worker.account.worker: worker for worker in world.workers}
        for name, key, held, spent in world.leases():
            if name in alive:
                assert spent == alive[name].settled[key]
                unheard_of = world.late and key not in alive[name].account.book.held_keys()
                assert held == spent or unheard_of, key

    def _finish(self, worker: Worker) -> None:
        for call in tuple(worker.calls):
            self.there.settle(worker, call, call.tokens)
        for waiter in worker.line:
            worker.account.line.leave(waiter)
        worker.line.clear()
        worker.account.doubt()
        while self.there.recall(worker):
            pass
        worker.account.book.give_back_idle("9999-12-31", self.there.now, 0.0)
        while worker.account.has_news:
            self.there.tell(worker, "arrives")


def _none() -> "Counter[Key]":
    return Counter()


TestBudgets = Budgets.TestCase
TestBudgets.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def test_clocks_that_pass_two_midnights_and_are_set_back_leave_nothing_held() -> None:
    """The worker is granted a lease of a day that it had put away."""
    budgets, agent = Budgets(), "agent:ns/a"
    budgets.begin(skews=[0.0], clocks=[0.0, 0.0], mortal=False, honest=False)
    try:
        for model, near in (("limited", True), ("limited", False), ("free", True)):
            budgets.clocks_are_wrong_for_a_while(seconds=3600.0)
            if model == "free":
                budgets.clocks_are_wrong_for_a_while(seconds=90_000.0)
            asked = {"bound": 1, "cap": 300, "answers": 1, "capped": False}
            subjects = (agent, f"model:ns/{model}")
            budgets.request(pick=0, subjects=subjects, ledger_is_near=near, **asked)
        assert budgets.there.workers[0].calls
    finally:
        budgets.teardown()


class WorldOnPostgres(World):
    """Two controls on one database."""

    server: ClassVar[PostgresServer]

    def start_controls(self) -> list[AnyLedger]:
        if not hasattr(self, "place"):
            self.place = self.server.new_database()
        return [PostgresLedger(self.place), PostgresLedger(self.place)]


class BudgetsOnPostgres(Budgets):
    """The same, with two controls on one database."""

    def new_world(self, skews: list[float]) -> World:
        return WorldOnPostgres(skews)


@pytest.fixture
def postgres_budgets(postgres: PostgresServer) -> None:
    WorldOnPostgres.server = postgres


TestBudgetsOnPostgres = pytest.mark.usefixtures("postgres_budgets")(BudgetsOnPostgres.TestCase)
TestBudgetsOnPostgres.settings = settings(max_examples=8, stateful_step_count=40, deadline=None)
