"""A PostgreSQL database through SQLAlchemy, shared by several controls.

Writers take one advisory lock, so those of all controls take turns, as on SQLite; readers wait for
nobody. Transactions are begun by `pai.postgres`, not by SQLAlchemy: see there what they depend on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from pai.errors import PaiError, TransientError
from pai.postgres import BoundedConnection, DatabaseUrl, begin, connect, translated

_LOCK = 0x70_61_69_73  # "pais"; any number that nobody else uses in this database
_PAUSE_SECONDS = 0.5  # after a failed connect, calls fail at once: a queue of them must not build
_WHAT = "activity records"


class PostgresDatabase:
    """One PostgreSQL database. url: see `DatabaseUrl`. Connects when it is first used, and anew.

    Raises SpecError for a bad URL.
    """

    def __init__(self, url: str) -> None:
        self.name = "the database"
        self._url = DatabaseUrl(url)
        self._url.parameters()
        self._rest_until = 0.0
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,  # a server that was restarted costs no failed call
            isolation_level="AUTOCOMMIT",  # BEGIN and COMMIT are ours
            use_native_hstore=False,
            hide_parameters=True,  # what is written has no place in an error
        )

    @contextmanager
    def transaction(self, *, writing: bool = True) -> Iterator[Connection]:
        """Give a connection in a transaction; see `Database`."""
        try:
            with self._engine.connect() as connection, _begun(connection, writing=writing):
                yield connection
        except (DBAPIError, psycopg.Error) as error:
            found = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(found, psycopg.Error):
                raise translated(found, _WHAT, self._url) from error
            raise

    def close(self) -> None:
        """Let go of the connection."""
        self._engine.dispose()

    def _connected(self) -> BoundedConnection:
        if time.monotonic() < self._rest_until:
            raise TransientError(f"{_WHAT}: PostgreSQL is out of reach", hint="it is tried again")
        try:
            return connect(self._url, _WHAT)
        except PaiError as error:
            self._rest_until = time.monotonic() + _PAUSE_SECONDS
            raise TransientError(error.message, error.hint) from error


@contextmanager
def _begun(connection: Connection, *, writing: bool) -> Iterator[None]:
    driver: psycopg.Connection[Any] = connection.connection.dbapi_connection  # type: ignore[assignment]
    begin(driver, _LOCK if writing else None)
    try:
        yield
    except BaseException:
        if not driver.closed:
            driver.execute("ROLLBACK")
        raise
    driver.execute("COMMIT")
