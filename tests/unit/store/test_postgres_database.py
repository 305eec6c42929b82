"""What belongs to PostgreSQL alone; behaviour is in tests/contract/test_activity.py."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import inspect, text
from tests.postgres_fixture import PASSWORD, PostgresServer

from pai.errors import SpecError, TransientError
from pai.store import tables
from pai.store.activity_store import ActivityStore
from pai.store.errors import SchemaTooNewError
from pai.store.migrations import POSTGRES_MIGRATIONS, migrate
from pai.store.postgres_database import PostgresDatabase

RESOURCES = {"resources", "secret_entries", "changes"}
TYPES = {"INTEGER": "BIGINT"}  # declared: as SQLite spells it


def test_the_migrated_schema_is_the_declared_one(new_database: Callable[[], str]) -> None:
    database = PostgresDatabase(new_database())
    with database.transaction() as connection:
        assert migrate(connection) == 0
        assert migrate(connection) == len(POSTGRES_MIGRATIONS)
        found = inspect(connection)
        assert set(found.get_table_names()) == set(tables.metadata.tables) - RESOURCES
        for name in found.get_table_names():
            table = tables.metadata.tables[name]
            columns = {
                column["name"]: (column["nullable"], str(column["type"]).partition(" ")[0])
                for column in found.get_columns(name)
            }
            assert columns == {
                column.name: (bool(column.nullable), TYPES.get(str(column.type), str(column.type)))
                for column in table.columns
            }
            primary = found.get_pk_constraint(name)["constrained_columns"]
            assert primary == [column.name for column in table.primary_key]
    database.close()


def test_a_migration_that_fails_changes_nothing(new_database: Callable[[], str]) -> None:
    database = PostgresDatabase(new_database())
    with database.transaction() as connection:
        migrate(connection)
    broken = ("CREATE TABLE half (x INTEGER)", "CREATE TABLE half (x INTEGER)")
    steps = (*POSTGRES_MIGRATIONS, broken)
    with pytest.raises(TransientError, match="exists"), database.transaction() as connection:
        migrate(connection, steps)
    with database.transaction() as connection:
        assert "half" not in inspect(connection).get_table_names()
        assert migrate(connection) == len(POSTGRES_MIGRATIONS)
    database.close()


async def test_a_newer_database_is_refused_and_left_alone(new_database: Callable[[], str]) -> None:
    url = new_database()
    store = ActivityStore(url)
    await store.open()
    await store.close()
    database = PostgresDatabase(url)
    with database.transaction() as connection:
        connection.execute(text("UPDATE meta SET value = '999' WHERE name = 'schema'"))
    database.close()
    again = ActivityStore(url)
    with pytest.raises(SchemaTooNewError, match="999"):
        await again.open()
    await again.close()


async def test_a_server_that_was_restarted_costs_no_call(
    new_database: Callable[[], str], postgres: PostgresServer
) -> None:
    store = ActivityStore(new_database())
    await store.open()
    await store.write_note("s", "n", {"kept": 1})
    postgres.crash()
    postgres.start()
    assert await store.notes("s") == {"n": {"kept": 1}}
    postgres.crash()
    try:
        for _ in range(3):
            with pytest.raises(TransientError) as caught:
                await store.notes("s")
            assert PASSWORD not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    finally:
        postgres.start()
    time.sleep(0.6)  # it does not try again sooner
    assert await store.notes("s") == {"n": {"kept": 1}}
    await store.close()


def test_what_was_half_done_is_undone(new_database: Callable[[], str]) -> None:
    database = PostgresDatabase(new_database())
    with database.transaction() as connection:
        migrate(connection)
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute(text("DELETE FROM meta"))
        raise ZeroDivisionError
    with (
        pytest.raises(TransientError, match="read-only"),
        database.transaction(writing=False) as connection,
    ):
        connection.execute(text("DELETE FROM meta"))
    with database.transaction() as connection:
        assert migrate(connection) == len(POSTGRES_MIGRATIONS)
    database.close()


def test_a_bad_url_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(SpecError) as caught:
        ActivityStore("postgresql://pai:hush/hush@db/pai")
    assert "hush" not in f"{caught.value!r} {caught.value} {caught.value.hint}"
