import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.cli.supervisor.logfile import LogFile, last_lines


def test_a_log_is_appended_to_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for text in (b"one\n", b"two\n"):
        with LogFile(path) as log:
            log.write(text)
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_old_files_are_numbered_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with LogFile(path, max_bytes=4, keep=2) as log:
        for text in (b"1111", b"2222", b"3333", b"4444"):
            log.write(text)
    files = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert files == {"a.log": "4444", "a.log.1": "3333", "a.log.2": "2222"}


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=40))
def test_no_file_grows_past_its_limit_and_the_newest_is_kept(
    tmp_path_factory: pytest.TempPathFactory, writes: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    with LogFile(path, max_bytes=64, keep=2) as log:
        for data in writes:
            log.write(data)
    newest_first = [path, *(path.with_name(f"a.log.{n}") for n in (1, 2))]
    kept = b"".join(file.read_bytes() for file in reversed(newest_first) if file.exists())
    assert b"".join(writes).endswith(kept)
    assert all(file.stat().st_size <= 64 for file in newest_first if file.exists())


def test_a_full_disk_does_not_stop_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with LogFile(tmp_path / "a.log") as log:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            log.write(b"lost")
        log.write(b"kept")
        assert log.lost_bytes == 4
    assert (tmp_path / "a.log").read_bytes() == b"kept"


def test_a_log_that_can_not_be_turned_over_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    with LogFile(tmp_path / "a.log", max_bytes=4) as log:
        log.write(b"1111")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            log.write(b"2222")
        log.write(b"3333")
    assert (tmp_path / "a.log").read_bytes() == b"3333"
    assert (tmp_path / "a.log.1").read_bytes() == b"11112222"


def test_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    assert last_lines(path, 3) == []
    path.write_text("".join(f"{n}\n" for n in range(100000)))
    assert last_lines(path, 2) == ["99998", "99999"]
