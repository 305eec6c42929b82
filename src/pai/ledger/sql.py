"""What the ledger's statements need of a database connection; its SQL is written with `?` marks."""

from collections.abc import Sequence
from typing import Any, Protocol


class Found(Protocol):
    """What a statement found; on PostgreSQL it is waited for when it is asked for."""

    def fetchone(self) -> Any:
        """Return the next row as a tuple, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows as tuples."""
        ...


class Db(Protocol):
    """A connection inside a transaction. `sqlite3.Connection` is one as it stands."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Found:
        """Run one statement."""
        ...
