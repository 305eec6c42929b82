"""Schema versions of the SQLite file. A version, once released, is never edited; append one.

`migrate` runs in the caller's transaction: a file is at the old version or at the new one.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from pai.store.errors import SchemaTooNewError

_V1 = (
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
MIGRATIONS: tuple[Migration, ...] = (_V1,)

_META = (
    "CREATE TABLE IF NOT EXISTS meta (name VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL)"
)


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Bring the schema forward to the newest version; return the version it had before.

    Raises SchemaTooNewError when the file is newer than this program.
    """
    connection.exec_driver_sql(_META)
    row = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'schema'").first()
    found = int(row[0]) if row else 0
    if found > len(migrations):
        raise SchemaTooNewError(
            f"pai.db has schema version {found}, this Pai knows up to {len(migrations)}",
            hint="use the newer version of Pai that wrote it",
        )
    for statements in migrations[found:]:
        for statement in statements:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        "INSERT OR REPLACE INTO meta (name, value) VALUES ('schema', ?)", (str(len(migrations)),)
    )
    return found
