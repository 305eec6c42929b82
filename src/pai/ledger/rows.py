"""The ledger's statements. Portable SQL; transactions belong to the caller."""

import sqlite3
from collections.abc import Iterable

from pai.errors import SpecError
from pai.ir.ledger import LeaseCall, SettleCall, Usage
from pai.ledger.balance import Balance

LIVE_SECONDS = 60.0
"""A worker that was not heard of for so long has ended; what it held stays charged."""

_SUMS = (
    "requests",
    "input",
    "cached",
    "output",
    "reasoning",
    "cost_microusd",
    "estimated",
    "first_byte_ms",
    "duration_ms",
)
_MOST = 2**53  # a figure beyond this is not a token count


def see_worker(db: sqlite3.Connection, worker: str, now: float, *, closed: bool = False) -> None:
    """Note a sign of life."""
    db.execute(
        "INSERT INTO worker (worker, sequence, seen_at, closed) VALUES (?, 0, ?, ?)"
        " ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, closed = excluded.closed",
        (worker, now, int(closed)),
    )


def last_seen(db: sqlite3.Connection, worker: str) -> float | None:
    """Return when a worker was last heard of."""
    row = db.execute("SELECT seen_at FROM worker WHERE worker = ?", (worker,)).fetchone()
    return None if row is None else float(row[0])


def granted(db: sqlite3.Connection, subject: str, day: str, worker: str) -> int:
    """Return what a worker was granted on a day, in all."""
    row = db.execute(
        "SELECT granted FROM lease WHERE subject = ? AND day = ? AND worker = ?",
        (subject, day, worker),
    ).fetchone()
    return 0 if row is None else int(row[0])


def charged(db: sqlite3.Connection, subject: str, day: str) -> int:
    """Return what counts against the subject's limit."""
    row = db.execute(
        "SELECT charged FROM subject_day WHERE subject = ? AND day = ?", (subject, day)
    ).fetchone()
    return 0 if row is None else int(row[0])


def running(db: sqlite3.Connection, subject: str, day: str, now: float) -> int:
    """Return what live workers hold and have not spent."""
    row = db.execute(
        "SELECT SUM(l.granted + l.overdraft - l.returned - l.spent)"
        " FROM lease l JOIN worker w ON w.worker = l.worker"
        " WHERE l.subject = ? AND l.day = ? AND w.closed = 0 AND w.seen_at > ?",
        (subject, day, now - LIVE_SECONDS),
    ).fetchone()
    return int(row[0] or 0)


def add_grant(db: sqlite3.Connection, subject: str, day: str, worker: str, size: int) -> None:
    """Charge a lease."""
    db.execute(
        "INSERT INTO lease (subject, day, worker, granted, overdraft, returned, spent)"
        " VALUES (?, ?, ?, ?, 0, 0, 0)"
        " ON CONFLICT (subject, day, worker) DO UPDATE SET granted = lease.granted + ?",
        (subject, day, worker, size, size),
    )
    _add_to_day(db, subject, day, size, 0)


def check_needs(call: LeaseCall) -> None:
    """Refuse figures that can't be true."""
    for want in call.wants:
        for need in want.needs:
            counts = (need.known, need.need, need.wish)
            if min(counts) < 0 or max(counts) > _MOST:
                raise SpecError(f"wants: impossible figures for {need.subject}")


def check_batch(call: SettleCall) -> None:
    """Refuse figures that can't be true, before anything is written."""
    for charge in call.charges:
        counts = (charge.spent, charge.over, charge.returned)
        if min(counts) < 0 or max(counts) > _MOST or charge.over > charge.spent:
            raise SpecError(f"charges: impossible figures for {charge.subject}")
    for usage in call.usages:
        counts = tuple(getattr(usage, column) for column in _SUMS)
        if min(counts) < 0 or max(counts) > _MOST:
            raise SpecError(f"usages: impossible figures for {usage.agent}")
    if call.sequence <= 0:
        raise SpecError("sequence: a batch with content starts at 1")


