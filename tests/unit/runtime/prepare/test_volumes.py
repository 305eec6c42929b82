"""Ownership: fresh volumes only."""

import os
from pathlib import Path

import pytest

from pai.ir.prepare import VolumeOwner
from pai.runtime.prepare import volumes
from pai.runtime.prepare.volumes import own_fresh_volumes


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Record ownership changes in place of making them: tests may run as anyone."""
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _, uid, gid: calls.append((uid, gid)))
    monkeypatch.setattr(volumes, "_owned_by_root", lambda path: "others" not in path)
    return calls


def test_a_fresh_volume_gets_its_owner(tmp_path: Path, changed: list[tuple[int, int]]) -> None:
    assert own_fresh_volumes((VolumeOwner(str(tmp_path), 65532),)) == [str(tmp_path)]
    assert changed == [(65532, 65532)]


def test_what_a_file_system_puts_there_does_not_count(
    tmp_path: Path, changed: list[tuple[int, int]]
) -> None:
    (tmp_path / "lost+found").mkdir()
    assert own_fresh_volumes((VolumeOwner(str(tmp_path), 1),)) == [str(tmp_path)]
    assert changed == [(1, 1)]


def test_anything_else_was_somebodys(tmp_path: Path, changed: list[tuple[int, int]]) -> None:
    used, others = tmp_path / "used", tmp_path / "others"
    used.mkdir()
    others.mkdir()
    (used / "file").touch()
    assert own_fresh_volumes((VolumeOwner(str(used), 1), VolumeOwner(str(others), 1))) == []
    assert changed == []


def test_a_link_is_not_a_volume(tmp_path: Path, changed: list[tuple[int, int]]) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        own_fresh_volumes((VolumeOwner(str(tmp_path / "link"), 1),))
    assert changed == []


def test_a_missing_volume_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        own_fresh_volumes((VolumeOwner(str(tmp_path / "none"), 1),))
