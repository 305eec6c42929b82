"""The run volume: what every container of a replica finds in it."""

import os
from pathlib import Path

import pytest

from pai.errors import SpecError
from pai.ir.prepare import PreparePlan
from pai.runtime.prepare import run_volume
from pai.runtime.prepare.run_volume import fill_run_volume


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    roots = tmp_path / "roots.pem"
    roots.write_text("roots\n")
    monkeypatch.setattr(run_volume, "SYSTEM_ROOTS", roots)
    path = tmp_path / "launcher"
    path.write_bytes(b"\x7fELF")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def listing(run: Path) -> dict[str, str]:
    return {str(p.relative_to(run)): p.read_text() for p in run.rglob("*") if p.is_file()}


def test_writes_everything(launcher: Path, run: Path) -> None:
    plan = PreparePlan(ca_pem="ours", seed_plan="plan\n", seed_files={"0": "x", "1": "y"})
    fill_run_volume(plan, run, launcher)
    assert listing(run) == {
        "launcher": "\x7fELF",
        "ca.pem": "ours\n",
        "ca-bundle.pem": "roots\nours\n",
        "seed/plan": "plan\n",
        "seed/0": "x",
        "seed/1": "y",
    }
    assert (run / "launcher").stat().st_mode & 0o777 == 0o755
    assert (run / "ca.pem").stat().st_mode & 0o777 == 0o644


def test_a_second_run_replaces_and_clears_what_a_crash_left(launcher: Path, run: Path) -> None:
    fill_run_volume(PreparePlan(ca_pem="old"), run, launcher)
    (run / ".ca.pem.new").write_text("half")
    fill_run_volume(PreparePlan(ca_pem="new", extra_ca_pem="more\n\n"), run, launcher)
    assert (run / "ca-bundle.pem").read_text() == "roots\nnew\nmore\n"
    assert not list(run.glob(".*"))


def test_a_reader_of_the_old_file_keeps_it_whole(launcher: Path, run: Path) -> None:
    fill_run_volume(PreparePlan(ca_pem="old"), run, launcher)
    with (run / "ca.pem").open() as held:
        fill_run_volume(PreparePlan(ca_pem="new"), run, launcher)
        assert held.read() == "old\n"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "plan", "n\0l"])
def test_names_stay_in_the_directory(name: str, launcher: Path, run: Path) -> None:
    with pytest.raises(SpecError, match="seed_files"):
        fill_run_volume(PreparePlan(ca_pem="", seed_files={name: "x"}), run, launcher)
    assert sorted(path.name for path in run.parent.iterdir()) == ["launcher", "roots.pem", "run"]


@pytest.mark.parametrize("mode", [0o777, 0o2777, 0o2770])
def test_in_a_shared_directory_files_are_for_all_to_read_and_nobody_to_write(
    launcher: Path, run: Path, mode: int
) -> None:
    run.chmod(mode)
    before = os.umask(0o077)
    try:
        fill_run_volume(PreparePlan(ca_pem="x", seed_files={"0": "y"}), run, launcher)
    finally:
        os.umask(before)
    for path in run.rglob("*"):
        bits = path.stat().st_mode
        assert bits & 0o022 == 0, path
        assert bits & 0o444 == 0o444, path
    assert (run / "seed").stat().st_mode & 0o111 == 0o111
