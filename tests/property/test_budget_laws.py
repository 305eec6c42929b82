"""The laws of budgets, under every interleaving that can be thought of.

Real ledger (a file with one control, PostgreSQL with two), real accounts of several workers; a
model of the vendor counts what it bills. Messages and answers get lost, workers die, control
restarts, clocks differ, midnight passes.
"""

import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

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

from pai.budget.account import Account
from pai.budget.book import Reservation
from pai.budget.day import utc_day
from pai.budget.fit import Ask
from pai.budget.interrupted import Seen, interrupted
from pai.budget.line import Waiter
from pai.ledger import SqliteLedger
from pai.ledger.postgres import PostgresLedger

AGENTS = ("agent:ns/a", "agent:ns/b")
MODELS = ("model:ns/limited", "model:ns/free")
LIMITS: dict[str, int | None] = {
    "agent:ns/a": 2_000,
    "agent:ns/b": 5_000,
    "model:ns/limited": 3_000,
    "model:ns/free": None,
}
AnyLedger = SqliteLedger | PostgresLedger
START = 1_767_268_800.0  # 2026-01-01, noon


@dataclass
class Call:
    """A request at the vendor. seen: output tokens that reached the gateway so far."""

    reservation: Reservation
    input: int
    output: int = 0


@dataclass
class Worker:
    account: Account
    skew: float
    calls: list[Call] = field(default_factory=list)
    waiting: dict[int, Waiter] = field(default_factory=dict)


