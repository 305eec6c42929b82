"""`file`: put where nothing is, never outside the root."""

import os
from pathlib import Path

import pytest

from .conftest import Run, Seed, open_to_others

AGENT = 65532


def test_puts_the_file_with_its_parents(seed: Seed, volume: Path, source: Path) -> None:
    done = seed(("file", volume, "a/b/c.yaml", source, "0644"))
    assert (done.returncode, done.stderr) == (0, "")
    placed = volume / "a/b/c.yaml"
    assert placed.read_text() == "seeded\n"
    assert placed.stat().st_mode & 0o7777 == 0o644
    assert (volume / "a").stat().st_mode & 0o7777 == 0o755
    assert placed.stat().st_nlink == 1
    assert os.listdir(volume / "a/b") == ["c.yaml"]


@pytest.mark.parametrize("mode", ["0600", "0755", "0000", "0777"])
def test_the_mode_is_exact_whatever_the_umask(
    seed: Seed, volume: Path, source: Path, mode: str
) -> None:
    assert seed(("file", volume, "x", source, mode), umask=0o077).returncode == 0
    assert (volume / "x").stat().st_mode & 0o7777 == int(mode, 8)


@pytest.mark.parametrize("name", ["tab\there", "line\nbreak", "per%cent", "ünï", " ", "-rf", "%00"])
def test_any_name_survives_the_encoding(seed: Seed, volume: Path, source: Path, name: str) -> None:
    assert seed(("file", volume, name, source, "0644")).returncode == 0
    assert os.listdir(volume) == [name]


def test_existence_decides_not_content(seed: Seed, volume: Path, source: Path) -> None:
    (volume / "empty").touch()
    (volume / "mine").write_text("edited")
    (volume / "directory").mkdir()
    (volume / "dangling").symlink_to("nowhere")
    os.mkfifo(volume / "pipe")
    names = sorted(os.listdir(volume))
    for name in names:
        assert seed(("file", volume, name, source, "0644")).returncode == 0
    assert (volume / "empty").read_text() == ""
    assert (volume / "mine").read_text() == "edited"
    assert (volume / "dangling").is_symlink()
    assert sorted(os.listdir(volume)) == names


def test_a_second_run_keeps_edits(seed: Seed, volume: Path, source: Path) -> None:
    step = ("file", volume, "x", source, "0644")
    assert seed(step).returncode == 0
    (volume / "x").write_text("edited")
    assert seed(step).returncode == 0
    assert (volume / "x").read_text() == "edited"


def test_no_source_is_needed_for_what_exists(seed: Seed, volume: Path) -> None:
    (volume / "x").touch()
    assert seed(("file", volume, "x", "/nowhere", "0644")).returncode == 0


@pytest.mark.parametrize("link", ["real", "./real", "deep/../real", "real/", "deep/back"])
def test_links_inside_the_volume_are_followed(
    seed: Seed, volume: Path, source: Path, link: str
) -> None:
    (volume / "real").mkdir()
    (volume / "deep").mkdir()
    (volume / "deep/back").symlink_to("../real")
    (volume / "link").symlink_to(link)
    assert seed(("file", volume, "link/x", source, "0644")).returncode == 0
    assert (volume / "real/x").read_text() == "seeded\n"


def test_a_dangling_parent_is_made_inside(seed: Seed, volume: Path, source: Path) -> None:
    (volume / "link").symlink_to("not/yet")
    assert seed(("file", volume, "link/x", source, "0644")).returncode == 0
    assert (volume / "not/yet/x").exists()


