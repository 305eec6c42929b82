"""A gateway worker that spends tokens at random, with the real account and no network."""

import random
from collections import Counter
from collections.abc import Callable

from pai.budget.account import Account
from pai.budget.book import Reservation
from pai.budget.fit import Ask
from pai.budget.line import Waiter
from pai.ir.ledger import LeaseAnswer, LeaseCall, SettleAnswer, SettleCall, Usage

Grant = Callable[[LeaseCall], LeaseAnswer | None]
Settle = Callable[[SettleCall], SettleAnswer | None]
_MOST_TRIES = 6_000  # to tell the last batch; a try without a ledger takes 5 ms


class GatewayWorker:
    """One worker. grant, settle: calls of a ledger; None when the answer was lost.

    spent: tokens by (subject, day). acknowledged: of those, what the ledger said it has.
    """

    def __init__(self, name: str, seed: int, grant: Grant, settle: Settle) -> None:
        self.account = Account(name)
        self.spent: Counter[tuple[str, str]] = Counter()
        self.acknowledged: Counter[tuple[str, str]] = Counter()
        self.requests = 0
        self._random = random.Random(seed)
        self._grant, self._settle = grant, settle

    def request(self, subjects: tuple[str, ...], day: str) -> None:
        """Do one request, when there is budget for it."""
        bound, cap = self._random.randint(1, 100), self._random.randint(1, 200)
        ask = Ask((bound,), cap, 1, capped=False)
        held = self.account.line.try_at_once(subjects, ask, day, 0.0)
        if held is None:
            held = self._wait(Waiter(subjects, ask, 0.0, 30.0), day)
        if held is not None:
            self._spend(held, self._random.randint(1, held.fit.tokens))
        if self._random.random() < 0.5:
            self.tell(day)

    def tell(self, day: str) -> bool:
        """Send what there is to tell; say whether the ledger has it."""
        batch = self.account.batch()
        answer = self._settle(batch)
        if answer is None:
            return False
        if answer.sequence:
            for charge in batch.charges:
                self.acknowledged[charge.subject, charge.day] += charge.spent
        self.account.acknowledge(answer, day)
        return True

    def finish(self, day: str) -> None:
        """Give everything back and tell it."""
        self.account.book.give_back_idle("9999-12-31", 0.0, 0.0)
        for _ in range(_MOST_TRIES):
            if not self.account.has_news:
                return
            self.tell(day)
        raise AssertionError(f"{self.account.worker}: the ledger does not come back")

    def _wait(self, waiter: Waiter, day: str) -> Reservation | None:
        self.account.line.join(waiter)
        for _ in range(3):
            for key in self.account.book.tight_keys():
                self.account.book.give_back(key)
            self.tell(day)
            call = self.account.lease_call(day)
            answer = self._grant(call) if call else None
            if answer is not None:
                self.account.take_leases(answer, day)
            for _, held in self.account.line.admit(day, 0.0):
                return held
        self.account.line.leave(waiter)
        return None

    def _spend(self, held: Reservation, tokens: int) -> None:
        self.account.book.settle(held, tokens)
        self.requests += 1
        for key in held.keys:
            self.spent[key] += tokens
        _, day = held.keys[0]
        sums = (1, tokens, *(0,) * (len(Usage.__struct_fields__) - 5))
        self.account.add_usage("ns/a", "ns/m", day, sums)
