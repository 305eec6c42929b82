"""The ledger's calls as transactions, whatever database they run on.

A call that changes something is one transaction; those of all workers and all controls are in one
order. That is the whole of the proof that no limit is passed: what a call reads is what it changes.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from pai.budget.day import utc_day
from pai.ir.ledger import (
    Lease,
    LeaseAnswer,
    LeaseCall,
    LeaseWant,
    SettleAnswer,
    SettleCall,
    Usage,
)
from pai.ledger import rows
from pai.ledger.balance import Balance
from pai.ledger.batches import apply_batch, check_batch, check_needs
from pai.ledger.grants import grant_want
from pai.ledger.protocol import LimitOf
from pai.ledger.sql import Db
from pai.ledger.usage_rows import find_usages

_SEEN_EVERY_SECONDS = 10.0  # a worker's sign of life is written no more often than this


class SqlLedger(ABC):
    """A `Ledger` over two kinds of transaction; each database brings its own."""

    def grant(self, call: LeaseCall, limit_of: LimitOf, now: float) -> LeaseAnswer:
        """Charge and grant leases; the sum charged never passes a limit.

        Only the present day's are granted. Who asks for nothing hears what it was granted on any
        day, in answers that got lost.
        """
        check_needs(call)
        today = utc_day(now)
        states: dict[tuple[str, str], Lease] = {}
        awaited: set[str] = set()
        with self._writing() as db:
            rows.see_worker(db, call.worker, now)
            for want in call.wants:
                if want.day == today or _asks_nothing(want):
                    result = grant_want(db, call.worker, want, limit_of, now, awaited)
                    states.update(((each.subject, each.day), each) for each in result.states)
                    awaited.update(result.short)
                    for subject in result.short:
                        rows.want(db, subject, call.worker, now)
        return LeaseAnswer(now, tuple(states.values()))

    def settle(self, call: SettleCall, now: float) -> SettleAnswer:
        """Apply one batch exactly once."""
        if call.sequence == 0 and not call.charges and not call.usages:
            return SettleAnswer(now, 0, self._heartbeat(call, now))
        check_batch(call)
        with self._writing() as db:
            apply_batch(db, call, now)
            wanted = rows.wanted_by_others(db, call.worker, now)
        return SettleAnswer(now, call.sequence, wanted)

    def balance(self, subject: str, now: float) -> Balance:
        """Return the subject's present day."""
        day = utc_day(now)
        with self._reading() as db:
            found = rows.balances(db, day, now, subject)
        return found.get(subject, Balance(subject=subject, day=day))

    def balances(self, now: float) -> dict[str, Balance]:
        """Return the present day of every subject that has one."""
        with self._reading() as db:
            return rows.balances(db, utc_day(now), now)

    def usage(
        self, *, agent: str | None = None, model: str | None = None, since: str | None = None
    ) -> list[Usage]:
        """Return usage per agent, model and day, sorted; since: first day, inclusive."""
        with self._reading() as db:
            return find_usages(db, agent, model, since)

    @abstractmethod
    def close(self) -> None:
        """Release the database."""

    def _heartbeat(self, call: SettleCall, now: float) -> tuple[str, ...]:
        with self._reading() as db:
            seen_at = rows.last_seen(db, call.worker)
            wanted = rows.wanted_by_others(db, call.worker, now)
        if call.closing or seen_at is None or now - seen_at >= _SEEN_EVERY_SECONDS:
            with self._writing() as db:
                rows.see_worker(db, call.worker, now, closed=call.closing)
        return wanted

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Db]:
        """Give a transaction that no other one runs beside; durable when the block ends."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Db]:
        """Give a connection for reading."""


def _asks_nothing(want: LeaseWant) -> bool:
    return not any(need.need or need.wish for need in want.needs)
