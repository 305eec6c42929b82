"""When a part has ended."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scripts.kubernetes.processes import alive

# The first thread ends and another waits for the end of standard input.
WITHOUT_ITS_FIRST_THREAD = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_process_runs_until_its_last_thread_ends() -> None:
    command = [sys.executable, "-c", WITHOUT_ITS_FIRST_THREAD]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        until(lambda: state(process.pid) == "Z")
        assert alive(process.pid)
        assert process.stdin is not None
        process.stdin.close()
        until(lambda: not alive(process.pid))
        assert state(process.pid) == "Z"  # nobody has reaped it yet
    assert not alive(process.pid)
