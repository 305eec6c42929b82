"""Decide one request's needs inside a transaction: all are granted, or none."""

from collections.abc import Container
from typing import NamedTuple

from pai.budget.share import lease_share
from pai.ir.ledger import Lease, LeaseWant, Need
from pai.ledger import rows
from pai.ledger.protocol import LimitOf
from pai.ledger.rows import Standing
from pai.ledger.sql import Db


class GrantResult(NamedTuple):
    """State of each subject after the decision, and the subjects that were too short."""

    states: list[Lease]
    short: list[str]


class _Held(NamedTuple):
    """One need beside what the ledger knows. extra: granted in an answer that got lost."""

    need: Need
    granted: int
    charged: int
    unspent: int
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

    @property
    def size(self) -> int:
        """What to grant, once everything of the request fits."""
        return lease_share(self.short, max(self.short, self.need.wish - self.extra), self.free)

    def state(self, day: str, size: int, running: int) -> Lease:
        """Return how the subject stands after a grant of `size`."""
        free = None if self.free is None else self.free - size
        return Lease(self.need.subject, day, self.granted + size, free, running, self.known)


def grant_want(
    db: Db, worker: str, want: LeaseWant, limit_of: LimitOf, now: float, awaited: Container[str]
) -> GrantResult:
    """Charge what is granted, and say how every subject stands.

    want: each subject once. awaited: subjects that somebody before is short of; what is free of
    them is kept for that one. A worker that has ended gets nothing: its call comes late.
    """
    subjects = [need.subject for need in want.needs]
    standings = rows.standings(db, subjects, want.day, worker)
    held = [_held(need, standings[need.subject], limit_of) for need in want.needs]
    short = [
        each.need.subject
        for each in held
        if not each.fits or (each.short and each.need.subject in awaited)
    ]
    closed = any(standing.closed for standing in standings.values())
    sizes = [0 if short or closed else each.size for each in held]
    for subject, size in zip(subjects, sizes, strict=True):
        if size:
            rows.add_grant(db, subject, want.day, worker, size)
    # Who gets what it asked for needs no more than a bound of what others may bring back.
    running = rows.running(db, subjects, want.day, now) if short else {}
    states = [
        each.state(want.day, size, running.get(each.need.subject, each.unspent + size))
        for each, size in zip(held, sizes, strict=True)
    ]
    return GrantResult(states, short)


def _held(need: Need, standing: Standing, limit_of: LimitOf) -> _Held:
    try:
        limit, known = limit_of(need.subject), True
    except LookupError:
        limit, known = 0, False
    unspent = standing.charged - standing.spent
    return _Held(need, standing.granted, standing.charged, unspent, limit, known)
