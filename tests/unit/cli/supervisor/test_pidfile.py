import os
import subprocess
import sys
from pathlib import Path

import pytest

from pai.cli.supervisor.pidfile import PidFile, Running, is_locked, running
from pai.cli.supervisor.processes import Identity

ME = Running(Identity(os.getpid(), 1, "b"), "2026-03-01T12:00:00+00:00", 1, 2, 3)
TRY = (
    "import sys; from pathlib import Path; from pai.cli.supervisor.pidfile import PidFile; "
    "print(PidFile(Path(sys.argv[1])).acquire())"
)


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "pai.pid"
    assert not is_locked(path)
    lock = PidFile(path)
    assert lock.acquire()
    assert is_locked(path)
    assert running(path) is None  # it has not said yet where it is
    lock.write(ME)
    assert running(path) == ME
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
    lock.release()
    assert not is_locked(path)
    assert running(path) is None
    assert lock.acquire()
    lock.release()


def test_a_left_over_file_does_not_say_that_something_runs(tmp_path: Path) -> None:
    path = tmp_path / "pai.pid"
    path.write_text('{"api_port": 1}')
    assert not is_locked(path)
    assert running(path) is None


def test_writing_needs_the_lock(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        PidFile(tmp_path / "pai.pid").write(ME)
