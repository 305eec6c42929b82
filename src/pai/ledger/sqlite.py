"""The ledger on one SQLite file: WAL, every commit synced to disk before the answer.

A call is one transaction that takes the write lock first, so calls of all workers are in one order.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pai.errors import SpecError, TransientError
from pai.ledger.calls import SqlLedger
from pai.ledger.schema import migrate


class SqliteLedger(SqlLedger):
    """`Ledger` on SQLite. Safe to call from several threads; calls take turns."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise TransientError(f"ledger {path}: {error}") from error
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA busy_timeout=5000")
            with self._writing() as db:
                migrate(db)
        except (sqlite3.Error, SpecError, TransientError) as error:
            self._db.close()
            if isinstance(error, sqlite3.Error):
                raise TransientError(f"ledger {path}: {error}") from error
            raise

    def close(self) -> None:
        """Release the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
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
