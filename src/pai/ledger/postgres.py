"""The ledger on PostgreSQL, for several controls: every commit is on disk before the answer.

A call is one transaction that takes one advisory lock first, so the calls of all controls are in
one order, as on SQLite. When a connection is lost at COMMIT nobody knows the outcome, and nobody
has to: a grant that was never answered stays charged until its worker asks again, and a batch that
is sent again is applied once.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg

from pai.errors import SpecError, TransientError
from pai.ledger.calls import SqlLedger
from pai.ledger.schema import migrate
from pai.ledger.sql import Db, Found
from pai.postgres import BoundedConnection, DatabaseUrl, begin, connect, translated

_LOCK = 0x70_61_69_6C  # "pail"; any number that nobody else uses in this database
_PAUSE_SECONDS = 0.5  # after a failed connect, calls fail at once: a queue of them must not build
_WHAT = "ledger"


class PostgresLedger(SqlLedger):
    """`Ledger` on PostgreSQL. Safe to call from several threads; calls take turns.

    url: see `DatabaseUrl`. Raises SpecError for a bad URL or tables of a newer program and
    TransientError when the server is out of reach. Later it connects anew by itself.
    """

    def __init__(self, url: str) -> None:
        self._turn = threading.Lock()
        self._url = DatabaseUrl(url)
        self._closed = False
        self._rest_until = 0.0
        self._connection: BoundedConnection | None = self._opened()

    def close(self) -> None:
        """Release the database."""
        with self._turn:
            self._closed = True
            self._drop()

    @contextmanager
    def _writing(self) -> Iterator[Db]:
        with self._turn, self._transaction(_LOCK) as db:
            yield db

    @contextmanager
    def _reading(self) -> Iterator[Db]:
        with self._turn, self._transaction(None) as db:
            yield db

    @contextmanager
    def _transaction(self, lock: int | None) -> Iterator[Db]:
        try:
            connection = self._begun(lock)
            with _committed(connection):
                yield _Statements(connection)
        except BaseException as error:
            self._drop()  # which undoes the transaction, whatever state it is in
            if isinstance(error, psycopg.Error):
                raise translated(error, _WHAT, self._url) from error
            raise

    def _begun(self, lock: int | None) -> BoundedConnection:
        if self._connection is not None:
            try:
                begin(self._connection, lock)
                return self._connection
            except psycopg.Error:
                if not self._connection.closed:
                    raise
        # The server was restarted since the last call: nothing was said yet, so nothing is lost.
        self._drop()
        self._connection = self._reopened()
        begin(self._connection, lock)
        return self._connection

    def _reopened(self) -> BoundedConnection:
        if self._closed:
            raise TransientError(f"{_WHAT}: closed")
        if time.monotonic() < self._rest_until:
            raise TransientError(f"{_WHAT}: PostgreSQL is out of reach", hint="it is tried again")
        try:
            return self._opened()
        except (SpecError, TransientError) as error:
            self._rest_until = time.monotonic() + _PAUSE_SECONDS
            raise TransientError(error.message, error.hint) from error

    def _opened(self) -> BoundedConnection:
        """Connect, and bring the tables forward; of two controls the second finds it done."""
        connection = connect(self._url, _WHAT)
        try:
            begin(connection, _LOCK)
            with _committed(connection):
                migrate(_Statements(connection), _spelt)
        except BaseException as error:
            connection.close()
            if isinstance(error, psycopg.Error):
                raise translated(error, _WHAT, self._url) from error
            raise
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()


@contextmanager
def _committed(connection: BoundedConnection) -> Iterator[None]:
    """Send what the block says without waiting for each answer; it is on disk when this ends."""
    with connection.pipeline():
        yield
        commit = connection.execute("COMMIT")
    if commit.statusmessage != "COMMIT":
        raise psycopg.OperationalError(f"COMMIT was answered with {commit.statusmessage}")


class _Statements:
    """psycopg as a `Db`."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Found:
        return self._connection.execute(_marked(sql), parameters)


@lru_cache(maxsize=64)
def _marked(sql: str) -> str:
    """Return a statement with psycopg's marks; no `?` or `%` of ours means anything else."""
    return sql.replace("?", "%s")


def _spelt(statement: str) -> str:
    """Return a statement that makes a table whose texts sort as on SQLite: by code point."""
    return statement.replace(" TEXT", ' TEXT COLLATE "C"')
