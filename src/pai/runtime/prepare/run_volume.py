"""Fill the run volume: launcher, CA files, seed plan and contents.

Every file is replaced whole by a rename: a replica's sidecar and agent may be running when
prepare runs again.
"""

import os
from pathlib import Path

from pai.errors import SpecError
from pai.ir.prepare import PreparePlan

RUN = Path("/run/pai")
SYSTEM_ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")
LAUNCHER = Path("/opt/pai/bin/launcher")


def fill_run_volume(plan: PreparePlan, run: Path = RUN, launcher: Path = LAUNCHER) -> None:
    """Write all files of the run volume; all are readable by every user, none is secret."""
    roots = SYSTEM_ROOTS.read_text()
    _put(run / "launcher", launcher.read_bytes(), 0o755)
    _put(run / "ca.pem", _pem(plan.ca_pem), 0o644)
    _put(run / "ca-bundle.pem", b"".join(map(_pem, (roots, plan.ca_pem, plan.extra_ca_pem))), 0o644)
    seed = run / "seed"
    seed.mkdir(exist_ok=True)
    seed.chmod(0o755)  # whatever the umask, and the group that the volume hands down
    for name, content in plan.seed_files.items():
        _put(seed / _plain(name), content.encode(), 0o644)
    _put(seed / "plan", plan.seed_plan.encode(), 0o644)


def _pem(text: str) -> bytes:
    return f"{text.strip()}\n".encode() if text.strip() else b""


def _plain(name: str) -> str:
    if not name or name in {".", "..", "plan"} or "/" in name or "\0" in name:
        raise SpecError(f"seed_files: {name!r} is not a plain file name")
    return name


def _put(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    fresh.rename(path)
