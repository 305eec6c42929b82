"""A full disk: one clear error, nothing half-written, and on it goes when there is room again."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pai.errors import TransientError
from pai.store.instance_key import InstanceKey
from pai.store.record import Put, ResourceKey
from pai.store.sqlite import SqliteStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def put(name: str, size: int) -> Put:
    return Put(key=ResourceKey("Secret", "default", name), spec={}, values={"v": "x" * size})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "small"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(where)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


async def test_a_full_disk_is_told_and_survived(small_disk: Path) -> None:
    file = small_disk / "pai.db"
    store = SqliteStore(file, InstanceKey(b"k" * 32))
    await store.open()
    await store.commit([put("first", 10)], NOW)
    with pytest.raises(TransientError, match=r"no space|can't be written"):
        for number in range(100):
            await store.commit([put(f"many-{number}", 9000), put(f"more-{number}", 9000)], NOW)
    records, _ = await store.find("Secret", "default")
    names = {record.key.name for record in records}
    assert "first" in names
    assert {n.partition("-")[2] for n in names if n.startswith("many-")} == {
        n.partition("-")[2] for n in names if n.startswith("more-")
    }
    await store.close()
    check = (
        "import sqlite3, sys;"
        "print(sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchone()[0])"
    )
    done = subprocess.run([sys.executable, "-c", check, str(file)], capture_output=True, check=True)
    assert done.stdout.strip() == b"ok"
