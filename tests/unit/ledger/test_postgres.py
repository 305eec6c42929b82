"""What belongs to PostgreSQL alone; behaviour is in tests/contract/test_ledger.py."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgres_fixture import PASSWORD, PostgresServer

from pai.errors import SpecError, TransientError
from pai.ir.ledger import Charge, LeaseCall, LeaseWant, Need, SettleCall, Usage
from pai.ledger import SqliteLedger, open_ledger
from pai.ledger.postgres import PostgresLedger
from pai.ledger.schema import MIGRATIONS
from pai.postgres import BoundedConnection

NOW = 1_767_268_800.0  # 2026-01-01, noon
DAY = "2026-01-01"
A = "agent:ns/a"


def ask(known: int, need: int) -> LeaseCall:
    return LeaseCall("w1", (LeaseWant(DAY, (Need(A, known, need, need),)),))


def grant(ledger: PostgresLedger, known: int, need: int) -> int:
    return ledger.grant(ask(known, need), lambda _: 1000, NOW).leases[0].granted


@pytest.fixture
def place(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def ledger(place: str) -> Iterator[PostgresLedger]:
    made = PostgresLedger(place)
    yield made
    made.close()


def run(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_the_url_says_which_ledger_it_is(place: str, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(place)
    for text, kind in (
        (place, PostgresLedger),
        (f"file:{tmp_path / 'url'}", PostgresLedger),
        (str(tmp_path / "ledger.db"), SqliteLedger),
        (tmp_path / "ledger.db", SqliteLedger),
    ):
        ledger = open_ledger(text)
        assert isinstance(ledger, kind)
        ledger.close()


def test_controls_that_start_at_once_make_the_tables_once(place: str) -> None:
    made: list[PostgresLedger] = []
    threads = [threading.Thread(target=lambda: made.append(PostgresLedger(place))) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert run(place, "SELECT version FROM schema_version") == [(len(MIGRATIONS),)]
    for ledger in made:
        assert grant(ledger, 0, 10) == 10
        ledger.close()
    assert len(made) == 4


def test_old_tables_come_forward_with_their_content(place: str) -> None:
    for statement in MIGRATIONS[0]:
        run(place, statement)
    run(place, "CREATE TABLE schema_version (version INTEGER NOT NULL)")
    run(place, "INSERT INTO schema_version VALUES (1)")
    run(place, f"INSERT INTO subject_day VALUES ('{A}', '{DAY}', 900, 900)")
    ledger = PostgresLedger(place)
    assert ledger.balance(A, NOW).spent == 900
    assert grant(ledger, 0, 101) == 0
    ledger.close()


def test_newer_tables_are_refused_with_a_way_out(place: str) -> None:
    PostgresLedger(place).close()
    run(place, "INSERT INTO schema_version VALUES (999)")
    with pytest.raises(SpecError, match="999") as caught:
        PostgresLedger(place)
    assert caught.value.hint


def test_tables_that_became_newer_meanwhile_are_not_touched(
    ledger: PostgresLedger, place: str, postgres: PostgresServer
) -> None:
    """On a call that is an outage, not a fault of the caller's batch."""
    run(place, "INSERT INTO schema_version VALUES (999)")
    hang_up(postgres, ledger)
    with pytest.raises(TransientError, match="999"):
        grant(ledger, 0, 10)


def hang_up(server: PostgresServer, ledger: PostgresLedger) -> None:
    assert ledger._connection is not None
    with server.admin() as admin:
        backend = ledger._connection.info.backend_pid
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))


def test_a_lost_connection_costs_no_call(ledger: PostgresLedger, postgres: PostgresServer) -> None:
    assert grant(ledger, 0, 10) == 10
    hang_up(postgres, ledger)
    assert grant(ledger, 10, 10) == 20
    hang_up(postgres, ledger)
    assert ledger.balance(A, NOW).reserved == 20


