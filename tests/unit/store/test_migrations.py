import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect

from pai.errors import TransientError
from pai.store import tables
from pai.store.database import open_database, transaction
from pai.store.errors import SchemaTooNewError
from pai.store.instance_key import InstanceKey
from pai.store.migrations import MIGRATIONS, migrate
from pai.store.sqlite import SqliteStore


def test_the_migrated_schema_is_the_declared_one(tmp_path: Path) -> None:
    file = tmp_path / "pai.db"
    engine = open_database(file)
    with transaction(engine, file) as connection:
        assert migrate(connection) == 0
        assert migrate(connection) == len(MIGRATIONS)
        found = inspect(connection)
        assert set(found.get_table_names()) == set(tables.metadata.tables)
        for name, table in tables.metadata.tables.items():
            columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
            assert columns == {column.name: bool(column.nullable) for column in table.columns}
            primary = found.get_pk_constraint(name)["constrained_columns"]
            assert primary == [column.name for column in table.primary_key]
    engine.dispose()


def test_an_old_file_comes_forward_with_its_content(tmp_path: Path) -> None:
    file = tmp_path / "pai.db"
    added = ("ALTER TABLE tokens ADD COLUMN note VARCHAR NOT NULL DEFAULT 'old'",)
    engine = open_database(file)
    with transaction(engine, file) as connection:
        migrate(connection)
        connection.exec_driver_sql("INSERT INTO tokens VALUES ('first', 'ab', 'now')")
    with transaction(engine, file) as connection:
        assert migrate(connection, (*MIGRATIONS, added)) == len(MIGRATIONS)
        row = connection.exec_driver_sql("SELECT name, note FROM tokens").one()
        assert tuple(row) == ("first", "old")
    with pytest.raises(SchemaTooNewError, match="knows up to"), transaction(engine, file) as again:
        migrate(again)
    engine.dispose()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "pai.db"
    engine = open_database(file)
    with transaction(engine, file) as connection:
        migrate(connection)
    broken = ("CREATE TABLE half (x INTEGER)", "CREATE TABLE half (x INTEGER)")
    with pytest.raises(Exception, match="already exists"), transaction(engine, file) as connection:
        migrate(connection, (*MIGRATIONS, broken))
    with transaction(engine, file) as connection:
        assert "half" not in inspect(connection).get_table_names()
        assert migrate(connection) == len(MIGRATIONS)
    engine.dispose()


async def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "pai.db"
    store = SqliteStore(file, InstanceKey(b"k" * 32))
    await store.open()
    await store.close()
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE meta SET value = '999' WHERE name = 'schema'")
    raw.close()
    again = SqliteStore(file, InstanceKey(b"k" * 32))
    with pytest.raises(SchemaTooNewError):
        await again.open()
    await again.close()


async def test_the_wrong_instance_key_is_refused(tmp_path: Path) -> None:
    from pai.store.errors import KeyMismatchError

    file = tmp_path / "pai.db"
    store = SqliteStore(file, InstanceKey(b"k" * 32))
    await store.open()
    await store.close()
    again = SqliteStore(file, InstanceKey(b"l" * 32))
    with pytest.raises(KeyMismatchError, match=r"instance\.key"):
        await again.open()
    await again.close()


async def test_a_file_in_use_is_a_transient_error(tmp_path: Path) -> None:
    file = tmp_path / "pai.db"
    engine = open_database(file)
    with transaction(engine, file) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(TransientError, match="in use"), transaction(engine, file):
            pass
    finally:
        other.close()
    engine.dispose()


def test_a_directory_that_is_not_there_is_a_transient_error(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "pai.db"
    engine = open_database(file)
    with pytest.raises(TransientError, match="can't be opened"), transaction(engine, file):
        pass
    engine.dispose()


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    from pai.errors import PaiError

    file = tmp_path / "pai.db"
    file.write_bytes(b"this is not a database" * 100)
    engine = open_database(file)
    with pytest.raises(PaiError, match="damaged"), transaction(engine, file):
        pass
    engine.dispose()
