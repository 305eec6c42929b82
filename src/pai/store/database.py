"""A database through SQLAlchemy, for one thread at a time; errors sorted by who can act.

Here is SQLite, opened for durability; `postgres_database` is the other one.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from pai.errors import PaiError, TransientError

_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
# What SQLite says, what we say, and the way out.
_TRANSIENT = (
    ("disk is full", "no space left on the disk that holds {file}", "free some space and repeat"),
    ("disk i/o error", "{file} can't be written", "is the disk full, or gone?"),
    ("is locked", "{file} is in use by another process", "is a second control running?"),
    ("unable to open", "{file} can't be opened", "check that directory's owner and mode"),
    ("readonly", "{file} is read-only", "check the file's owner and mode"),
)


class Database(Protocol):
    """What a store needs of its database."""

    name: str

    def transaction(self, *, writing: bool = True) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction; durable when the block ends, else undone.

        writing: no other such transaction runs beside it. Raises TransientError when the database
        can't be used now.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class SqliteDatabase:
    """One SQLite file. Every transaction takes the write lock: there is but one connection."""

    def __init__(self, file: Path) -> None:
        self.name = file.name
        self._file = file
        self._engine = open_database(file)

    def transaction(self, *, writing: bool = True) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction; see `Database`."""
        return transaction(self._engine, self._file)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def open_database(file: Path) -> Engine:
    """Return an engine with one connection, for use from one thread at a time."""
    engine = create_engine(
        f"sqlite:///{file}", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


@contextmanager
def transaction(engine: Engine, file: Path) -> Iterator[Connection]:
    """Give a connection in a write transaction; on disk when the block ends, else undone.

    Raises TransientError when the file can't be read or written now.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise _translated(error, file) from error


def _translated(error: Exception, file: Path) -> Exception:
    text = str(getattr(error, "orig", error)).lower()
    for needle, message, hint in _TRANSIENT:
        if needle in text:
            return TransientError(message.format(file=file.name), hint=hint)
    if "malformed" in text or "not a database" in text:
        return PaiError(f"{file.name} is damaged", hint="restore it from a backup")
    return error


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN and COMMIT are ours, see _on_begin
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # IMMEDIATE: a lock is refused here and not in the middle of a read-modify-write.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
