"""Kill -9 of each part of a platform that runs: nothing reported is lost, all comes back.

Control alone, fifty times and at finer points: test_control_crash.py.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.e2e.conftest import keep_logs
from tests.e2e.stage.faults import agent, containers, engine_objects, errors_of, resources
from tests.e2e.stage.installation import Platform, agent_yaml, secrets_yaml, services_yaml
from tests.e2e.stage.internet import Internet

pytestmark = pytest.mark.engine

KILLS = 5  # the supervisor waits longer after each
CHAT = """
import openai
answer = openai.OpenAI().chat.completions.create(
    model="gpt", messages=[{"role": "user", "content": "words=3"}])
print(answer.choices[0].message.content)
"""


@pytest.fixture(scope="module")
def victim(
    engine: tuple[str, str], world: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform with an agent at work, for these tests alone."""
    name, url = engine
    started = Platform(tmp_path_factory.mktemp(f"victim-{name}"), name, url, world)
    started.write_settings()
    started.up()
    started.apply(secrets_yaml(world) + services_yaml())
    started.apply(agent_yaml("worker"), "--wait", "--timeout", "90")
    yield started
    started.down()
    keep_logs(started, Path("build") / f"e2e-crash-{name}")


def chats(platform: Platform) -> bool:
    """Say whether the agent gets an answer of its model."""
    status, _, body = platform.request("worker", "/run", CHAT.encode())
    return status == 200 and body.split() == [b"w0", b"w1", b"w2"]


def kill(platform: Platform, process: str) -> None:
    """Kill a process of the platform and wait until the supervisor has started it again."""
    pid = platform.processes()[process]
    os.kill(pid, signal.SIGKILL)
    platform.until(
        lambda: platform.processes().get(process, pid) != pid, f"{process} is started again"
    )


@pytest.mark.parametrize("process", ["gateway-0", "gateway-1", "edge-0", "control"])
def test_a_killed_process_is_started_again(victim: Platform, process: str) -> None:
    before = resources(victim), container_ids(victim)
    kill(victim, process)
    victim.until(lambda: answers(victim), "control answers")
    victim.until(lambda: chats(victim), "the agent chats again")
    assert (resources(victim), container_ids(victim)) == before
    assert victim.wait_for_phase("worker", "Running")["status"]["readyReplicas"] == 1


def container_ids(platform: Platform) -> set[str]:
    """Return the ids of all containers of the platform."""
    return set(engine_objects(platform, "ps", "--all", "--quiet"))


def answers(platform: Platform) -> bool:
    """Say whether control answers now."""
    return platform.pai("list", check=False).returncode == 0


@pytest.mark.parametrize("step", ["sidecar", "agent", "pause"])
def test_a_killed_container_is_started_again(victim: Platform, step: str) -> None:
    [name] = [name for name in containers(victim) if name.endswith(f"-worker-0-{step}")]
    started = started_at(victim, name)
    victim.engine_command("kill", "--signal", "KILL", name)
    victim.until(lambda: started_at(victim, name) not in ("", started), f"{step} runs anew")
    victim.until(lambda: chats(victim), "the agent chats again")
    status = victim.wait_for_phase("worker", "Running")["status"]
    assert status["readyReplicas"] == 1
    assert len(containers(victim)) == 5
    events = victim.pai("describe", "agent", "worker").stdout
    assert ("NetworkLost" if step == "pause" else "137") in events


def started_at(platform: Platform, name: str) -> str:
    """Return when the container was started, "" while it does not run."""
    shape = "{{if .State.Running}}{{.State.StartedAt}}{{end}}"
    return platform.engine_command("inspect", "--format", shape, name).strip()


def test_nothing_outlives_a_killed_supervisor(victim: Platform) -> None:
    before = resources(victim), container_ids(victim)
    supervisor = json.loads((victim.data / "run" / "pai.pid").read_text())["supervisor"]["pid"]
    known = victim.processes()
    assert {"control", "gateway-0", "gateway-1", "edge-0"} <= known.keys()
    os.kill(supervisor, signal.SIGKILL)
    victim.until(lambda: not victim.processes(), "all processes ended", 15)
    victim.up()
    victim.wait_for_phase("worker", "Running")
    victim.until(lambda: chats(victim), "the agent chats again")
    assert (resources(victim), container_ids(victim)) == before


WITH_DATA = "  volumes: [{name: data, mountPath: /data, size: 1Gi}]\n"


