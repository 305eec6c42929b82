"""A connection answers or fails in time; a transaction is what we say, whatever the defaults."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.postgres_fixture import PASSWORD, PostgresServer

from pai.errors import TransientError
from pai.postgres import BoundedConnection, DatabaseUrl, begin, connect
from pai.postgres import connection as module

LOCK = 77


@pytest.fixture
def one(new_database: Callable[[], str]) -> Iterator[BoundedConnection]:
    with connect(DatabaseUrl(new_database()), "test") as made:
        yield made


@pytest.fixture
def two(new_database: Callable[[], str]) -> Iterator[BoundedConnection]:
    with connect(DatabaseUrl(new_database()), "test") as made:
        yield made


@contextmanager
def soon() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 5


def show(connection: BoundedConnection, name: str) -> str:
    row = connection.execute(f"SHOW {name}").fetchone()
    assert row is not None
    return str(row[0])


def test_a_transaction_does_not_depend_on_defaults(new_database: Callable[[], str]) -> None:
    careless = "%20-csynchronous_commit%3Doff%20-cdefault_transaction_isolation%3Dserializable"
    with connect(DatabaseUrl(new_database() + careless), "test") as connection:
        assert show(connection, "synchronous_commit") == "off"
        begin(connection, LOCK)
        assert show(connection, "synchronous_commit") == "on"
        assert show(connection, "transaction_isolation") == "read committed"
        assert show(connection, "statement_timeout") == "10s"
        connection.execute("COMMIT")
        begin(connection, None)
        assert show(connection, "transaction_read_only") == "on"
        connection.execute("COMMIT")


def test_writers_take_turns_and_readers_do_not_wait(
    one: BoundedConnection, two: BoundedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = module._WRITING.replace("lock_timeout = 10000", "lock_timeout = 100")
    monkeypatch.setattr(module, "_WRITING", quick)
    begin(one, LOCK)
    with soon(), pytest.raises(psycopg.errors.LockNotAvailable):
        begin(two, LOCK)
    two.execute("ROLLBACK")
    begin(two, None)
    two.execute("COMMIT")
    one.execute("COMMIT")
    begin(two, LOCK)


def test_who_falls_silent_in_a_transaction_loses_the_lock(
    one: BoundedConnection, two: BoundedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "idle_in_transaction_session_timeout"
    quick = module._WRITING.replace(f"{name} = 10000", f"{name} = 100")
    monkeypatch.setattr(module, "_WRITING", quick)
    begin(one, LOCK)
    with soon():
        begin(two, LOCK)
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        one.execute("COMMIT")
    assert one.closed


def test_a_server_that_hangs_is_given_up(
    one: BoundedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.3)
    backend = one.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        with soon(), pytest.raises(psycopg.OperationalError):
            one.execute("SELECT 1")
        assert one.closed
    finally:
        os.kill(backend, signal.SIGCONT)


def test_an_error_of_a_statement_leaves_the_connection_open(one: BoundedConnection) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        one.execute("SET statement_timeout = 50; SELECT pg_sleep(5)")
    assert not one.closed


def test_a_door_that_nobody_opens(tmp_path: Path) -> None:
    """It takes the call and never says a word; libpq's least time-out is two seconds."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / ".s.PGSQL.5432"))
        silent.listen()
        url = f"postgresql://pai:hush@/pai?host={tmp_path}&connect_timeout=2"
        with soon(), pytest.raises(TransientError, match="timeout"):
            connect(DatabaseUrl(url), "test")


def test_a_refusal_names_a_way_out_and_no_password(postgres: PostgresServer) -> None:
    url = postgres.url("postgres").replace("s3cr%40t", "wr0ng")
    with pytest.raises(TransientError) as caught:
        connect(DatabaseUrl(url), "test")
    assert "wr0ng" not in str(caught.value) and caught.value.hint
    with pytest.raises(TransientError, match="nowhere") as caught:
        connect(DatabaseUrl(postgres.url("nowhere")), "test")
    assert PASSWORD not in str(caught.value) + str(caught.value.hint)


def test_threads_take_turns_in_order(new_database: Callable[[], str]) -> None:
    """Read, think, write: under the lock no increment is lost."""
    url = DatabaseUrl(new_database())
    with connect(url, "test") as connection:
        connection.execute("CREATE TABLE sum (value INTEGER); INSERT INTO sum VALUES (0)")

    def add() -> None:
        with connect(url, "test") as mine:
            for _ in range(25):
                begin(mine, LOCK)
                row = mine.execute("SELECT value FROM sum").fetchone()
                assert row is not None
                mine.execute("UPDATE sum SET value = %s", (row[0] + 1,))
                mine.execute("COMMIT")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connect(url, "test") as connection:
        assert connection.execute("SELECT value FROM sum").fetchone() == (100,)
