"""Which database a ledger lies in."""

from pathlib import Path

from pai.ledger.postgres import PostgresLedger
from pai.ledger.protocol import Ledger
from pai.ledger.sqlite import SqliteLedger
from pai.postgres import is_postgres


def open_ledger(place: str | Path) -> Ledger:
    """Open the ledger at a PostgreSQL URL (also `file:PATH`, `env:NAME`), else in a SQLite file.

    Raises SpecError for a bad URL or tables of a newer program, TransientError when out of reach.
    """
    if isinstance(place, str) and is_postgres(place):
        return PostgresLedger(place)
    return SqliteLedger(Path(place))