def begin_batch(db: sqlite3.Connection, call: SettleCall, now: float) -> bool:
    """Take the batch's sequence number; False when it was applied before."""
    see_worker(db, call.worker, now, closed=call.closing)
    changed = db.execute(
        "UPDATE worker SET sequence = ? WHERE worker = ? AND sequence < ?",
        (call.sequence, call.worker, call.sequence),
    )
    return changed.rowcount == 1


def apply_charges(db: sqlite3.Connection, call: SettleCall) -> None:
    """Move a worker's leases on.

    What was spent always counts, also when the lease is not known here (a ledger restored from an
    older copy); more than is held can't be given back.
    """
    for charge in call.charges:
        key = (charge.subject, charge.day, call.worker)
        row = db.execute(
            "SELECT granted + overdraft - returned, spent FROM lease"
            " WHERE subject = ? AND day = ? AND worker = ?",
            key,
        ).fetchone()
        if row is None:
            add_grant(db, *key, 0)
        held, spent = row or (0, 0)
        spent += charge.spent
        over = max(charge.over, spent - held)
        returned = min(charge.returned, held + over - spent)
        db.execute(
            "UPDATE lease SET spent = ?, overdraft = overdraft + ?, returned = returned + ?"
            " WHERE subject = ? AND day = ? AND worker = ?",
            (spent, over, returned, *key),
        )
        _add_to_day(db, charge.subject, charge.day, over - returned, charge.spent)


def apply_usages(db: sqlite3.Connection, usages: Iterable[Usage]) -> None:
    """Add usage to its (agent, model, day)."""
    columns = ", ".join(_SUMS)
    marks = ", ".join("?" * (3 + len(_SUMS)))
    sums = ", ".join(f"{each} = usage_day.{each} + excluded.{each}" for each in _SUMS)
    db.executemany(
        f"INSERT INTO usage_day (agent, model, day, {columns}) VALUES ({marks})"
        f" ON CONFLICT (agent, model, day) DO UPDATE SET {sums}",
        [
            (each.agent, each.model, each.day, *(getattr(each, column) for column in _SUMS))
            for each in usages
        ],
    )


def balances(
    db: sqlite3.Connection, day: str, now: float, subject: str | None = None
) -> dict[str, Balance]:
    """Return each subject's balance of a day, or that of one subject."""
    alive = now - LIVE_SECONDS
    found = db.execute(
        "SELECT d.subject, d.spent, d.charged, COALESCE((SELECT SUM(l.granted + l.overdraft"
        " - l.returned - l.spent) FROM lease l JOIN worker w ON w.worker = l.worker"
        " WHERE l.subject = d.subject AND l.day = d.day AND w.closed = 0 AND w.seen_at > ?), 0)"
        " FROM subject_day d WHERE d.day = ? AND (d.subject = ? OR ?)",
        (alive, day, subject or "", subject is None),
    ).fetchall()
    return {
        name: Balance(
            subject=name, day=day, spent=spent, reserved=held, unaccounted=total - spent - held
        )
        for name, spent, total, held in found
    }


def usage(
    db: sqlite3.Connection, agent: str | None, model: str | None, since: str | None
) -> list[Usage]:
    """Return the usage rows that match, sorted by agent, model and day."""
    found = db.execute(
        f"SELECT agent, model, day, {', '.join(_SUMS)} FROM usage_day"
        " WHERE (agent = ? OR ?) AND (model = ? OR ?) AND day >= ? ORDER BY agent, model, day",
        (agent or "", agent is None, model or "", model is None, since or ""),
    ).fetchall()
    return [
        Usage(agent=a, model=m, day=d, **dict(zip(_SUMS, sums, strict=True)))
        for a, m, d, *sums in found
    ]


def _add_to_day(db: sqlite3.Connection, subject: str, day: str, held: int, spent: int) -> None:
    db.execute(
        "INSERT INTO subject_day (subject, day, charged, spent) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (subject, day) DO UPDATE SET charged = subject_day.charged + ?,"
        " spent = subject_day.spent + ?",
        (subject, day, held, spent, held, spent),
    )
