import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pai.cli.supervisor.processes import (
    Identity,
    die_with_parent,
    end,
    identify,
    remember,
    remembered,
)

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_a_process_is_known_by_its_start(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identify(sleeper.pid)
    assert identity is not None
    assert identity.is_alive()
    assert not Identity(sleeper.pid, identity.started + 1, identity.boot).is_alive()
    assert not Identity(sleeper.pid, identity.started, "another boot").is_alive()


def test_a_zombie_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identify(sleeper.pid)
    assert identity is not None
    sleeper.kill()
    wait_for(lambda: not identity.is_alive())  # nobody has waited for it yet
    assert not identity.signal(signal.SIGTERM)


def test_nobody_has_a_pid_that_is_free() -> None:
    assert identify(2**22 + 1) is None


def test_what_is_remembered_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "children.json"
    assert remembered(file) == {}
    known = {"control": Identity(1, 2, "b")}
    remember(file, known)
    assert remembered(file) == known
    file.write_text("nonsense")
    assert remembered(file) == {}


def test_only_the_very_process_is_ended(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identify(sleeper.pid)
    assert identity is not None
    stranger = Identity(sleeper.pid, identity.started - 1, identity.boot)
    assert end([stranger]) == 0
    assert sleeper.poll() is None
    assert end([identity]) == 1
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_stubborn_process_is_killed() -> None:
    with subprocess.Popen(STUBBORN, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        identity = identify(process.pid)
        assert identity is not None
        assert end([identity], seconds=0.2) == 1
        assert process.wait(10) == -signal.SIGKILL


def test_a_child_of_a_dead_parent_does_not_start() -> None:
    before_exec = die_with_parent()
    parent = os.fork()
    if parent == 0:  # a grandchild whose parent is not the one that `die_with_parent` saw
        before_exec()
        os._exit(0)
    _, status = os.waitpid(parent, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    script = (
        "import os\n"
        "from pai.cli.supervisor.processes import die_with_parent\n"
        "hook = die_with_parent()\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n"
        "        hook()\n"
        "        print('ran', flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b""
