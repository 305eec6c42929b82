"""What goes into the images: the Debian base, wheels from the lock files, code, the launcher."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from scripts.cache import IMAGE_PYTHON, ROOT, SUITE, cache, digest_of
from scripts.machine_code import image_code

PACKAGES = ("python3", "ca-certificates", "iptables")

# The data-plane part of the package: what the sidecar and prepare import.
CODE = (
    "__init__.py",
    "errors.py",
    "clock.py",
    "ir",
    "budget",
    "policy",
    "providers",
    "dialect",
    "wire",
    "gateway",
    "sidecar",
    "edge",
    "runtime/__init__.py",
    "runtime/prepare",
)

_NOT_SHIPPED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
_SHOWN = tuple(f"I: {verb}" for verb in ("downloading", "extracting", "installing", "creating"))
# Nothing of this machine stays: proxies and keys of the host are no business of an agent. Without a
# mirror named, packages come from where the distribution has them.
_LEAVE_NO_TRACE = (
    'rm -rf "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/*proxy* "$1"/etc/apt/auth.conf*'
    ' && rm -f "$1"/etc/resolv.conf "$1"/etc/hostname && : > "$1"/etc/machine-id'
)


def base_digest() -> str:
    """Name the recipe of the base; the tar of another recipe is another file."""
    recipe = (SUITE, *PACKAGES, *_NOT_SHIPPED, _LEAVE_NO_TRACE, os.uname().machine)
    return digest_of(word.encode() for word in recipe)


def base_tar() -> Path:
    """Make the Debian base once and return its tar. Raises CalledProcessError."""
    tar = cache() / f"base-{SUITE}-{base_digest()}.tar"
    if tar.exists():
        return tar
    for old in cache().glob(f"base-{SUITE}-*.tar"):
        old.unlink()
    print(f"· Debian {SUITE} for the images, by mmdebstrap (about a minute, kept in {cache()})")
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        fresh = Path(work) / "base.tar"
        command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        command += [f"--dpkgopt=path-exclude=/{path}/*" for path in _NOT_SHIPPED]
        command += [f"--customize-hook={_LEAVE_NO_TRACE}", SUITE, str(fresh)]
        _run_with_progress(command, {**os.environ, "TMPDIR": work})
        fresh.chmod(0o600)
        fresh.rename(tar)
    return tar


def _run_with_progress(command: list[str], environment: dict[str, str]) -> None:
    """Run mmdebstrap and show what it is doing; all that it said, when it fails."""
    said: list[str] = []
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            said.append(line)
            if line.startswith(_SHOWN):
                print(f"  {line.removeprefix('I: ').strip()}", flush=True)
    if process.returncode:
        sys.stderr.writelines(said[-20:])
        raise subprocess.CalledProcessError(process.returncode, command[0])


def wheels(lock: str) -> Path:
    """Return a directory with the packages of one lock file, made for the images' Python."""
    content = (ROOT / "locks" / lock).read_bytes()
    target = cache() / f"wheels-{Path(lock).stem}-{digest_of([content, IMAGE_PYTHON.encode()])}"
    if target.exists():
        return target
    for old in cache().glob(f"wheels-{Path(lock).stem}-*"):
        shutil.rmtree(old)
    print(f"· Python packages for the images (locks/{lock})")
    work = Path(tempfile.mkdtemp(dir=cache()))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-compile", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--python-version", IMAGE_PYTHON, "--implementation", "cp"]
    command += ["--target", str(work), "-r", str(ROOT / "locks" / lock)]
    subprocess.run(command, check=True)
    work.chmod(0o755)
    work.rename(target)
    return target


class Layer:
    """Files to put on top of an image; the same content always has the same digest."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, int]] = {}

    def file(self, target: str, source: Path, mode: int = 0o644) -> None:
        """Add one file."""
        self.content(target, source.read_bytes(), mode)

    def content(self, target: str, content: bytes, mode: int = 0o644) -> None:
        """Add one file that is nowhere yet."""
        self._files[target] = (content, mode)

    def tree(self, target: str, source: Path) -> None:
        """Add a file, or a directory without byte code and tools."""
        for path in sorted([source] if source.is_file() else source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                inside = path.relative_to(source).as_posix() if path != source else ""
                self.file(f"{target}/{inside}".rstrip("/"), path)

    def digest(self) -> str:
        """Return the digest over names, modes and contents."""
        listed = sorted(self._files.items())
        return digest_of(
            part
            for name, (content, mode) in listed
            for part in (name.encode(), oct(mode).encode(), content)
        )

    def tar(self) -> bytes:
        """Return the layer as a tar; directories are made with mode 0755."""
        buffer = io.BytesIO()
        directories: set[str] = set()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, (content, mode) in sorted(self._files.items()):
                for parent in reversed(Path(name).parents):
                    if str(parent) != "." and str(parent) not in directories:
                        directories.add(str(parent))
                        entry = tarfile.TarInfo(str(parent))
                        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                        archive.addfile(entry)
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), mode
                archive.addfile(entry, io.BytesIO(content))
        return buffer.getvalue()


def packages_layer(lock: str, target: str) -> Layer:
    """Return the packages of one lock file as a layer."""
    layer = Layer()
    for part in sorted(wheels(lock).iterdir()):
        if part.name != "bin":  # console scripts name the Python of the machine that made them
            layer.tree(f"{target}/{part.name}", part)
    return layer


def platform_layers() -> tuple[Layer, ...]:
    """Return what makes our image: wheels; data-plane code and launcher."""
    code = _package(CODE)
    code.file("opt/pai/bin/launcher", ROOT / "build" / "launcher", 0o755)
    return packages_layer("dataplane.txt", "opt/pai/lib"), code


def control_layers() -> tuple[Layer, ...]:
    """Return what makes control's image in a cluster: wheels; the whole package."""
    return packages_layer("platform.txt", "opt/pai/lib"), _package(("",))


def _package(parts: Iterable[str]) -> Layer:
    """Return parts of the package, with the machine code of its hot path if there is any."""
    source, code = image_code(), Layer()
    for part in parts:
        code.tree(f"opt/pai/lib/pai/{part}".rstrip("/"), source / "pai" / part)
    for shared in source.glob("*.so"):  # what its modules load
        code.file(f"opt/pai/lib/{shared.name}", shared)
    return code


def quickstart_layers() -> tuple[Layer, ...]:
    """Return what makes the quickstart's image: the vendor's SDK as published; the agent."""
    agent = Layer()
    agent.tree("app/agent", ROOT / "examples" / "quickstart" / "agent")
    return packages_layer("quickstart.txt", "app/lib"), agent
