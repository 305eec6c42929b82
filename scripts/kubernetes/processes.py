"""Start and end the parts of a cluster; each is known by a file with its process id."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts.kubernetes.commands import command
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.place import Place

READY_SECONDS = 60
_PAUSE_SECONDS = 0.05
# They share two cores with what is tested: memory for less garbage collection (Go's own is 100).
_ENVIRONMENT = {"GOGC": "300"}
_STATE, _THREADS = 0, 17  # in /proc/PID/stat, after the name
# The part is nobody's child: it outlives who started it and leaves no zombie behind.
_SHELL = 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"'


def start(place: Place, part: str) -> None:
    """Start a part unless it runs."""
    if running(place, part):
        return
    place.pids.mkdir(parents=True, exist_ok=True)
    place.logs.mkdir(parents=True, exist_ok=True)
    pid_file = place.pids / part
    pid_file.unlink(missing_ok=True)
    words = ["setsid", "--fork", "sh", "-c", _SHELL, str(pid_file), *command(place, part)]
    environment = {**os.environ, **_ENVIRONMENT}
    with (place.logs / f"{part}.log").open("ab") as log:
        subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True
        )
    wait_until(f"{part}'s process", pid_file.exists, place.logs / f"{part}.log")


def pid(place: Place, part: str) -> int | None:
    """Return the process id of a part that was started, or None."""
    try:
        return int((place.pids / part).read_text())
    except FileNotFoundError:
        return None


def running(place: Place, part: str) -> bool:
    """Tell whether a part runs."""
    known = pid(place, part)
    return known is not None and alive(known)


def alive(process: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not.

    As long as one of its threads is left, its ports are taken.
    """
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = stat.rpartition(")")[2].split()
    return fields[_STATE] not in ("Z", "X") or int(fields[_THREADS]) > 1


def stop(place: Place, part: str, how: signal.Signals = signal.SIGKILL) -> None:
    """End a part and wait until it is gone; the file with its id goes too."""
    known = pid(place, part)
    if known is not None and alive(known):
        os.kill(known, how)
        wait_until(f"the end of {part}", lambda: not alive(known), place.logs / f"{part}.log")
    (place.pids / part).unlink(missing_ok=True)


def wait_until(
    what: str, is_so: Callable[[], bool], log: Path, seconds: float = READY_SECONDS
) -> None:
    """Wait for something to be so. Raises ClusterError with the log's last lines."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not so after {seconds:.0f} s\n{last_lines(log)}")
        time.sleep(_PAUSE_SECONDS)


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log, or that there is none."""
    if not log.exists():
        return f"(no log at {log})"
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join([f"{log}:", *lines[-count:]])


def run(*words: str, given: str | None = None) -> str:
    """Run a set-up command; what it said is the error's text. Raises ClusterError."""
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{shown(words)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def shown(words: Sequence[str]) -> str:
    """Return a command for an error: its first words."""
    return " ".join(words[:6])
