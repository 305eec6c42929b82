"""`pause`: reaps what is left to it and ends when told."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ORPHANS = """
import ctypes, os, sys, time
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans come to us
if os.fork() == 0:
    for _ in range(20):
        if os.fork() == 0:
            time.sleep(0.2)
            os._exit(0)
    os._exit(0)
os.execve(sys.argv[1], ["launcher", "pause"], {})
"""


@contextmanager
def running(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env={})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("did not happen within 10 s")


def waits(pid: int) -> bool:
    """Whether it is past its start: it never sleeps but in sigwaitinfo."""
    name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition(") ")
    return "(launcher" in name and rest.startswith("S")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_told(launcher: Path, number: signal.Signals) -> None:
    with running(launcher, "pause") as process:
        until(lambda: waits(process.pid))
        process.send_signal(number)
        assert process.wait(10) == 0


def test_stays_for_any_other_reason(launcher: Path) -> None:
    with running(launcher, "pause") as process:
        until(lambda: waits(process.pid))
        process.send_signal(signal.SIGCHLD)
        time.sleep(0.1)
        assert process.poll() is None


def test_reaps_what_is_left_to_it(launcher: Path) -> None:
    with running(sys.executable, "-c", ORPHANS, launcher) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: waits(process.pid) and children.read_text() == "")
        process.terminate()
        assert process.wait(10) == 0
