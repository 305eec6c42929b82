"""The lock that lets one supervisor run in a data directory, and says where it runs."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pai.cli.supervisor.processes import Identity


@dataclass(frozen=True)
class Running:
    """What a supervisor says of itself. since: RFC 3339, UTC."""

    supervisor: Identity
    since: str
    api_port: int
    gateway_port: int
    edge_port: int


class PidFile:
    """Holds the lock from `acquire` until the process ends; the kernel frees it in any case."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False when another supervisor holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        self._descriptor = descriptor
        return True

    def write(self, running: Running) -> None:
        """Say who and where we are. The lock must be held."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        text = json.dumps(asdict(running)).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would race with the next holder."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool:
    """Say whether a supervisor runs."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def running(path: Path) -> Running | None:
    """Return what the running supervisor says of itself.

    None when none runs, or when it has only just taken the lock.
    """
    if not is_locked(path):
        return None
    try:
        document = json.loads(path.read_text())
        return Running(**{**document, "supervisor": Identity(**document["supervisor"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