def test_while_the_server_is_away_calls_fail_at_once_and_then_work_again(
    ledger: PostgresLedger, postgres: PostgresServer
) -> None:
    assert grant(ledger, 0, 10) == 10
    postgres.crash()
    try:
        for _ in range(3):
            with pytest.raises(TransientError) as caught:
                grant(ledger, 10, 10)
            assert caught.value.hint and PASSWORD not in str(caught.value)
        with pytest.raises(TransientError):
            PostgresLedger(postgres.url("postgres"))
    finally:
        postgres.start()
    time.sleep(0.6)  # it does not try again sooner
    assert grant(ledger, 10, 10) == 20


@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_lost_at_commit_leaves_nothing_wrong(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """The caller hears of neither outcome, asks again, and the sums are right."""
    real = BoundedConnection.execute

    def lose(self: BoundedConnection, query: str, *more: Any, **options: Any) -> Any:
        if query != "COMMIT":
            return real(self, query, *more, **options)
        if committed:
            real(self, query)
            self.pgconn.pipeline_sync()
            self.pgconn.flush()
            time.sleep(0.3)
        self.pgconn.finish()
        raise psycopg.OperationalError("lost")

    usage = Usage(agent="ns/a", model="ns/m", day=DAY, requests=1, input=40)
    batch = SettleCall("w1", 1, (Charge(A, DAY, 40, 0, 60),), (usage,))
    with monkeypatch.context() as patch:
        patch.setattr(BoundedConnection, "execute", lose)
        with pytest.raises(TransientError, match="lost"):
            grant(ledger, 0, 100)
    assert ledger.balance(A, NOW).charged == (100 if committed else 0)
    assert grant(ledger, 0, 100) == 100
    with monkeypatch.context() as patch:
        patch.setattr(BoundedConnection, "execute", lose)
        with pytest.raises(TransientError, match="lost"):
            ledger.settle(batch, NOW)
    assert ledger.balance(A, NOW).spent == (40 if committed else 0)
    ledger.settle(batch, NOW)
    assert (ledger.balance(A, NOW).spent, ledger.balance(A, NOW).charged) == (40, 40)
    assert ledger.usage() == [usage]


def test_a_statement_that_failed_is_never_committed(ledger: PostgresLedger) -> None:
    grant(ledger, 0, 10)
    with pytest.raises(TransientError), ledger._writing() as db:
        db.execute("UPDATE subject_day SET charged = 0")
        with suppress(psycopg.Error):
            db.execute("SELECT nonsense").fetchone()
    with pytest.raises(TransientError), ledger._writing() as db:
        db.execute("UPDATE subject_day SET charged = 0")
        db.execute("SELECT nonsense")
    assert ledger.balance(A, NOW).charged == 10


def test_what_the_database_cannot_hold_is_the_callers_fault(ledger: PostgresLedger) -> None:
    with pytest.raises(SpecError):
        ledger.settle(SettleCall("w\0", 1, (Charge(A, DAY, 1, 0, 0),)), NOW)
    with pytest.raises(SpecError):
        many = (Charge(A, DAY, 2**53, 0, 0),) * 1100
        ledger.settle(SettleCall("w1", 1, many), NOW)
    assert ledger.balances(NOW) == {}
    assert grant(ledger, 0, 10) == 10


def test_a_closed_ledger_stays_closed(place: str) -> None:
    ledger = PostgresLedger(place)
    ledger.close()
    ledger.close()
    with pytest.raises(TransientError, match="closed"):
        grant(ledger, 0, 1)


def test_the_password_is_in_no_error_and_no_repr(postgres: PostgresServer) -> None:
    with pytest.raises(TransientError) as caught:
        PostgresLedger(postgres.url("nowhere"))
    assert PASSWORD not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    with pytest.raises(SpecError) as bad:
        PostgresLedger("postgresql://pai:hush/hush@db/pai")
    assert "hush" not in f"{bad.value!r} {bad.value} {bad.value.hint}"
