"""`pai up` and `pai down` for real: commands, supervisor and control as processes of their own.

The engine is a fake, and no gateway and edge workers are asked for: others test those.
"""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.engine_api import FakeEngine, serve
from tests.unit.cli.supervisor.test_core import is_alive
from tests.unit.cli.supervisor.test_processes import wait_for

from pai.cli.locations import DataDir
from pai.cli.supervisor.pidfile import is_locked, running
from pai.cli.supervisor.processes import remembered

SECRET = "sk-canary-of-the-shell"


class Home:
    """A user's directory and the commands run in it."""

    def __init__(self, root: Path, engine: FakeEngine) -> None:
        self.root = root
        self.engine = engine
        self.data = DataDir(root / "data")
        self.api, self.gateway, self.edge, internal = free_ports(4)
        self.data.make()
        self.data.settings.write_text(
            f'engine = "{engine.url}"\napiPort = {self.api}\ngatewayPort = {self.gateway}\n'
            f"edgePort = {self.edge}\ninternalPort = {internal}\n"
            "gatewayWorkers = 0\nedgeWorkers = 0\n"
        )
        own = {"PAI_HOME": str(root), "PAI_DATA_DIR": str(self.data.root)}
        self.env = {**os.environ, **own, "OPENAI_API_KEY": SECRET}

    def pai(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pai.cli", *arguments]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=90, check=False
        )

    def pids(self) -> list[int]:
        found = running(self.data.pid_file)
        children = [identity.pid for identity in remembered(self.data.children).values()]
        return [*children, *([found.supervisor.pid] if found else [])]

    @property
    def token(self) -> str:
        document = json.loads((self.root / "config.json").read_text())
        return str(document["contexts"]["local"]["token"])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with serve(tmp_path / "engine.sock") as engine:
        made = Home(tmp_path / "home", engine)
        yield made
        if is_locked(made.data.pid_file):
            made.pai("down", "--keep-agents")


def test_up_list_down(home: Home) -> None:
    up = home.pai("up", "-d")
    assert up.returncode == 0, up.stderr
    assert "pai is ready (" in up.stdout
    assert f"http://127.0.0.1:{home.api}" in up.stdout
    assert "control is ready" in up.stderr
    assert stat.S_IMODE((home.root / "config.json").stat().st_mode) == 0o600
    for role in ("gateway", "edge"):
        assert stat.S_IMODE(home.data.credential(role).stat().st_mode) == 0o600
    listed = home.pai("list")
    assert (listed.returncode, listed.stdout) == (0, "no agents\n")
    doctor = json.loads(home.pai("doctor", "-o", "json").stdout)
    levels = {check["name"]: check["level"] for check in doctor}
    assert {levels[name] for name in ("engine", "image", "ports", "processes")} == {"OK"}
    assert (levels["api socket"], levels["api port"]) == ("OK", "OK")
    pids = home.pids()
    assert len(pids) == 2
    down = home.pai("down")
    assert (down.returncode, down.stdout) == (0, "pai is stopped\n")
    assert not any(is_alive(pid) for pid in pids)
    again = home.pai("down")
    assert (again.returncode, again.stdout) == (0, "pai was not running\n")
    assert "does not answer" in home.pai("list").stderr


def test_a_second_up_says_where_it_runs(home: Home) -> None:
    assert home.pai("up", "-d").returncode == 0
    pids = home.pids()
    again = home.pai("up", "-d", "--api-port", str(home.api))
    assert again.returncode == 0
    assert "pai is running since" in again.stdout
    assert f"http://127.0.0.1:{home.api}" in again.stdout
    assert home.pids() == pids
    other = home.pai("up", "-d", "--api-port", "1024", "--public")
    assert other.returncode == 1
    assert other.stderr == (
        "error: pai runs already with another public, apiPort\nhint:  pai down, then again\n"
    )
    assert "1024" not in home.data.settings.read_text()


