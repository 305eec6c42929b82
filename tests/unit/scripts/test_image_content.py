"""Layers: the same content is the same image."""

import io
import tarfile
from pathlib import Path

from scripts.cache import ROOT, digest_of
from scripts.image_content import CODE, Layer


def layer(directory: Path, names: list[str]) -> Layer:
    made = Layer()
    for name in names:
        made.file(name, directory / name.replace("/", "_"))
    return made


def test_digest_depends_on_content_alone(tmp_path: Path) -> None:
    (tmp_path / "a_x").write_text("1")
    (tmp_path / "b").write_text("2")
    one, other = layer(tmp_path, ["a/x", "b"]), layer(tmp_path, ["b", "a/x"])
    assert one.digest() == other.digest() and one.tar() == other.tar()
    (tmp_path / "b").write_text("3")
    assert layer(tmp_path, ["a/x", "b"]).digest() != one.digest()


def test_parts_can_not_run_into_each_other() -> None:
    assert digest_of([b"ab", b"c"]) != digest_of([b"a", b"bc"])


def test_a_tree_comes_without_byte_code(tmp_path: Path) -> None:
    (tmp_path / "p/__pycache__").mkdir(parents=True)
    (tmp_path / "p/__pycache__/m.pyc").touch()
    (tmp_path / "p/m.py").write_text("x")
    made = Layer()
    made.tree("lib", tmp_path)
    with tarfile.open(fileobj=io.BytesIO(made.tar())) as archive:
        entries = {entry.name: entry.mode for entry in archive}
        assert {entry.uid for entry in archive} == {0}
    assert entries == {"lib": 0o755, "lib/p": 0o755, "lib/p/m.py": 0o644}


def test_the_code_of_the_image_exists() -> None:
    assert all((ROOT / "src" / "pai" / name).exists() for name in CODE)
