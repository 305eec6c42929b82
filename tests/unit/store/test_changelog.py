"""The change log is bounded: who asks for more than it holds is told to list again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pai.store import changelog
from pai.store.errors import VersionGoneError
from pai.store.instance_key import InstanceKey
from pai.store.record import Put, ResourceKey
from pai.store.sqlite import SqliteStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEY = ResourceKey("Provider", "default", "p")


async def test_old_changes_go_and_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelog, "KEPT_CHANGES", 20)
    monkeypatch.setattr(changelog, "_SLACK", 10)
    store = SqliteStore(tmp_path / "pai.db", InstanceKey(b"k" * 32))
    await store.open()
    for number in range(60):
        await store.commit([Put(key=KEY, spec={"n": number})], NOW)
    with pytest.raises(VersionGoneError):
        await store.changes(1, 100)
    assert len(await store.changes(40, 100)) == 20
    assert await store.changes(60, 100) == []
    with pytest.raises(VersionGoneError):
        await store.changes(61, 100)
    await store.close()
