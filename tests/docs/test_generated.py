"""Generated files are current, and the reference names every field."""

import subprocess
import sys
from pathlib import Path

import pytest
from scripts import generate

from pai.api import KINDS
from pai.api.pending import PENDING

ROOT = Path(__file__).resolve().parents[2]


def test_generated_files_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_stale_and_missing_files_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {Path("docs/new.md"): "new", Path("same.md"): "same", Path("old.md"): "now"}
    (tmp_path / "same.md").write_text("same", encoding="utf-8")
    (tmp_path / "old.md").write_text("before", encoding="utf-8")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "generated", lambda: wanted)
    assert generate.main(["--check"]) == 1
    named = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert named == ["docs/new.md", "old.md"]
    assert generate.main([]) == 0
    assert (tmp_path / "docs/new.md").read_text(encoding="utf-8") == "new"
    assert generate.main(["--check"]) == 0


def test_the_reference_names_every_field() -> None:
    page = (ROOT / "docs/reference/fields.md").read_text(encoding="utf-8")
    schema = KINDS["AgentWorkload"].model.model_json_schema(by_alias=True)
    names = [name for part in schema["$defs"].values() for name in part["properties"]]
    assert len(names) > 60
    for name in names:
        assert f".{name}`" in page, name


def test_the_page_of_pending_fields_names_each() -> None:
    page = (ROOT / "docs/reference/pending.md").read_text(encoding="utf-8")
    assert page.count("\n| ") == len(PENDING) + 1
