from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pai.control.tokens import PREFIX, Tokens, digest, new_token
from pai.store.instance_key import InstanceKey
from pai.store.sqlite import SqliteStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "pai.db", InstanceKey(b"k" * 32))
    await made.open()
    yield made
    await made.close()


async def test_the_first_token_is_made_once_and_only_its_hash_is_kept(
    store: SqliteStore, tmp_path: Path
) -> None:
    tokens = Tokens(store, tmp_path / "digest")
    await tokens.load()
    await tokens.create_first(tmp_path / "first", NOW)
    token = (tmp_path / "first").read_text()
    assert token.startswith(PREFIX) and tokens.accepts(token)
    await tokens.create_first(tmp_path / "second", NOW)
    assert not (tmp_path / "second").exists()
    again = Tokens(store, tmp_path / "digest")
    await again.load()
    assert again.accepts(token)
    assert token.encode() not in (tmp_path / "pai.db-wal").read_bytes()
    for wrong in ("", token[:-1], token + "x", digest(token), new_token()):
        assert not again.accepts(wrong)


async def test_a_token_that_was_brought_counts_from_that_moment(
    store: SqliteStore, tmp_path: Path
) -> None:
    token = new_token()
    tokens = Tokens(store, tmp_path / "digest")
    assert not tokens.accepts(token)
    (tmp_path / "digest").write_text(digest(token) + "\n")
    assert tokens.accepts(token)
    await tokens.create_first(tmp_path / "first", NOW)
    assert not (tmp_path / "first").exists()
    (tmp_path / "digest").write_text("")
    assert not tokens.accepts("") and not tokens.accepts(token)


async def test_a_value_without_our_prefix_is_no_token(store: SqliteStore, tmp_path: Path) -> None:
    await store.add_token("odd", digest("plain"), NOW)
    tokens = Tokens(store, tmp_path / "digest")
    await tokens.load()
    assert not tokens.accepts("plain")
