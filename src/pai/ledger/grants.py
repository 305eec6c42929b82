"""Decide one request's needs inside a transaction: all are granted, or none."""

import sqlite3
from typing import NamedTuple

from pai.budget.share import lease_share
from pai.ir.ledger import Lease, LeaseWant, Need
from pai.ledger import rows
from pai.ledger.protocol import LimitOf


class GrantResult(NamedTuple):
    """State of each subject after the decision, and the subjects that were too short."""

    states: list[Lease]
    short: list[str]


class _Held(NamedTuple):
    """One need beside what the ledger knows. extra: granted in an answer that got lost."""

    need: Need
    granted: int
    charged: int
    limit: int | None
    known: bool

    @property
    def extra(self) -> int:
        return max(0, self.granted - self.need.known)

    @property
    def short(self) -> int:
        return max(0, self.need.need - self.extra)

    @property
    def free(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.charged)

    @property
    def fits(self) -> bool:
        return self.known and (self.free is None or self.short <= self.free)


def grant_want(
    db: sqlite3.Connection, worker: str, want: LeaseWant, limit_of: LimitOf, now: float
) -> GrantResult:
    """Charge what is granted, and say how every subject stands."""
    held = [_look_up(db, worker, want.day, need, limit_of) for need in want.needs]
    if not all(each.fits for each in held):
        short = [each.need.subject for each in held if not each.fits]
        return GrantResult([_state(db, want.day, each, now, 0) for each in held], short)
    states = []
    for each in held:
        wished = max(each.short, each.need.wish - each.extra)
        size = lease_share(each.short, wished, each.free)
        if size:
            rows.add_grant(db, each.need.subject, want.day, worker, size)
        states.append(_state(db, want.day, each, now, size))
    return GrantResult(states, [])


def _look_up(db: sqlite3.Connection, worker: str, day: str, need: Need, limit_of: LimitOf) -> _Held:
    try:
        limit, known = limit_of(need.subject), True
    except LookupError:
        limit, known = 0, False
    granted = rows.granted(db, need.subject, day, worker)
    return _Held(need, granted, rows.charged(db, need.subject, day), limit, known)


def _state(db: sqlite3.Connection, day: str, held: _Held, now: float, size: int) -> Lease:
    free = None if held.free is None else held.free - size
    running = rows.running(db, held.need.subject, day, now)
    return Lease(held.need.subject, day, held.granted + size, free, running, held.known)