ESCAPES = {
    "absolute": "{outside}",
    "absolute, but inside": "{volume}/inside",
    "up": "../outside",
    "up and up": "inside/../../outside",
    "far up": "../../../../../../../../../../{outside}",
    "root": "/",
    "proc": "/proc/self/root",
    "cwd": "/proc/self/cwd",
    "two links": "hop",
}


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("target", ["link/x", "link/new/x", "inside/../link/x"])
def test_no_link_leads_out(
    seed: Seed, volume: Path, source: Path, tmp_path: Path, name: str, target: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (volume / "inside").mkdir()
    (volume / "hop").symlink_to("inside/hop2")
    (volume / "inside/hop2").symlink_to("../../outside")
    (volume / "link").symlink_to(ESCAPES[name].format(outside=outside, volume=volume))
    done = seed(("file", volume, target, source, "0644"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    if ".." not in target:
        assert "leads out of its volume" in done.stderr
    assert os.listdir(outside) == []
    assert os.listdir(volume / "inside") == ["hop2"]


def test_a_link_as_the_target_is_never_written_through(
    seed: Seed, volume: Path, source: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (volume / "x").symlink_to(outside)
    assert seed(("file", volume, "x", source, "0644")).returncode == 0
    assert not outside.exists()


def test_link_loops_end(seed: Seed, volume: Path, source: Path) -> None:
    (volume / "a").symlink_to("b")
    (volume / "b").symlink_to("a")
    (volume / "grow").symlink_to("grow/grow")
    for name in ("a/x", "grow/x"):
        done = seed(("file", volume, name, source, "0644"))
        assert done.returncode == 1
        assert "too many symlinks" in done.stderr


def test_a_file_among_the_parents_is_an_error(seed: Seed, volume: Path, source: Path) -> None:
    (volume / "f").write_text("kept")
    done = seed(("file", volume, "f/x", source, "0644"))
    assert done.returncode == 1
    assert "is not a directory" in done.stderr
    assert (volume / "f").read_text() == "kept"


def test_what_a_crash_left_is_cleared(seed: Seed, volume: Path, source: Path) -> None:
    (volume / ".pai-seed.tmp").write_text("half a fi")
    assert seed(("file", volume, "x", source, "0644")).returncode == 0
    assert os.listdir(volume) == ["x"]


def test_a_link_under_the_temporary_name_is_not_followed(
    seed: Seed, volume: Path, source: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (volume / ".pai-seed.tmp").symlink_to(victim)
    assert seed(("file", volume, "x", source, "0644")).returncode == 0
    assert victim.read_text() == "kept"
    assert not (volume / "x").is_symlink()


def test_a_directory_under_the_temporary_name_is_said(
    seed: Seed, volume: Path, source: Path
) -> None:
    (volume / ".pai-seed.tmp").mkdir()
    done = seed(("file", volume, "x", source, "0644"))
    assert done.returncode == 1
    assert ".pai-seed.tmp is in the way" in done.stderr


def test_sources_and_roots_must_be_what_they_should(
    seed: Seed, volume: Path, source: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(source)
    for wrong in (tmp_path / "pipe", tmp_path / "link", tmp_path, tmp_path / "none"):
        assert seed(("file", volume, "x", wrong, "0644")).returncode == 1
    assert seed(("file", source, "x", source, "0644")).returncode == 1
    assert seed(("file", tmp_path / "none", "x", source, "0644")).returncode == 1
    assert os.listdir(volume) == []


def test_long_names(seed: Seed, volume: Path, source: Path) -> None:
    assert seed(("file", volume, "n" * 255, source, "0644")).returncode == 0
    assert seed(("file", volume, "n" * 256, source, "0644")).returncode == 1
    assert seed(("file", volume, "n" * 256 + "/x", source, "0644")).returncode == 1
    assert seed(("file", volume, "/".join("d" * 100) + "/x", source, "0644")).returncode == 0
    assert seed(("file", volume, "/".join("e" * 200) + "/x", source, "0644")).returncode == 1
    assert seed(("file", volume, "/".join(["p" * 200] * 30), source, "0644")).returncode == 1


def test_the_owner_is_who_runs_it(seed: Seed, volume: Path, source: Path, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    os.chown(volume, AGENT, AGENT)
    done = seed(("file", volume, "a/x", source, "0644"), user=AGENT, group=AGENT)
    assert done.returncode == 0, done.stderr
    assert (volume / "a/x").stat().st_uid == AGENT
    os.chown(volume, 0, 0)
    done = seed(("file", volume, "y", source, "0644"), user=AGENT, group=AGENT)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr


def test_without_arguments_it_says_how(run: Run) -> None:
    assert "usage" in run().stderr
