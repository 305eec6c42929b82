"""Schema versions of the store. A version, once released, is never edited; append one.

`migrate` runs in the caller's transaction: a database is at the old version or at the new one.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from pai.store import tables
from pai.store.errors import SchemaTooNewError
from pai.store.upsert import put

_RESOURCES_V1 = (
    """CREATE TABLE resources (
        kind VARCHAR NOT NULL, namespace VARCHAR NOT NULL, name VARCHAR NOT NULL,
        uid VARCHAR NOT NULL UNIQUE, generation INTEGER NOT NULL,
        resource_version INTEGER NOT NULL, created_at VARCHAR NOT NULL, deleted_at VARCHAR,
        delete_volumes INTEGER NOT NULL, labels VARCHAR NOT NULL, annotations VARCHAR NOT NULL,
        spec VARCHAR NOT NULL, status VARCHAR NOT NULL, PRIMARY KEY (kind, namespace, name))""",
    """CREATE TABLE secret_entries (
        uid VARCHAR NOT NULL, name VARCHAR NOT NULL, sealed BLOB NOT NULL,
        updated_at VARCHAR NOT NULL, PRIMARY KEY (uid, name))""",
    """CREATE TABLE changes (
        resource_version INTEGER NOT NULL PRIMARY KEY, type VARCHAR NOT NULL,
        record VARCHAR NOT NULL)""",
)
_ACTIVITY_V1 = (
    """CREATE TABLE events (
        id INTEGER NOT NULL PRIMARY KEY, namespace VARCHAR NOT NULL, agent VARCHAR NOT NULL,
        at VARCHAR NOT NULL, type VARCHAR NOT NULL, reason VARCHAR NOT NULL,
        message VARCHAR NOT NULL, count INTEGER NOT NULL,
        UNIQUE (namespace, agent, type, reason, message))""",
    """CREATE TABLE audit (
        id INTEGER NOT NULL PRIMARY KEY, namespace VARCHAR NOT NULL, agent VARCHAR NOT NULL,
        record VARCHAR NOT NULL)""",
    "CREATE INDEX audit_by_agent ON audit (namespace, agent, id)",
    """CREATE TABLE request_counts (
        namespace VARCHAR NOT NULL, agent VARCHAR NOT NULL, day VARCHAR NOT NULL,
        provider VARCHAR NOT NULL, requests INTEGER NOT NULL,
        PRIMARY KEY (namespace, agent, day, provider))""",
    """CREATE TABLE tokens (
        name VARCHAR NOT NULL PRIMARY KEY, sha256 VARCHAR NOT NULL UNIQUE,
        created_at VARCHAR NOT NULL)""",
    """CREATE TABLE notes (
        scope VARCHAR NOT NULL, name VARCHAR NOT NULL, document VARCHAR NOT NULL,
        PRIMARY KEY (scope, name))""",
)

Migration = Sequence[str]
MIGRATIONS: tuple[Migration, ...] = ((*_RESOURCES_V1, *_ACTIVITY_V1),)
"""Of a SQLite file; each entry is one version."""
POSTGRES_MIGRATIONS: tuple[Migration, ...] = (_ACTIVITY_V1,)
"""Of a PostgreSQL database: resources never lie there."""
_NEWEST = {"sqlite": MIGRATIONS, "postgresql": POSTGRES_MIGRATIONS}

# How PostgreSQL spells a word of SQLite's, in this order. Texts sort by code point there too.
_POSTGRES = (
    ("id INTEGER NOT NULL PRIMARY KEY", "id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    (" INTEGER", " BIGINT"),
    (" VARCHAR", ' VARCHAR COLLATE "C"'),
)

_META = (
    "CREATE TABLE IF NOT EXISTS meta (name VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL)"
)


def migrate(connection: Connection, migrations: Sequence[Migration] | None = None) -> int:
    """Bring the schema forward to the newest version; return the version it had before.

    Raises SchemaTooNewError when the database is newer than this program.
    """
    steps = migrations or _NEWEST[connection.dialect.name]
    _execute(connection, _META)
    row = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'schema'").first()
    found = int(row[0]) if row else 0
    if found > len(steps):
        raise SchemaTooNewError(
            f"the store has schema version {found}, this Pai knows up to {len(steps)}",
            hint="use the newer version of Pai that wrote it",
        )
    for statements in steps[found:]:
        for statement in statements:
            _execute(connection, statement)
    put(connection, tables.meta, {"name": "schema"}, {"value": str(len(steps))})
    return found


def _execute(connection: Connection, statement: str) -> None:
    if connection.dialect.name == "postgresql":
        for word, spelling in _POSTGRES:
            statement = statement.replace(word, spelling)
    connection.exec_driver_sql(statement)