class Budgets(RuleBasedStateMachine):
    """upstream: what the vendor bills, by subject and day. controls: each call goes to the next."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.controls = self.start_controls()
        self.calls = count()
        self.names = count()
        self.now = START
        self.workers: list[Worker] = []
        self.upstream: dict[tuple[str, str], int] = {}
        self.dead = False
        self.mortal = True
        self.settled: dict[tuple[str, str], int] = {}

    def start_controls(self) -> list[AnyLedger]:
        return [SqliteLedger(Path(self.directory.name) / "ledger.db")]

    @property
    def ledger(self) -> AnyLedger:
        return self.controls[next(self.calls) % len(self.controls)]

    def select(self, sql: str, *parameters: object) -> list[Any]:
        with self.ledger._reading() as db:
            return db.execute(sql, parameters).fetchall()

    @initialize(
        skews=st.lists(st.floats(-3600, 3600), min_size=1, max_size=3), mortal=st.booleans()
    )
    def begin(self, skews: list[float], mortal: bool) -> None:
        self.mortal = mortal
        for skew in skews:
            self.start(skew)

    def start(self, skew: float) -> None:
        self.workers.append(Worker(Account(f"w{next(self.names)}"), skew))

    def day(self, worker: Worker) -> str:
        return utc_day(self.now + worker.skew)

    @rule(
        pick=st.integers(0, 9),
        agent=st.sampled_from(AGENTS),
        model=st.sampled_from(MODELS),
        bound=st.integers(1, 900),
        cap=st.integers(1, 900),
        answers=st.integers(1, 2),
        capped=st.booleans(),
        ledger_is_near=st.booleans(),
    )
    def request(
        self,
        pick: int,
        agent: str,
        model: str,
        bound: int,
        cap: int,
        answers: int,
        capped: bool,
        ledger_is_near: bool,
    ) -> None:
        worker = self.workers[pick % len(self.workers)]
        ask = Ask((bound + 50, bound), cap, answers, capped)
        subjects, day = (agent, model), self.day(worker)
        held = worker.account.line.try_at_once(subjects, ask, day, self.now)
        if held is not None:
            self.send(worker, held)
            return
        waiter = Waiter(subjects, ask, self.now, self.now + 30)
        worker.account.line.join(waiter)
        worker.waiting[id(waiter)] = waiter
        if ledger_is_near:
            self.exchange(worker)

    def send(self, worker: Worker, held: Reservation) -> None:
        """The vendor bills input as soon as it has the request."""
        call = Call(held, held.fit.input)
        worker.calls.append(call)
        self.bill(call, call.input)

    def bill(self, call: Call, tokens: int) -> None:
        for key in call.reservation.keys:
            self.upstream[key] = self.upstream.get(key, 0) + tokens

    @rule(pick=st.integers(0, 9), which=st.integers(0, 99), tokens=st.sampled_from([1, 400, 9999]))
    def generate(self, pick: int, which: int, tokens: int) -> None:
        worker = self.workers[pick % len(self.workers)]
        if worker.calls:
            call = worker.calls[which % len(worker.calls)]
            fit = call.reservation.fit
            tokens = min(tokens, fit.cap * fit.answers - call.output)
            call.output += tokens
            self.bill(call, tokens)

    @rule(pick=st.integers(0, 9), which=st.integers(0, 99), unseen=st.integers(0, 256))
    def end(self, pick: int, which: int, unseen: int) -> None:
        """The answer is whole (unseen 0), or the client hung up before all was seen."""
        worker = self.workers[pick % len(self.workers)]
        if worker.calls:
            call = worker.calls.pop(which % len(worker.calls))
            tokens = call.input + call.output
            if unseen:
                seen = Seen(max(0, call.output - unseen), 0.0)
                tokens = interrupted(call.reservation.fit, seen).total
            self.close(worker, call, tokens)
            _, day = call.reservation.keys[0]
            worker.account.add_usage("ns/a", "ns/m", day, (1, tokens, 0, 0, 0, 0, 0, 0, 0))

    def close(self, worker: Worker, call: Call, tokens: int) -> None:
        worker.account.book.settle(call.reservation, tokens)
        for key in call.reservation.keys:
            self.settled[key] = self.settled.get(key, 0) + tokens

    @rule(pick=st.integers(0, 9), fate=st.sampled_from(["arrives", "lost", "answer lost"]))
    def lease(self, pick: int, fate: str) -> None:
        self.ask(self.workers[pick % len(self.workers)], fate)

    def ask(self, worker: Worker, fate: str) -> None:
        day = self.day(worker)
        call = worker.account.lease_call(day)
        if call is None or fate == "lost":
            return
        answer = self.ledger.grant(call, LIMITS.__getitem__, self.now)
        if fate == "arrives":
            worker.skew = answer.now - self.now
            for waiter, _ in worker.account.take_leases(answer, day):
                worker.waiting.pop(id(waiter))
        self.admit(worker)

    def exchange(self, worker: Worker) -> None:
        """What a worker does when all goes well: settle, give back, ask, twice over."""
        for _ in range(3):
            for key in worker.account.book.tight_keys():
                worker.account.book.give_back(key)
            self.tell(worker, "arrives")
            self.ask(worker, "arrives")

    def admit(self, worker: Worker) -> None:
        for waiter, held in worker.account.line.admit(self.day(worker), self.now):
            worker.waiting.pop(id(waiter))
            self.send(worker, held)
        for waiter, _ in worker.account.line.expire(self.now, outage=False):
            worker.waiting.pop(id(waiter))

    @rule(pick=st.integers(0, 9), fate=st.sampled_from(["arrives", "lost", "answer lost"]))
    def settle(self, pick: int, fate: str) -> None:
        self.tell(self.workers[pick % len(self.workers)], fate)

    def tell(self, worker: Worker, fate: str) -> None:
        batch = worker.account.batch()
        if fate != "lost":
            answer = self.ledger.settle(batch, self.now)
            if fate == "arrives":
                worker.account.acknowledge(answer, self.day(worker))

    @rule(pick=st.integers(0, 9), idle=st.booleans())
    def give_back(self, pick: int, idle: bool) -> None:
        worker = self.workers[pick % len(self.workers)]
        if idle:
            worker.account.book.give_back_idle(self.day(worker), self.now, 10.0)
        for key in worker.account.book.tight_keys():
            worker.account.book.give_back(key)

    @rule(seconds=st.sampled_from([0.2, 8.0, 61.0, 43_200.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(pick=st.integers(0, 9), skew=st.floats(-3600, 3600))
    @precondition(lambda self: self.mortal)
    def kill_a_worker(self, pick: int, skew: float) -> None:
        self.workers.pop(pick % len(self.workers))
        self.dead = True
        self.start(skew)

    @rule()
    def restart_control(self) -> None:
        for control in self.controls:
            control.close()
        self.controls = self.start_controls()

    @invariant()
    def the_ledger_is_never_below_the_vendor_nor_above_the_limit(self) -> None:
        rows = self.select("SELECT subject, day, charged, spent FROM subject_day")
        found = {(subject, day): (total, spent) for subject, day, total, spent in rows}
        charged = {key: total for key, (total, _) in found.items()}
        assert all(spent <= self.settled.get(key, 0) for key, (_, spent) in found.items())
        for key, billed in self.upstream.items():
            assert billed <= charged[key]
        for (subject, day), total in charged.items():
            limit = LIMITS[subject]
            assert limit is None or total <= limit, (subject, day)

    def teardown(self) -> None:
        """When everybody is done and has told, only the dead hold anything."""
        for worker in self.workers:
            for call in worker.calls:
                self.close(worker, call, call.input + call.output)
            worker.account.book.give_back_idle("9999-12-31", self.now, 0.0)
            while worker.account.has_news:
                batch = worker.account.batch()
                answer = self.ledger.settle(batch, self.now)
                worker.account.acknowledge(answer, self.day(worker))
        if self.workers:
            self.the_ledger_is_never_below_the_vendor_nor_above_the_limit()
        if not self.dead and not self._lost_answers():
            held = self.select("SELECT SUM(charged - spent) FROM subject_day")
            assert (held[0][0] or 0) == 0
        for control in self.controls:
            control.close()
        self.directory.cleanup()

    def _lost_answers(self) -> bool:
        """Whether the ledger granted what its worker never heard of: it stays charged."""
        for worker in self.workers:
            known = {
                key: worker.account.book._leases[key].granted
                for key in worker.account.book.held_keys()
            }
            rows = self.select(
                "SELECT subject, day, granted, granted + overdraft - returned - spent"
                " FROM lease WHERE worker = ?",
                worker.account.worker,
            )
            if any(left and granted > known.get((s, d), 0) for s, d, granted, left in rows):
                return True
        return False


TestBudgets = Budgets.TestCase
TestBudgets.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


class BudgetsOnPostgres(Budgets):
    """The same, with two controls on one database."""

    server: ClassVar[PostgresServer]

    def start_controls(self) -> list[AnyLedger]:
        if not hasattr(self, "place"):
            self.place = self.server.new_database()
        return [PostgresLedger(self.place), PostgresLedger(self.place)]


@pytest.fixture
def postgres_budgets(postgres: PostgresServer) -> None:
    BudgetsOnPostgres.server = postgres


TestBudgetsOnPostgres = pytest.mark.usefixtures("postgres_budgets")(BudgetsOnPostgres.TestCase)
TestBudgetsOnPostgres.settings = settings(max_examples=8, stateful_step_count=40, deadline=None)
