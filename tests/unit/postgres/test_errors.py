import psycopg
import pytest

from pai.errors import SpecError, TransientError
from pai.postgres import DatabaseUrl, translated

URL = DatabaseUrl("postgresql://pai:hush@db/pai")


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (psycopg.OperationalError("connection refused\n\tIs the server running?"), "server up"),
        (psycopg.errors.InvalidPassword("no"), "pg_hba"),
        (psycopg.errors.ReadOnlySqlTransaction("no"), "standby"),
        (psycopg.errors.DiskFull("no"), "out of space"),
        (psycopg.errors.LockNotAvailable("no"), "another control"),
        (psycopg.errors.AdminShutdown("no"), "tried again"),
    ],
)
def test_what_may_work_later_is_transient_and_names_a_way_out(
    error: psycopg.Error, hint: str
) -> None:
    found = translated(error, "ledger", URL)
    assert isinstance(found, TransientError)
    assert str(found).startswith("ledger: PostgreSQL: ") and "\n" not in str(found)
    assert found.hint and hint in found.hint


def test_what_can_never_be_stored_is_the_callers() -> None:
    found = translated(psycopg.errors.NumericValueOutOfRange("bigint"), "ledger", URL)
    assert isinstance(found, SpecError)


def test_neither_empty_nor_telling() -> None:
    assert str(translated(psycopg.errors.SyntaxError(), "ledger", URL)).endswith("SyntaxError")
    assert "hush" not in str(translated(psycopg.OperationalError("is hush"), "ledger", URL))
