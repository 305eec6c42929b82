"""The package with its hot path as machine code: `python -m scripts.machine_code [--wheel DIR]`.

Prints the directory to put on Python's path, or the wheel.

Built once for each content of the sources, the lock file and each Python; a tree under another key
is never taken, so none is ever stale. Where nothing can be built the answer is None, and what
would have used it runs the same code as Python.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path

from scripts.cache import IMAGE_PYTHON, ROOT, cache, digest_of

_KEPT = 4  # trees of other contents: of other checkouts, or of what was here before a change
_IMAGE_GLIBC = (2, 36)  # Debian bookworm's


def tree() -> Path | None:
    """Return the directory to put on Python's path, building it first; None says why it can't."""
    missing = _missing()
    if missing:
        print(f"· the hot path is not compiled: {missing}", file=sys.stderr, flush=True)
        return None
    target = cache() / f"machine-code-{_key()}"
    if not target.exists():
        _build(target)
    target.touch()
    _forget_old(target)
    return target


def image_code() -> Path:
    """Return the package's code for images: compiled if that runs there, else the sources."""
    why = _not_in_images()
    if why:
        print(f"· images get the hot path as Python: {why}", file=sys.stderr, flush=True)
    return (None if why else tree()) or ROOT / "src"


def _missing() -> str:
    """Say what this machine lacks to compile; empty if nothing."""
    if os.environ.get("PAI_COMPILE") == "no":
        return "PAI_COMPILE=no"
    if shutil.which("gcc") is None:
        return "there is no gcc"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python.h is missing (Debian: python3-dev)"
    return ""


def _not_in_images() -> str:
    version = "{}.{}".format(*sys.version_info[:2])
    if version != IMAGE_PYTHON:
        return f"this Python is {version}, theirs {IMAGE_PYTHON}"
    name, found = platform.libc_ver()
    if name != "glibc" or tuple(map(int, re.findall(r"\d+", found)[:2])) > _IMAGE_GLIBC:
        return f"this machine has {name} {found}, they have glibc 2.36"
    return ""


def _key() -> str:
    """Name everything that the machine code depends on."""
    parts = [sys.implementation.cache_tag.encode(), platform.machine().encode()]
    files = sorted((ROOT / "src" / "pai").rglob("*.py"))
    for path in (ROOT / "pyproject.toml", ROOT / "locks" / "dev.txt", *files):
        parts += (path.relative_to(ROOT).as_posix().encode(), path.read_bytes())
    return digest_of(parts)


def _build(target: Path) -> None:
    """Make a wheel of a copy of the sources, and unpack it. Raises CalledProcessError."""
    print("· the hot path to machine code, by mypyc (about a minute)", file=sys.stderr, flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        copy, unpacked = Path(work) / "copy", Path(work) / "tree"
        ignored = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / "src", copy / "src", ignore=ignored)
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, copy)
        environment = {**os.environ, "HATCH_BUILD_HOOK_ENABLE_MYPYC": "true", "MYPYPATH": "src"}
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
        made = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        if made.returncode:
            sys.stderr.write(made.stderr[-4000:])
            raise subprocess.CalledProcessError(made.returncode, command)
        [wheel] = (copy / "dist").glob("*.whl")
        zipfile.ZipFile(wheel).extractall(unpacked)
        shutil.copy(wheel, unpacked)
        try:
            unpacked.rename(target)
        except OSError:  # another was faster
            if not target.exists():
                raise
    print(f"  done in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _forget_old(current: Path) -> None:
    trees = sorted(cache().glob("machine-code-*"), key=lambda path: path.stat().st_mtime)
    for old in trees[:-_KEPT]:
        if old != current:
            shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """Print the path, or keep the wheel; exit 1 where there is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, metavar="DIRECTORY", help="put the wheel here")
    asked, made = parser.parse_args(), tree()
    if asked.wheel is None:
        print(made or ROOT / "src")
        return 0
    if made is None:
        return 1
    asked.wheel.mkdir(parents=True, exist_ok=True)
    [wheel] = made.glob("*.whl")
    print(shutil.copy(wheel, asked.wheel))
    return 0


if __name__ == "__main__":
    sys.exit(main())
