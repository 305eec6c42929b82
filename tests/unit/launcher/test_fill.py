"""`fill`: a fresh volume gets what the image had in its place; and crashes leave nothing half."""

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Seed, open_to_others

AGENT = 65532
MARK = ".pai-filled"
TEMPORARY = ".pai-seed.tmp"
LIMIT = 64 << 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    (path / "sub/deep").mkdir(parents=True)
    (path / "a.conf").write_text("a")
    (path / "sub/b.sh").write_text("b")
    (path / "sub/b.sh").chmod(0o4750)
    (path / "sub/deep/empty").touch()
    (path / "link").symlink_to("sub/b.sh")
    (path / "dangling").symlink_to("/nowhere/at/all")
    os.mkfifo(path / "pipe")
    return path


def names(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_copies_the_tree_once(seed: Seed, image: Path, volume: Path) -> None:
    os.utime(image / "a.conf", (1_000_000_000, 1_000_000_000))
    done = seed(("fill", image, volume, LIMIT))
    assert (done.returncode, done.stderr) == (0, "")
    expected = [MARK, "a.conf", "dangling", "link", "sub", "sub/b.sh", "sub/deep", "sub/deep/empty"]
    assert names(volume) == expected
    assert (volume / "sub/b.sh").stat().st_mode & 0o7777 == 0o750
    assert os.readlink(volume / "dangling") == "/nowhere/at/all"
    assert (volume / "a.conf").stat().st_mtime == 1_000_000_000
    (volume / "a.conf").unlink()
    assert seed(("fill", image, volume, LIMIT)).returncode == 0
    assert not (volume / "a.conf").exists(), "a filled volume belongs to the agent"


def test_never_overwrites_or_follows(seed: Seed, image: Path, volume: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (volume / "a.conf").write_text("mine")
    (volume / "sub").symlink_to(outside)
    (volume / "link").mkdir()
    assert seed(("fill", image, volume, LIMIT)).returncode == 0
    assert (volume / "a.conf").read_text() == "mine"
    assert os.listdir(outside) == []
    assert (volume / "link").is_dir() and (volume / MARK).exists()


def test_over_the_limit_nothing_is_copied(seed: Seed, image: Path, volume: Path) -> None:
    (image / "sub/big").write_bytes(b"x" * 100)
    assert seed(("fill", image, volume, 102)).returncode == 0
    assert (volume / "sub/big").exists()
    fresh = volume.with_name("fresh")
    fresh.mkdir()
    done = seed(("fill", image, fresh, 101))
    assert done.returncode == 1
    assert "more than 101 bytes: declare a volume" in done.stderr
    assert os.listdir(fresh) == []


def test_huge_sparse_files_do_not_overflow_the_count(seed: Seed, image: Path, volume: Path) -> None:
    for index in range(3):
        with (image / f"huge{index}").open("wb") as file:
            file.truncate(1 << 42)
    assert seed(("fill", image, volume, 1 << 43)).returncode == 1
    assert os.listdir(volume) == []


def test_an_image_without_the_directory_fills_nothing(
    seed: Seed, volume: Path, tmp_path: Path
) -> None:
    assert seed(("fill", tmp_path / "none", volume, LIMIT)).returncode == 0
    assert os.listdir(volume) == [MARK]


def test_an_image_with_a_file_in_its_place_is_an_error(
    seed: Seed, volume: Path, source: Path
) -> None:
    done = seed(("fill", source, volume, LIMIT))
    assert done.returncode == 1 and "Not a directory" in done.stderr
    assert os.listdir(volume) == []


def test_what_the_agent_may_not_read_is_left_out(
    seed: Seed, image: Path, volume: Path, tmp_path: Path
) -> None:
    open_to_others(tmp_path)
    (image / "secret").write_text("root's")
    (image / "secret").chmod(0o600)
    (image / "sub").chmod(0o700)
    os.chown(volume, AGENT, AGENT)
    done = seed(("fill", image, volume, LIMIT), user=AGENT, group=AGENT)
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(volume)) == [MARK, "a.conf", "dangling", "link"]
    assert "left out secret" in done.stderr and "left out sub" in done.stderr


def test_mounts_in_the_image_are_not_copied(seed: Seed, image: Path, volume: Path) -> None:
    (image / "mounted").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", image / "mounted"], check=True)
    subprocess.run(["mount", "--bind", image / "sub/b.sh", image / "a.conf"], check=True)
    try:
        (image / "mounted/x").touch()
        assert seed(("fill", image, volume, LIMIT)).returncode == 0
    finally:
        subprocess.run(["umount", image / "mounted", image / "a.conf"], check=True)
    assert not (volume / "mounted").exists() and not (volume / "a.conf").exists()


def test_too_deep_a_tree_ends(seed: Seed, image: Path, volume: Path) -> None:
    (image / "/".join("d" * 150)).mkdir(parents=True)
    done = seed(("fill", image, volume, LIMIT))
    assert done.returncode == 1 and "directories deep" in done.stderr
    assert os.listdir(volume) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], check=True)
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_full_disk_leaves_nothing_half(
    seed: Seed, image: Path, small_disk: Path, source: Path
) -> None:
    (image / "zz-big").write_bytes(os.urandom(80_000))
    source.write_bytes(b"s" * 80_000)
    for step in (("file", small_disk, "x", source, "0644"), ("fill", image, small_disk, LIMIT)):
        done = seed(step)
        assert done.returncode == 1
        assert "No space left" in done.stderr and done.stderr.count("\n") == 1
        assert {"x", "zz-big", MARK, TEMPORARY}.isdisjoint(os.listdir(small_disk))
    subprocess.run(["mount", "-o", "remount,size=1m", small_disk], check=True)
    steps = (("fill", image, small_disk, LIMIT), ("file", small_disk, "x", source, "0644"))
    assert seed(*steps).returncode == 0
    assert (small_disk / "zz-big").stat().st_size == 80_000


def digests(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file() and path.name not in (TEMPORARY, MARK)
    }


def test_killed_anywhere_it_leaves_whole_files_and_a_rerun_finishes(
    launcher: Path, tmp_path: Path
) -> None:
    image, source = tmp_path / "image", tmp_path / "source"
    image.mkdir()
    source.write_bytes(os.urandom(200_000))
    for index in range(30):
        (image / f"d{index % 3}").mkdir(exist_ok=True)
        (image / f"d{index % 3}/f{index}").write_bytes(os.urandom(30_000))
    whole = digests(image) | {"etc/x": hashlib.sha256(source.read_bytes()).hexdigest()}
    chance = random.Random(7)
    killed = 0
    for round_number in range(12):
        volume = tmp_path / f"volume{round_number}"
        volume.mkdir()
        plan = tmp_path / "plan"
        plan.write_text(
            f"fill\t{image}\t{volume}\t{LIMIT}\nfile\t{volume}\tetc/x\t{source}\t0644\n"
        )
        finished = False
        while not finished:
            process = subprocess.Popen([launcher, "seed", plan], env={})
            time.sleep(chance.uniform(0.0, 0.05))
            process.kill()
            finished = process.wait() == 0
            killed += not finished
            found = digests(volume)
            assert all(whole[name] == value for name, value in found.items()), "a half file"
            if killed > 150:
                finished = subprocess.run([launcher, "seed", plan], env={}).returncode == 0
        assert digests(volume) == whole
        assert not list(volume.rglob(TEMPORARY))
    assert killed > 5
