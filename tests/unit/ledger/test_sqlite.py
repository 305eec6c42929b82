"""What belongs to SQLite alone; behaviour is in tests/contract/test_ledger.py."""

import sqlite3
from pathlib import Path

import pytest

from pai.errors import SpecError, TransientError
from pai.ledger import SqliteLedger
from pai.ledger.schema import MIGRATIONS


def test_commits_are_synced_and_the_version_is_kept(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    version = ledger._db.execute("SELECT MAX(version) FROM schema_version").fetchone()
    assert version == (len(MIGRATIONS),)
    ledger.close()


def test_a_newer_file_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    SqliteLedger(path).close()
    db = sqlite3.connect(path)
    db.execute("INSERT INTO schema_version VALUES (999)")
    db.commit()
    db.close()
    with pytest.raises(SpecError, match="999") as caught:
        SqliteLedger(path)
    assert caught.value.hint


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(TransientError):
        SqliteLedger(path)
    with pytest.raises(TransientError):
        SqliteLedger(tmp_path / "missing" / "ledger.db")
