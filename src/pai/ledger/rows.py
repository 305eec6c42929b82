"""The ledger's statements, for every database. Transactions belong to the caller.

Where several rows are looked up, all statements are issued before the first result is asked for:
on PostgreSQL that is one round trip.
"""

from collections.abc import Iterable
from typing import NamedTuple

from pai.ledger.balance import Balance
from pai.ledger.sql import Db

LIVE_SECONDS = 60.0
"""A worker that was not heard of for so long has ended; what it held stays charged."""
_WANTED_SECONDS = 5.0  # how long a refusal makes other workers give back what lies idle


class Standing(NamedTuple):
    """A worker's grants for one subject and day, and all that is charged and spent there.

    closed: the worker has said that it ends.
    """

    granted: int
    charged: int
    spent: int
    closed: int


class Held(NamedTuple):
    """What one lease amounts to, and what of it is spent."""

    held: int
    spent: int


LeaseKey = tuple[str, str, str]
"""(subject, day, worker)"""


def see_worker(db: Db, worker: str, now: float, *, closed: bool = False) -> None:
    """Note a sign of life. A worker that has said that it ends never comes back."""
    db.execute(
        "INSERT INTO worker (worker, sequence, seen_at, closed) VALUES (?, 0, ?, ?)"
        " ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at,"
        " closed = CASE WHEN excluded.closed = 1 THEN 1 ELSE worker.closed END",
        (worker, now, int(closed)),
    )


def last_seen(db: Db, worker: str) -> float | None:
    """Return when a worker was last heard of."""
    row = db.execute("SELECT seen_at FROM worker WHERE worker = ?", (worker,)).fetchone()
    return None if row is None else float(row[0])


def take_sequence(db: Db, worker: str, sequence: int) -> bool:
    """Make a known worker's sequence number the newest; False when it, or a later one, was."""
    query = "SELECT sequence FROM worker WHERE worker = ?"
    newest = db.execute(query, (worker,)).fetchone()[0]
    if sequence <= newest:
        return False
    db.execute("UPDATE worker SET sequence = ? WHERE worker = ?", (sequence, worker))
    return True


def standings(db: Db, subjects: Iterable[str], day: str, worker: str) -> dict[str, Standing]:
    """Return how a worker stands with each subject."""
    query = (
        "SELECT COALESCE((SELECT granted FROM lease WHERE subject = ? AND day = ? AND worker = ?)"
        ", 0), COALESCE(MAX(charged), 0), COALESCE(MAX(spent), 0)"
        ", COALESCE((SELECT closed FROM worker WHERE worker = ?), 0)"
        " FROM subject_day WHERE subject = ? AND day = ?"
    )
    found = {each: db.execute(query, (each, day, worker, worker, each, day)) for each in subjects}
    return {subject: Standing(*result.fetchone()) for subject, result in found.items()}


def running(db: Db, subjects: Iterable[str], day: str, now: float) -> dict[str, int]:
    """Return what live workers hold of each subject and have not spent."""
    query = (
        "SELECT SUM(l.granted + l.overdraft - l.returned - l.spent)"
        " FROM lease l JOIN worker w ON w.worker = l.worker"
        " WHERE l.subject = ? AND l.day = ? AND w.closed = 0 AND w.seen_at > ?"
    )
    found = {each: db.execute(query, (each, day, now - LIVE_SECONDS)) for each in subjects}
    return {subject: int(result.fetchone()[0] or 0) for subject, result in found.items()}


def add_grant(db: Db, subject: str, day: str, worker: str, size: int) -> None:
    """Charge a lease."""
    db.execute(
        "INSERT INTO lease (subject, day, worker, granted, overdraft, returned, spent)"
        " VALUES (?, ?, ?, ?, 0, 0, 0)"
        " ON CONFLICT (subject, day, worker) DO UPDATE SET granted = lease.granted + ?",
        (subject, day, worker, size, size),
    )
    add_to_day(db, subject, day, size, 0)


def leases(db: Db, keys: Iterable[LeaseKey]) -> dict[LeaseKey, Held | None]:
    """Return what each lease amounts to; None for one that is not known here."""
    query = (
        "SELECT granted + overdraft - returned, spent FROM lease"
        " WHERE subject = ? AND day = ? AND worker = ?"
    )
    found = [(key, db.execute(query, key)) for key in dict.fromkeys(keys)]
    rows = [(key, result.fetchone()) for key, result in found]
    return {key: None if row is None else Held(*row) for key, row in rows}


def move_lease(db: Db, key: LeaseKey, spent: int, over: int, returned: int) -> None:
    """Set what is spent of a lease in all, and add what was taken beyond it or given back."""
    db.execute(
        "UPDATE lease SET spent = ?, overdraft = overdraft + ?, returned = returned + ?"
        " WHERE subject = ? AND day = ? AND worker = ?",
        (spent, over, returned, *key),
    )


def add_to_day(db: Db, subject: str, day: str, held: int, spent: int) -> None:
    """Add to what is charged and what is spent of a subject's day."""
    db.execute(
        "INSERT INTO subject_day (subject, day, charged, spent) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (subject, day) DO UPDATE SET charged = subject_day.charged + ?,"
        " spent = subject_day.spent + ?",
        (subject, day, held, spent, held, spent),
    )


def want(db: Db, subject: str, worker: str, now: float) -> None:
    """Note that a worker was refused for want of free tokens."""
    db.execute("DELETE FROM wanted WHERE ABS(since - ?) > ?", (now, _WANTED_SECONDS))
    db.execute(
        "INSERT INTO wanted (subject, worker, since) VALUES (?, ?, ?) ON CONFLICT (subject)"
        " DO UPDATE SET worker = excluded.worker, since = excluded.since",
        (subject, worker, now),
    )


def wanted_by_others(db: Db, worker: str, now: float) -> tuple[str, ...]:
    """Return the subjects that another worker was refused a moment ago, sorted."""
    found = db.execute(
        "SELECT subject FROM wanted WHERE worker <> ? AND ABS(since - ?) <= ? ORDER BY subject",
        (worker, now, _WANTED_SECONDS),
    )
    return tuple(subject for (subject,) in found.fetchall())


def balances(db: Db, day: str, now: float, subject: str | None = None) -> dict[str, Balance]:
    """Return each subject's balance of a day, or that of one subject."""
    found = db.execute(
        "SELECT d.subject, d.spent, d.charged, COALESCE((SELECT SUM(l.granted + l.overdraft"
        " - l.returned - l.spent) FROM lease l JOIN worker w ON w.worker = l.worker"
        " WHERE l.subject = d.subject AND l.day = d.day AND w.closed = 0 AND w.seen_at > ?), 0)"
        " FROM subject_day d WHERE d.day = ? AND (d.subject = ? OR ?)",
        (now - LIVE_SECONDS, day, subject or "", subject is None),
    )
    return {row[0]: _balance(day, *row) for row in found.fetchall()}


def _balance(day: str, subject: str, spent: int, charged: int, held: int) -> Balance:
    reserved = int(held)  # PostgreSQL's sums are decimals
    return Balance(
        subject=subject,
        day=day,
        spent=spent,
        reserved=reserved,
        unaccounted=charged - spent - reserved,
    )
