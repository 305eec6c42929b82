"""The ledger on one SQLite file: WAL, every commit synced to disk before the answer.

A call is one transaction that takes the write lock first, so calls of all workers are in one order.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pai.budget.day import utc_day
from pai.errors import SpecError, TransientError
from pai.ir.ledger import (
    Lease,
    LeaseAnswer,
    LeaseCall,
    SettleAnswer,
    SettleCall,
    Usage,
)
from pai.ledger import rows
from pai.ledger.balance import Balance
from pai.ledger.grants import grant_want
from pai.ledger.protocol import LimitOf
from pai.ledger.schema import CREATE_VERSION, MIGRATIONS

_SEEN_EVERY_SECONDS = 10.0  # a worker's sign of life is written no more often than this
_WANTED_SECONDS = 5.0  # how long a refusal makes other workers give back what lies idle


class SqliteLedger:
    """`Ledger` on SQLite. Safe to call from several threads; calls take turns."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[str, tuple[str, float]] = {}
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise TransientError(f"ledger {path}: {error}") from error
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA busy_timeout=5000")
            self._migrate()
        except (sqlite3.Error, SpecError) as error:
            self._db.close()
            if isinstance(error, SpecError):
                raise
            raise TransientError(f"ledger {path}: {error}") from error

    def grant(self, call: LeaseCall, limit_of: LimitOf, now: float) -> LeaseAnswer:
        """Charge and grant leases; the sum charged never passes a limit."""
        rows.check_needs(call)
        today = utc_day(now)
        states: dict[str, Lease] = {}
        with self._transaction() as db:
            rows.see_worker(db, call.worker, now)
            for want in call.wants:
                if want.day == today:
                    result = grant_want(db, call.worker, want, limit_of, now)
                    states.update((state.subject, state) for state in result.states)
                    for subject in result.short:
                        self._wanted[subject] = (call.worker, now)
        return LeaseAnswer(now, tuple(states.values()))

    def settle(self, call: SettleCall, now: float) -> SettleAnswer:
        """Apply one batch exactly once."""
        if call.sequence == 0 and not call.charges and not call.usages:
            self._heartbeat(call, now)
        else:
            rows.check_batch(call)
            with self._transaction() as db:
                if rows.begin_batch(db, call, now):
                    rows.apply_charges(db, call)
                    rows.apply_usages(db, call.usages)
        return SettleAnswer(now, call.sequence, self._wanted_by_others(call.worker, now))

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
            return rows.usage(db, agent, model, since)

    def close(self) -> None:
        """Release the database."""
        with self._lock:
            self._db.close()

    def _heartbeat(self, call: SettleCall, now: float) -> None:
        with self._reading() as db:
            seen_at = rows.last_seen(db, call.worker)
        if call.closing or seen_at is None or now - seen_at >= _SEEN_EVERY_SECONDS:
            with self._transaction() as db:
                rows.see_worker(db, call.worker, now, closed=call.closing)

    def _wanted_by_others(self, worker: str, now: float) -> tuple[str, ...]:
        for subject, (_, since) in list(self._wanted.items()):
            if abs(now - since) > _WANTED_SECONDS:
                self._wanted.pop(subject, None)
        return tuple(sorted(s for s, (by, _) in list(self._wanted.items()) if by != worker))

    def _migrate(self) -> None:
        with self._transaction() as db:
            db.execute(CREATE_VERSION)
            row = db.execute("SELECT MAX(version) FROM schema_version").fetchone()
            version = row[0] or 0
            if version > len(MIGRATIONS):
                raise SpecError(
                    f"ledger: its version {version} is newer than this program's {len(MIGRATIONS)}",
                    hint="start the version of pai that wrote it, or a newer one",
                )
            for step in MIGRATIONS[version:]:
                for statement in step:
                    db.execute(statement)
            if version < len(MIGRATIONS):
                db.execute("INSERT INTO schema_version VALUES (?)", (len(MIGRATIONS),))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise TransientError(f"ledger: {error}") from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise TransientError(f"ledger: {error}") from error
