"""Workers, controls, clocks, a network and a vendor, for the stateful model of budgets.

The accounts and the ledger are the real ones. Nothing here ever corrects them: it carries messages
(or loses, repeats and delays them), lets time pass, and counts what the vendor bills.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pai.budget.account import Account
from pai.budget.book import Reservation
from pai.budget.day import utc_day
from pai.budget.fit import Ask
from pai.budget.line import Waiter
from pai.ir.ledger import LeaseAnswer, LeaseCall, SettleAnswer, SettleCall
from pai.ledger import SqliteLedger
from pai.ledger.postgres import PostgresLedger

Key = tuple[str, str]
"""(subject, day)"""
AnyLedger = SqliteLedger | PostgresLedger
LIMITS: dict[str, int | None] = {
    "agent:ns/a": 2_000,
    "agent:ns/b": 5_000,
    "model:ns/limited": 3_000,
    "model:ns/free": None,
}
EVENING = 1_767_310_200.0  # 2026-01-01, half past eleven in the evening
WAIT_SECONDS = 30.0


@dataclass(eq=False)
class Call:
    """A request at the vendor. excess: what it bills beyond every bound we had."""

    reservation: Reservation
    input: int
    output: int = 0
    excess: int = 0

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.excess


@dataclass(eq=False)
class Worker:
    """skew: how far its idea of the time is from the truth. settled: what it ever settled."""

    account: Account
    skew: float
    calls: list[Call] = field(default_factory=list)
    line: list[Waiter] = field(default_factory=list)
    settled: Counter[Key] = field(default_factory=Counter)


class World:
    """billed: the vendor's own count, on the day that a request was admitted.

    excess: of that, what passed the bounds. skews: of the controls' clocks. sent: every message
    that ever left a worker; each may come (again) at any time.
    """

    def __init__(self, skews: list[float]) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.controls = self.start_controls()
        self.skews = [skews[number % len(skews)] for number in range(2)]
        self.now = EVENING
        self.limits = dict(LIMITS)
        self.workers: list[Worker] = []
        self.dead: list[Worker] = []
        self.billed: Counter[Key] = Counter()
        self.excess: Counter[Key] = Counter()
        self.sent: list[LeaseCall | SettleCall] = []
        self.late = False
        self._names = count()
        self._turns = count()

    def start_controls(self) -> list[AnyLedger]:
        """Open the ledger: one or two controls."""
        return [SqliteLedger(Path(self.directory.name) / "ledger.db")]

    def restart_controls(self) -> None:
        for control in self.controls:
            control.close()
        self.controls = self.start_controls()

    def close(self) -> None:
        for control in self.controls:
            control.close()
        self.directory.cleanup()

    # Workers

    def start_worker(self, skew: float) -> None:
        self.workers.append(Worker(Account(f"w{next(self._names)}"), skew))

    def kill_worker(self, worker: Worker) -> None:
        """Its calls run on at the vendor, up to their caps."""
        self.workers.remove(worker)
        self.dead.append(worker)

    def day(self, worker: Worker) -> str:
        return utc_day(self.now + worker.skew)

    def request(self, worker: Worker, subjects: tuple[str, str], ask: Ask) -> None:
        """Admit a request, or let it wait in line."""
        day = self.day(worker)
        held = worker.account.line.try_at_once(subjects, ask, day, self.now)
        if held is not None:
            assert subjects not in [waiter.subjects for waiter in worker.line], "overtaken"
            self.send(worker, held)
            return
        waiter = Waiter(subjects, ask, self.now, self.now + WAIT_SECONDS)
        worker.account.line.join(waiter)
        worker.line.append(waiter)

    def admit(self, worker: Worker) -> None:
        """Serve whom there is room for; nobody overtakes one who waits for the same."""
        for waiter, held in worker.account.line.admit(self.day(worker), self.now):
            before = worker.line[: worker.line.index(waiter)]
            assert waiter.subjects not in [each.subjects for each in before], "overtaken"
            worker.line.remove(waiter)
            self.send(worker, held)
        for waiter, _ in worker.account.line.expire(self.now, outage_since=None):
            worker.line.remove(waiter)

    # The vendor

    def send(self, worker: Worker, held: Reservation) -> None:
        """The vendor bills input as soon as it has the request."""
        call = Call(held, held.fit.input)
        worker.calls.append(call)
        self.bill(call, call.input)

    def generate(self, call: Call, tokens: int) -> None:
        fit = call.reservation.fit
        tokens = min(tokens, fit.cap * fit.answers - call.output)
        call.output += tokens
        self.bill(call, tokens)

    def pass_the_bounds(self, call: Call, tokens: int) -> None:
        """Bill what no bound covers: a vendor that honours no cap, a text with denser tokens."""
        call.excess += tokens
        self.bill(call, tokens)
        for key in call.reservation.keys:
            self.excess[key] += tokens

    def bill(self, call: Call, tokens: int) -> None:
        for key in call.reservation.keys:
            self.billed[key] += tokens

    def settle(self, worker: Worker, call: Call, tokens: int) -> None:
        worker.calls.remove(call)
        worker.account.book.settle(call.reservation, tokens)
        for key in call.reservation.keys:
            worker.settled[key] += tokens
        sums = (1, tokens, 0, 0, 0, 0, 0, 0, 0)
        worker.account.add_usage("ns/a", "ns/m", call.reservation.keys[0][1], sums)

    # The network

    def ask(self, worker: Worker, fate: str) -> None:
        """Send a call for leases. fate: `arrives`, `lost`, or `answer lost`."""
        call = worker.account.lease_call(self.day(worker))
        if call is not None:
            answer = self._carry(call, fate)
            if isinstance(answer, LeaseAnswer):
                worker.skew = answer.now - self.now
                for waiter, _ in worker.account.take_leases(answer, self.day(worker)):
                    worker.line.remove(waiter)
        self.admit(worker)

    def tell(self, worker: Worker, fate: str) -> None:
        """Send a batch of settlements, or a sign of life."""
        answer = self._carry(worker.account.batch(), fate)
        if isinstance(answer, SettleAnswer):
            worker.skew = answer.now - self.now
            worker.account.acknowledge(answer, self.day(worker))

    def recall(self, worker: Worker) -> bool:
        """Ask about all that lost answers may have granted; say whether there was anything."""
        call = worker.account.recall()
        if call is not None:
            answer = self._answer(call)
            assert isinstance(answer, LeaseAnswer)
            worker.account.take_leases(answer, self.day(worker))
        return call is not None

    def exchange(self, worker: Worker) -> None:
        """What a worker does when all goes well: settle, give back, ask, a few times over."""
        for _ in range(3):
            for key in worker.account.book.tight_keys():
                worker.account.book.give_back(key)
            self.tell(worker, "arrives")
            self.ask(worker, "arrives")

    def arrive_late(self, which: int) -> None:
        """Let any message that was ever sent come, perhaps again; nobody hears the answer."""
        if self.sent:
            self._answer(self.sent[which % len(self.sent)])
            self.late = True

    def _carry(self, call: LeaseCall | SettleCall, fate: str) -> LeaseAnswer | SettleAnswer | None:
        self.sent.append(call)
        if fate == "lost":
            return None
        answer = self._answer(call)
        return answer if fate == "arrives" else None

    def _answer(self, call: LeaseCall | SettleCall) -> LeaseAnswer | SettleAnswer:
        turn = next(self._turns)
        control = self.controls[turn % len(self.controls)]
        now = self.now + self.skews[turn % len(self.skews)]
        if isinstance(call, LeaseCall):
            return control.grant(call, self.limits.__getitem__, now)
        return control.settle(call, now)

    # What the ledger holds

    def select(self, sql: str, *parameters: object) -> list[Any]:
        with self.controls[0]._reading() as db:
            return db.execute(sql, parameters).fetchall()

    def days(self) -> dict[Key, tuple[int, int]]:
        """Return what is charged and what is spent."""
        rows = self.select("SELECT subject, day, charged, spent FROM subject_day")
        return {(subject, day): (charged, spent) for subject, day, charged, spent in rows}

    def leases(self) -> Iterator[tuple[str, Key, int, int]]:
        """Yield worker, key, what it holds in all and what of it is spent."""
        for worker, subject, day, held, spent in self.select(
            "SELECT worker, subject, day, granted + overdraft - returned, spent FROM lease"
        ):
            yield worker, (subject, day), held, spent
