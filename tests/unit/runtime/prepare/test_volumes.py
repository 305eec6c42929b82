"""Ownership: fresh volumes only."""

import os
import stat
from pathlib import Path

import pytest

from pai.ir.prepare import VolumeOwner
from pai.runtime.prepare import volumes
from pai.runtime.prepare.volumes import VolumeError, check_writable, own_fresh_volumes


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


def stands(
    monkeypatch: pytest.MonkeyPatch, uid: int, gid: int, mode: int, kind: int = stat.S_IFDIR
) -> None:
    """Make every path look as if it stood so: tests may run as anyone."""
    fields = (kind | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0)
    monkeypatch.setattr(os, "stat", lambda path, **_: os.stat_result(fields))


@pytest.mark.parametrize(
    ("uid", "gid", "mode", "groups", "fine"),
    [
        (0, 65532, 0o2775, (65532,), True),  # fsGroup was applied
        (0, 2000, 0o2770, (2000,), True),  # an fsGroup of another number
        (0, 65532, 0o775, (), True),  # the agent's own group
        (65532, 0, 0o700, (), True),
        (65532, 65532, 0o555, (65532,), False),
        (65532, 65532, 0o077, (65532,), False),  # the owner's bits count, not the group's
        (0, 65532, 0o757, (65532,), False),  # the group's bits count, not the others'
        (0, 0, 0o755, (65532,), False),  # the driver ignored fsGroup
        (0, 0, 0o777, (), True),
        (0, 0, 0o1777, (), True),
        (0, 65532, 0o720, (65532,), False),  # without x nothing can be made
        (1000, 1000, 0o755, (65532,), False),
    ],
)
def test_a_volume_must_be_the_agents_to_write(
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    gid: int,
    mode: int,
    groups: tuple[int, ...],
    fine: bool,
) -> None:
    stands(monkeypatch, uid, gid, mode)
    volumes_of_agent = (VolumeOwner("/run/pai-volumes/0", 65532),)
    if fine:
        check_writable(volumes_of_agent, groups)
        return
    with pytest.raises(VolumeError) as caught:
        check_writable(volumes_of_agent, groups)
    for part in ("/run/pai-volumes/0", "UID 65532", f"{uid}:{gid}", f"{mode:04o}"):
        assert part in caught.value.message
    assert caught.value.hint and "ignores fsGroup" in caught.value.hint


def test_a_volume_that_is_no_directory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stands(monkeypatch, 65532, 65532, 0o777, stat.S_IFLNK)
    with pytest.raises(VolumeError, match="not a directory"):
        check_writable((VolumeOwner("/run/pai-volumes/0", 65532),), ())


def test_a_missing_volume_can_not_be_checked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_writable((VolumeOwner(str(tmp_path / "none"), 1),), ())
