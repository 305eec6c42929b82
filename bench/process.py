"""Start, measure and end the processes of one run."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Running:
    """A process and its children, as far as they belong to the measurement."""

    process: subprocess.Popen[bytes]

    def family(self) -> list[int]:
        """Return its pid and those of all its descendants."""
        found, queue = [], [self.process.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                queue.extend(int(child) for child in children)
        return found

    def cpu_seconds(self) -> float:
        """Return user and system time so far."""
        total = 0.0
        for pid in self.family():
            with suppress(OSError):
                total += cpu_seconds_of(pid)
        return total

    def rss_mib(self) -> float:
        """Return the resident set of the family."""
        pages = 0
        for pid in self.family():
            with suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds_of(pid: int) -> float:
    """Return user and system time of one process. Source: proc(5), stat fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def running(
    command: Sequence[str],
    ready: int | None = None,
    cpu: int | None = None,
    env: dict[str, str] | None = None,
    log: Path | None = None,
    patience_seconds: float = 20.0,
) -> Iterator[Running]:
    """Run `command` until the block ends. ready: a port to wait for. cpu: the core to stay on."""
    pin = ["taskset", "-c", str(cpu)] if cpu is not None and (os.cpu_count() or 1) > 1 else []
    output = log.open("wb") if log else subprocess.DEVNULL
    process = subprocess.Popen(
        [*pin, *command], env={**os.environ, **(env or {})}, stdout=output, stderr=output
    )
    try:
        if ready:
            wait_for_port(process, ready, log, patience_seconds)
        yield Running(process)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(
    process: subprocess.Popen[bytes], port: int, log: Path | None, patience_seconds: float = 20.0
) -> None:
    """Wait until something listens on the port of 127.0.0.1. Raises RuntimeError with the log."""
    until = time.monotonic() + patience_seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            text = log.read_text() if log else ""
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}\n{text}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    text = log.read_text() if log else ""
    raise RuntimeError(f"{process.args!r}: nothing listens on {port}\n{text}")


def free_port() -> int:
    """Return a port that nobody holds now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
