import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.errors import SpecError
from pai.store.instance_key import InstanceKey, instance_id, load_or_create, write_private

parts = st.lists(st.text(max_size=8), min_size=1, max_size=4)


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "data" / "instance.key"
    first = load_or_create(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_or_create(file).derive("x") == first.derive("x")
    file.chmod(0o644)
    load_or_create(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["instance.key"]


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "instance.key"
    write_private(file, b"short")
    with pytest.raises(SpecError, match="32 bytes"):
        load_or_create(file)


@given(one=parts, other=parts)
def test_no_two_meanings_share_a_value(one: list[str], other: list[str]) -> None:
    key = InstanceKey(b"k" * 32)
    same = key.derive(*one) == key.derive(*other)
    assert same == (one == other)


def test_the_key_never_shows_itself() -> None:
    key = InstanceKey(b"k" * 32)
    assert "kkk" not in repr(key)
    assert instance_id(key).isalnum() and len(instance_id(key)) == 10
    assert instance_id(key) != instance_id(InstanceKey(b"l" * 32))


def test_writing_private_files_leaves_nothing_behind_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_private(target, b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
