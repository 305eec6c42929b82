"""The launcher as it ships, and the same program under the address and undefined sanitizers."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BINARIES = {"shipped": ("all", "launcher"), "sanitized": ("sanitized", "launcher-sanitized")}

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Seed = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session", params=sorted(BINARIES))
def launcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it, and put it where another user can run it: the checkout may be root's alone."""
    target, name = BINARIES[request.param]
    build = ROOT / "build"
    command = ["make", "--silent", "-C", str(ROOT / "launcher"), f"OUT={build}", target]
    build.mkdir(exist_ok=True)
    with (build / "launcher.lock").open("w") as lock:  # other test processes build it too
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, check=True)
    place = tmp_path_factory.mktemp(name)
    open_to_others(place)
    return Path(shutil.copy(build / name, place))


@pytest.fixture
def run(launcher: Path) -> Run:
    """Run the launcher with an empty environment; any sanitizer report fails the test."""

    def call(*words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [launcher, *words], capture_output=True, text=True, env={}, timeout=60, **options
        )
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        assert done.returncode in (0, 1, 2)
        return done

    return call


@pytest.fixture
def seed(run: Run, tmp_path: Path) -> Seed:
    """Run `seed` on a plan given as steps, each a tuple of fields."""

    def call(
        *steps: Iterable[str | Path | int], **options: int
    ) -> "subprocess.CompletedProcess[str]":
        plan = tmp_path / "plan"
        plan.write_text("".join("\t".join(map(escape, step)) + "\n" for step in steps))
        return run("seed", plan, **options)

    return call


def escape(field: str | Path | int) -> str:
    text = os.fspath(field) if isinstance(field, Path) else str(field)
    return text.replace("%", "%25").replace("\t", "%09").replace("\n", "%0A")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume"
    path.mkdir()
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_text("seeded\n")
    return path


def open_to_others(directory: Path) -> None:
    """Let another user pass through to `directory`; pytest closes its own above it."""
    for path in (directory, *directory.parents):
        mode = path.stat().st_mode
        if not mode & 0o001:
            path.chmod(mode | 0o011)