def test_no_secret_is_where_others_can_see_it(home: Home) -> None:
    assert home.pai("up", "-d").returncode == 0
    credentials = [home.data.credential(role).read_text() for role in ("gateway", "edge")]
    secrets = [home.token, SECRET, *credentials]
    for pid in home.pids():
        arguments = Path(f"/proc/{pid}/cmdline").read_text()
        environment = Path(f"/proc/{pid}/environ").read_text()
        assert not any(secret in arguments + environment for secret in secrets)
    logs = "".join(path.read_text() for path in home.data.logs.iterdir())
    assert not any(secret in logs for secret in secrets)
    assert home.token not in home.data.token_digest.read_text()
    files = set(home.data.root.rglob("*")) - {home.data.settings}  # the test wrote that one
    assert not [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_credentials_are_fresh_the_token_stays(home: Home) -> None:
    assert home.pai("up", "-d").returncode == 0
    token, credential = home.token, home.data.credential("gateway").read_text()
    assert home.pai("down").returncode == 0
    assert home.pai("up", "-d").returncode == 0
    assert home.token == token
    assert home.data.credential("gateway").read_text() != credential
    assert home.pai("list").returncode == 0


def test_a_killed_supervisor_leaves_nobody_and_up_works_again(home: Home) -> None:
    assert home.pai("up", "-d").returncode == 0
    pids = home.pids()
    os.kill(pids[-1], signal.SIGKILL)
    wait_for(lambda: not any(is_alive(pid) for pid in pids))
    assert not is_locked(home.data.pid_file)
    assert home.pai("up", "-d").returncode == 0
    assert home.pai("list").returncode == 0


def test_a_taken_port_is_named_with_its_holder_and_the_way_out(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.edge)):
        done = home.pai("up", "-d")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        f"error: edgePort: port {home.edge} on 127.0.0.1 is taken by "
        f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})",
        "hint:  end that process, or choose another port with --edge-port",
    ]
    assert not is_locked(home.data.pid_file)
    assert home.pids() == []


def test_without_engine_nothing_is_started(home: Home) -> None:
    done = home.pai("up", "-d", "--engine", "unix:///nonexistent.sock")
    assert done.returncode == 1
    assert "error: the container engine at /nonexistent.sock does not answer" in done.stderr
    assert home.pids() == []


def test_without_image_the_way_to_get_it_is_told(home: Home) -> None:
    home.engine.images.clear()
    done = home.pai("up", "-d")
    assert done.returncode == 1
    assert "error: Docker does not have the platform's image localhost/pai:latest" in done.stderr
    assert "make setup" in done.stderr


def test_an_old_engine_is_refused(home: Home) -> None:
    home.engine.version = "19.03.1"
    done = home.pai("up", "-d")
    assert done.returncode == 1
    assert "error: Docker 19.03.1 is too old; 20.10 is the oldest that works" in done.stderr


def test_wrong_settings_are_one_line(home: Home) -> None:
    home.data.settings.write_text("apiPrt = 1\n")
    done = home.pai("up", "-d")
    assert done.returncode == 1
    assert "settings.toml" in done.stderr
    assert "apiPrt" in done.stderr


def test_a_directory_that_can_not_be_written_is_one_line(home: Home) -> None:
    home.data.credential("edge").mkdir(parents=True)  # even root can't replace it by a file
    done = home.pai("up", "-d")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in done.stderr
    assert home.pids() == []


def test_in_the_foreground_lines_are_shown_and_ctrl_c_stops(home: Home) -> None:
    command = [sys.executable, "-m", "pai.cli", "up"]
    with subprocess.Popen(command, env=home.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops it" in line:
                break
        pids = home.pids()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        rest = process.stdout.read()
    assert any(line.startswith("   control | ") for line in [*lines, *rest.splitlines()])
    assert not any(is_alive(pid) for pid in pids)


def test_down_removes_our_containers_and_no_others(home: Home) -> None:
    assert home.pai("up", "-d").returncode == 0
    instance = str(json.loads(home.pai("version", "-o", "json").stdout)["instance"])
    home.engine.containers = [
        {"Id": "p", "Labels": {"pai.io/instance": instance, "pai.io/step": "pause"}},
        {"Id": "a", "Labels": {"pai.io/instance": instance, "pai.io/step": "agent"}},
        {"Id": "x", "Labels": {"pai.io/instance": "another", "pai.io/step": "agent"}},
    ]
    kept = home.pai("down", "--keep-agents")
    assert (kept.returncode, kept.stdout) == (0, "pai is stopped\n")
    assert len(home.engine.containers) == 3
    done = home.pai("down")
    assert done.stdout == (
        "pai was not running\n2 containers removed; volumes and resources stay\n"
    )
    assert [container["Id"] for container in home.engine.containers] == ["x"]
    removals = [path for method, path in home.engine.calls if method == "DELETE"]
    assert removals == ["/containers/a", "/containers/p"]  # the network's owner last
