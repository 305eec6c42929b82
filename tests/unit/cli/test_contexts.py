import json
import os
import stat
from pathlib import Path

import pytest

from pai.cli import contexts
from pai.cli.contexts import Context, Contexts
from pai.cli.failures import CommandError

ONE = Contexts().with_context("a", Context("http://127.0.0.1:1", "pai_tok_x"), use=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pai" / "config.json"


def test_a_missing_file_holds_nothing(file: Path) -> None:
    assert contexts.load(file) == (Contexts(), None)


def test_what_is_saved_is_loaded_and_private(file: Path) -> None:
    contexts.save(file, ONE)
    assert contexts.load(file) == (ONE, None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in file.parent.iterdir()] == ["config.json"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_open_permissions_are_repaired_and_told(file: Path, mode: int) -> None:
    contexts.save(file, ONE)
    file.chmod(mode)
    found, warning = contexts.load(file)
    assert found == ONE
    assert warning is not None
    assert "could be read by other users" in warning
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert contexts.load(file) == (ONE, None)


def test_another_users_file_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts.save(file, ONE)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(CommandError, match="belongs to another user"):
        contexts.load(file)


def test_a_symlink_is_refused(file: Path, tmp_path: Path) -> None:
    contexts.save(file, ONE)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    with pytest.raises(CommandError, match=r"link\.json"):
        contexts.load(link)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{}", '{"contexts": []}', '{"contexts": {"a": {"token": "t"}}}'],
)
def test_a_broken_file_is_refused_without_its_text(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text.replace("t", "canary") if text else text)
    file.chmod(0o600)
    with pytest.raises(CommandError) as caught:
        contexts.load(file)
    assert "canary" not in caught.value.message
    assert caught.value.__cause__ is None


def test_a_failed_write_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts.save(file, ONE)
    before = file.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        contexts.save(file, Contexts())
    assert file.read_text() == before
    assert [entry.name for entry in file.parent.iterdir()] == ["config.json"]


def test_a_token_is_not_in_the_repr() -> None:
    assert "pai_tok_x" not in repr(ONE)


def test_the_first_context_is_used_others_only_when_asked() -> None:
    two = Contexts().with_context("a", Context("s"), use=False)
    assert two.current == "a"
    assert two.with_context("b", Context("s"), use=False).current == "a"
    assert two.with_context("b", Context("s"), use=True).current == "b"


def test_a_deleted_context_is_no_longer_in_use() -> None:
    assert ONE.without("a") == Contexts()
    assert ONE.without("b") == ONE


def test_a_close_name_is_suggested() -> None:
    many = ONE.with_context("production", Context("s"), use=False)
    with pytest.raises(CommandError) as caught:
        many.pick("prodction")
    assert caught.value.hint == "did you mean 'production'?"


def test_the_file_is_readable_json(file: Path) -> None:
    contexts.save(file, ONE)
    document = json.loads(file.read_text())
    assert document["current"] == "a"
    assert document["contexts"]["a"]["server"] == "http://127.0.0.1:1"