def test_data_goes_only_when_asked_for_also_when_control_dies(victim: Platform) -> None:
    text = agent("keeper", WITH_DATA)
    victim.apply(text, "--wait", "--timeout", "90")
    victim.pai("exec", "keeper", "--", "sh", "-c", "echo kept > /data/file")
    volumes = data_volumes(victim)
    assert len(volumes) == 1
    delete_while_control_dies(victim, "keeper")
    assert data_volumes(victim) == volumes
    victim.apply(text, "--wait", "--timeout", "90")
    assert victim.pai("exec", "keeper", "--", "cat", "/data/file").stdout == "kept\n"
    delete_while_control_dies(victim, "keeper", "--volumes")
    assert data_volumes(victim) == []
    assert by_agent(victim) == Counter(worker=1)


def delete_while_control_dies(platform: Platform, name: str, *more: str) -> None:
    """Delete an agent; control is killed once meanwhile, the command bears it or is repeated."""
    process = start(platform, "", "delete", "agent", name, "--wait", *more)
    time.sleep(random.uniform(0.3, 1.5))
    kill(platform, "control")
    reported = finished(process)
    platform.until(lambda: answers(platform), "control answers")
    if not reported:  # killed before it was asked, or it could not answer any more
        platform.pai("delete", "agent", name, "--wait", *more, check=name in agents(platform))


def data_volumes(platform: Platform) -> list[str]:
    """Return the names of the volumes that hold agents' data."""
    names = engine_objects(platform, "volume", "ls", "--format", "{{.Name}}")
    return [name for name in names if "-data." in name]


Wanted = int | None  # replicas; None = there is no such agent


@dataclass
class Ledger:
    """What commands have reported, by agent; more than one state where none was reported."""

    possible: dict[str, set[Wanted]] = field(default_factory=dict)

    def note(self, name: str, wish: Wanted, *, reported: bool) -> None:
        """Remember a command's end."""
        self.possible[name] = {wish} if reported else self.possible.get(name, {None}) | {wish}


def test_no_reported_write_is_lost_when_control_dies(victim: Platform) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    dice, told = random.Random(seed), Ledger()
    for _ in range(KILLS):
        running = [begin(victim, dice) for _ in range(2)]
        time.sleep(dice.uniform(0.0, 1.2))
        kill(victim, "control")
        for name, wish, process in running:
            told.note(name, wish, reported=finished(process))
    victim.until(lambda: answers(victim), "control answers")
    written = {name: spec for name, spec in agents(victim).items() if name != "worker"}
    for name, possible in told.possible.items():
        assert written.get(name) in possible, (seed, name, possible)
    for name, replicas in written.items():
        victim.wait_for_phase(name, "Running" if replicas else "Pending", 120)
    expected = Counter({name: count for name, count in written.items() if count} | {"worker": 1})
    victim.until(lambda: by_agent(victim) == expected, f"only {expected}", 90)
    assert data_volumes(victim) == []
    assert len(engine_objects(victim, "network", "ls", "--quiet")) == 1
    for name in written:
        victim.pai("delete", "agent", name, "--wait", "--volumes")
    assert by_agent(victim) == Counter(worker=1)


def begin(platform: Platform, dice: random.Random) -> tuple[str, Wanted, "subprocess.Popen[str]"]:
    """Begin a random command on an agent of its own; return what it wants."""
    name, wish = f"leaf-{dice.randrange(1 << 16):x}", dice.choice((0, 1, 2))
    text = agent(name, f"  replicas: {wish}\n")
    return name, wish, start(platform, text, "apply", "-f", "-")


def start(platform: Platform, text: str, *args: str) -> "subprocess.Popen[str]":
    """Start a command with `text` as its input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pai.cli", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=platform.env,
    )
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.close()
    process.stdin = None
    return process


def finished(process: "subprocess.Popen[str]") -> bool:
    """Return whether the command reported success; a failure must be one clear line."""
    out, err = process.communicate(timeout=60)
    if process.returncode:
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
        assert len(errors_of(done)) == 1
    return process.returncode == 0


def agents(platform: Platform) -> dict[str, int]:
    """Return the replicas of every agent there is and is to stay."""
    with platform.api() as http:
        items = http.get("/api/v1/namespaces/default/agentworkloads").json()["items"]
    return {
        item["metadata"]["name"]: item["spec"].get("replicas", 1)
        for item in items
        if "deletionTimestamp" not in item["metadata"]
    }


def by_agent(platform: Platform) -> Counter[str]:
    """Return how many agent containers run for each agent; an agent without one counts 0."""
    shape = '{{.Label "pai.io/agent"}}/{{.Label "pai.io/step"}}'
    lines = engine_objects(platform, "ps", "--all", "--format", shape)
    counts = Counter[str]()
    for line in lines:
        name, _, step = line.partition("/")
        counts[name] += step == "agent"
    return counts
