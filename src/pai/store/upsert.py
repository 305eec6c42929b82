"""Insert a row or change the one that is there: the statement that databases spell differently."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def put(
    connection: Connection,
    table: Table,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    again: Mapping[str, Any] | None = None,
) -> None:
    """Insert `key` with `values`; where `key` is there already, set `again` (None: `values`)."""
    change = values if again is None else again
    row = {**key, **values}
    if connection.dialect.name == "postgresql":
        of_postgres = postgresql.insert(table).values(row)
        connection.execute(of_postgres.on_conflict_do_update(index_elements=[*key], set_=change))
    else:
        of_sqlite = sqlite.insert(table).values(row)
        connection.execute(of_sqlite.on_conflict_do_update(index_elements=[*key], set_=change))
