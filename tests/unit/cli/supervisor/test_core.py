"""The supervisor as a real process, with small children in place of the platform's own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.cli.supervisor.test_processes import wait_for

from pai.cli.supervisor.processes import remembered

RUNNER = Path(__file__).with_name("run_stand_ins.py")
# Answers /healthz on its own socket until SIGTERM.
HEALTHY = """
import signal, socket, sys, pathlib
name = pathlib.Path(sys.argv[0]).stem
data = pathlib.Path(sys.argv[1])
def stop(*_):
    with (data / "stopped").open("a") as log:
        log.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
path = data / "run" / f"{name}.sock"
path.unlink(missing_ok=True)
server = socket.socket(socket.AF_UNIX)
server.bind(str(path))
server.listen()
print(f"{name} is up")
while True:
    client, _ = server.accept()
    client.recv(1000)
    client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
    client.close()
"""
STUBBORN = HEALTHY.replace("sys.exit(0)", "return")
CRASHING = "import sys\nprint('last words')\nsys.exit(3)\n"
# Has a child of its own that ignores SIGTERM.
WITH_CHILD = (
    "import subprocess, sys, pathlib\n"
    "code = 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)'\n"
    "child = subprocess.Popen([sys.executable, '-c', code])\n"
    "(pathlib.Path(sys.argv[1]) / 'grandchild').write_text(str(child.pid))\n"
) + HEALTHY


class Run:
    """A running supervisor and what it said so far."""

    def __init__(self, process: subprocess.Popen[str], data: Path) -> None:
        self.process = process
        self.data = data
        self.lines: list[str] = []

    def until(self, line: str) -> None:
        """Read until a line that begins so."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.lines.append(text.rstrip("\n"))
            if text.startswith(line):
                return
        raise AssertionError(f"no {line!r} in {self.lines}")

    def pids(self) -> dict[str, int]:
        known = remembered(self.data / "run" / "children.json")
        return {name: identity.pid for name, identity in known.items()}


@contextmanager
def supervised(tmp_path: Path, **scripts: str) -> Iterator[Run]:
    for name, text in scripts.items():
        (tmp_path / f"{name}.py").write_text(text)
    paths = [str(tmp_path / f"{name}.py") for name in scripts]
    command = [sys.executable, str(RUNNER), str(tmp_path / "data"), *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Run(process, tmp_path / "data")
        finally:
            process.kill()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.fixture
def three() -> dict[str, str]:
    return {"control": HEALTHY, "gateway": HEALTHY, "edge": HEALTHY}


def test_all_are_started_and_stopped_with_control_last(
    tmp_path: Path, three: dict[str, str]
) -> None:
    with supervised(tmp_path, **three) as run:
        run.until("ready")
        pids = run.pids()
        assert set(pids) == set(three)
        assert all(os.getsid(pid) == pid for pid in pids.values())  # a session each
        run.process.send_signal(signal.SIGTERM)
        run.until("stopped")
        assert run.process.wait(10) == 0
        assert (run.data / "stopped").read_text().split()[-1] == "control"
        assert not any(is_alive(pid) for pid in pids.values())
        assert not (run.data / "run" / "children.json").exists()


def test_ctrl_c_stops_too(tmp_path: Path) -> None:
    with supervised(tmp_path, control=HEALTHY) as run:
        run.until("ready")
        run.process.send_signal(signal.SIGINT)
        run.until("stopped")
        assert run.process.wait(10) == 0


def test_a_killed_supervisor_leaves_nobody(tmp_path: Path, three: dict[str, str]) -> None:
    with supervised(tmp_path, **three) as run:
        run.until("ready")
        pids = run.pids()
        assert all(is_alive(pid) for pid in pids.values())
        run.process.kill()
        wait_for(lambda: not any(is_alive(pid) for pid in pids.values()))


def test_a_killed_child_is_started_again(tmp_path: Path, three: dict[str, str]) -> None:
    with supervised(tmp_path, **three) as run:
        run.until("ready")
        before = run.pids()
        os.kill(before["gateway"], signal.SIGKILL)
        run.until("gateway: ended with -9, starts again in 0.2 s")
        run.until("gateway: gateway is up")
        after = run.pids()
        assert after["gateway"] != before["gateway"]
        assert (after["control"], after["edge"]) == (before["control"], before["edge"])
        log = (run.data / "logs" / "gateway.log").read_text()
        assert log.count("gateway is up") == 2
        assert "supervisor: gateway ended with signal SIGKILL" in log


def test_a_crashing_child_ends_the_start_with_its_last_words(tmp_path: Path) -> None:
    with supervised(tmp_path, control=HEALTHY, gateway=CRASHING) as run:
        run.until("error gateway ends again and again: ")
        assert "last words" in run.lines[-1]
        assert run.process.wait(10) == 1
        assert "control" in (run.data / "stopped").read_text()
        delays = [line for line in run.lines if "starts again in" in line]
        assert [line.rpartition(" in ")[2] for line in delays] == ["0.2 s", "0.4 s", "0.8 s"]


def test_a_child_that_can_not_be_started_is_said(tmp_path: Path) -> None:
    with supervised(tmp_path, control="raise SystemExit('no way')") as run:
        run.until("error control ends again and again")
        assert "no way" in run.lines[-1]


def test_a_stubborn_child_is_killed_after_its_time(tmp_path: Path) -> None:
    with supervised(tmp_path, control=STUBBORN) as run:
        run.until("ready")
        pid = run.pids()["control"]
        run.process.terminate()
        run.until("stopped")
        assert not is_alive(pid)
        assert "did not end within 1 s: killed" in (run.data / "logs" / "control.log").read_text()


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    with supervised(tmp_path, control=WITH_CHILD) as run:
        run.until("ready")
        grandchild = int((run.data / "grandchild").read_text())
        assert is_alive(grandchild)
        run.process.terminate()
        run.until("stopped")
        wait_for(lambda: not is_alive(grandchild))


def test_left_over_children_of_ours_are_ended_strangers_are_not(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleep) as ours, subprocess.Popen(sleep) as stranger:
        from pai.cli.supervisor.processes import identify, remember

        identity, other = identify(ours.pid), identify(stranger.pid)
        assert identity is not None
        assert other is not None
        (tmp_path / "data" / "run").mkdir(parents=True)
        file = tmp_path / "data" / "run" / "children.json"
        remember(file, {"gateway": identity, "edge": other})
        document = json.loads(file.read_text())
        document["edge"]["started"] += 1  # that pid was ours once, and is another's now
        file.write_text(json.dumps(document))
        with supervised(tmp_path, control=HEALTHY) as run:
            run.until("ready")
            assert ours.wait(10) == -signal.SIGTERM
            assert stranger.poll() is None
        stranger.kill()


def test_long_and_cut_off_lines_reach_the_log(tmp_path: Path) -> None:
    noisy = "import sys\nsys.stdout.write('x' * 3_000_000)\nsys.stdout.write('end')\n"
    with supervised(tmp_path, control=noisy) as run:
        run.until("error control")
    log = (run.data / "logs" / "control.log").read_text()
    assert "x" * 3_000_000 in log.replace("\n", "")
    assert "xend" in log
