import sys
from pathlib import Path

from pai.cli.locations import DataDir
from pai.cli.supervisor.plan import child_environment, children, listeners
from pai.ir.settings import Settings

DATA = DataDir(Path("/data"))


def test_every_process_and_its_command() -> None:
    settings = Settings(gateway_workers=2, edge_workers=1)
    commands = {item.name: item.command for item in children(settings, DATA, "172.20.0.1")}
    python = (sys.executable, "-m")
    listen = ("--listen", "127.0.0.1:8000", "--listen", "172.20.0.1:8000")
    edge = ("--listen", "127.0.0.1:8090")
    assert commands == {
        "control": (*python, "pai.control", "--data", "/data"),
        "gateway-0": (*python, "pai.gateway", "--data", "/data", "--worker", "0", *listen),
        "gateway-1": (*python, "pai.gateway", "--data", "/data", "--worker", "1", *listen),
        "edge-0": (*python, "pai.edge", "--data", "/data", "--worker", "0", *edge),
    }


def test_control_is_stopped_last() -> None:
    stages = {item.name: item.stage for item in children(Settings(), DATA, None)}
    assert min(stages, key=lambda name: stages[name]) == "control"
    assert list(stages.values()).count(stages["control"]) == 1


def test_public_moves_the_edge_alone() -> None:
    assert [address for address, _, _ in listeners(Settings(public=True), None)] == [
        "127.0.0.1",
        "127.0.0.1",
        "0.0.0.0",
    ]
    edge = children(Settings(public=True), DATA, None)[-1]
    assert edge.command[-2:] == ("--listen", "0.0.0.0:8090")


def test_keys_of_the_users_shell_stay_there() -> None:
    own = {"PATH": "/bin", "OPENAI_API_KEY": "sk-canary", "DOCKER_HOST": "unix:///x", "X": "y"}
    wanted = {"PATH": "/bin", "DOCKER_HOST": "unix:///x", "PYTHONUNBUFFERED": "1"}
    assert child_environment(own) == wanted
