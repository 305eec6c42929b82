"""Processes by pid and start time, so that a pid used again by a stranger is never ours."""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pai.store.instance_key import write_private

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """One process for all time. started: clock ticks after boot; boot: id of that boot."""

    pid: int
    started: int
    boot: str

    def is_alive(self) -> bool:
        """Say whether this very process still runs; a zombie does not."""
        return identify(self.pid) == self

    def signal(self, number: int) -> bool:
        """Send a signal, unless the process is gone; say whether it was there."""
        if not self.is_alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def identify(pid: int) -> Identity | None:
    """Return the identity of a running process, or None."""
    try:
        # The name in parentheses may hold anything, so fields are counted from its end.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], int(fields[19])
    return None if state in ("Z", "X") else Identity(pid, started, boot)


def remember(path: Path, known: dict[str, Identity]) -> None:
    """Write the children's identities, by name."""
    document = {name: asdict(identity) for name, identity in sorted(known.items())}
    write_private(path, (json.dumps(document, indent=2) + "\n").encode())


def remembered(path: Path) -> dict[str, Identity]:
    """Return the identities in `path`; an unreadable or missing list is empty."""
    try:
        document = json.loads(path.read_text())
        return {name: Identity(**entry) for name, entry in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def end(identities: Iterable[Identity], seconds: float = 5.0) -> int:
    """End these very processes, gently first; return how many were still there."""
    alive = [identity for identity in identities if identity.signal(signal.SIGTERM)]
    deadline = time.monotonic() + seconds
    while any(identity.is_alive() for identity in alive) and time.monotonic() < deadline:
        time.sleep(0.05)
    for identity in alive:
        identity.signal(signal.SIGKILL)
    return len(alive)


def die_with_parent() -> Callable[[], None]:
    """Return what a child calls before exec so that the kernel kills it when we die.

    Linux only; elsewhere it does nothing and `end` of the next start has to do.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if sys.platform != "linux":
            return
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # we died between fork and prctl
            os._exit(1)

    return before_exec
