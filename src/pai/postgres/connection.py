"""A connection that answers or fails within seconds, and transactions that take turns.

All that a transaction depends on is said at its beginning, not once a session: what a role's or
a server's defaults are, and whether a pooler sits in between, changes nothing.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from pai.postgres.address import DatabaseUrl
from pai.postgres.errors import translated

T = TypeVar("T")

SERVER_SECONDS = 10
"""Longest time that the server works on one statement, waits for a lock or for our next word."""
SILENCE_SECONDS = 15.0
"""After so long without an answer a connection is given up: the server hangs, or is gone."""

_LIMITS = "".join(
    f"SET LOCAL {name} = {value}; "
    for name, value in {
        "synchronous_commit": "on",  # an answer that is given is on disk
        "statement_timeout": SERVER_SECONDS * 1000,
        "lock_timeout": SERVER_SECONDS * 1000,
        # A control that froze or lost its network must not keep the lock from the others.
        "idle_in_transaction_session_timeout": SERVER_SECONDS * 1000,
    }.items()
)
_READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"
# READ COMMITTED: each statement after the lock sees all that was committed under it. The lock is
# a statement of its own, so no snapshot is older than it.
_WRITING = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_LIMITS}"


class BoundedConnection(psycopg.Connection[TupleRow]):
    """A connection that closes itself when the server stays silent for too long."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the server as psycopg does, within SILENCE_SECONDS."""
        try:
            return super().wait(gen, interval, timeout or SILENCE_SECONDS)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # an answer is still due: nothing more can be said here
            raise


def connect(url: DatabaseUrl, what: str) -> BoundedConnection:
    """Return a new connection in autocommit mode.

    what: whose database, for errors. Raises SpecError for a bad URL, TransientError.
    """
    parameters: dict[str, Any] = url.parameters()
    try:
        # Nothing is prepared: a pooler may hand every transaction to another session.
        return BoundedConnection.connect(autocommit=True, prepare_threshold=None, **parameters)
    except psycopg.Error as error:
        raise translated(error, what, url) from None  # what libpq says may quote the URL


def begin(connection: psycopg.Connection[Any], lock: int | None) -> None:
    """Begin a transaction in one round trip.

    lock: number of the lock under which writers take turns until the transaction ends; None only
    reads, from one snapshot, and waits for nobody.
    """
    start = _READING if lock is None else f"{_WRITING}SELECT pg_advisory_xact_lock({lock})"
    connection.execute(start)
