"""Which database a ledger lies in."""

from pathlib import Path

from pai.ledger.protocol import Ledger
from pai.ledger.sqlite import SqliteLedger


def open_ledger(place: str | Path) -> Ledger:
    """Open the ledger at a PostgreSQL URL (also `file:PATH`, `env:NAME`), else in a SQLite file.

    Raises SpecError for a bad URL or tables of a newer program, TransientError when out of reach.
    """
    if isinstance(place, str):  # who keeps files shall not carry PostgreSQL's driver
        from pai.ledger.postgres import PostgresLedger
        from pai.postgres import is_postgres

        if is_postgres(place):
            return PostgresLedger(place)
    return SqliteLedger(Path(place))
