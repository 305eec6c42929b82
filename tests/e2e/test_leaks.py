"""The leak oracle: canary keys are searched for everywhere an agent or a reader could look."""

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.stage.installation import Platform
from tests.e2e.test_spine import CHAT, NOTES, STREAM

pytestmark = pytest.mark.engine

ECHO = """
import json, os, openai, urllib.request
client = openai.OpenAI()
raw = client.chat.completions.with_raw_response.create(
    model="gpt", messages=[{"role": "user", "content": "echo-headers"}])
print(dict(raw.headers), raw.text)
for chunk in client.chat.completions.create(
    model="gpt", messages=[{"role": "user", "content": "echo-headers"}], stream=True):
    print(chunk)
request = urllib.request.Request("https://api.notes.test/echo?a=1", data=b"body", headers={
    "authorization": "Bearer " + os.environ["NOTES_TOKEN"], "accept-encoding": "gzip"})
with urllib.request.urlopen(request, timeout=10) as answer:
    print(dict(answer.headers), answer.read())
"""

# walks everything the agent can read and prints the paths that hold a needle; needle and data are
# compared reversed, so that neither the search nor its memory holds what it looks for
WALK = """
import os
needles = [n.encode() for n in {needles!r}]
def search(path):
    try:
        if os.path.getsize(path) > 64 << 20: return
        with open(path, "rb") as f: data = f.read(64 << 20)[::-1]
    except OSError: return
    if any(n in data for n in needles): print(path)
for top, dirs, files in os.walk("/"):
    if top == "/": dirs[:] = [d for d in dirs if d not in ("proc", "sys")]
    for name in files:
        path = os.path.join(top, name)
        if os.path.isfile(path) and not os.path.islink(path): search(path)
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline"):
        search("/proc/" + pid + "/" + name)
        try:
            data = open("/proc/" + pid + "/" + name, "rb").read()[::-1]
        except OSError: continue
        if any(n in data for n in needles): print("/proc", pid, name)
print("walked")
"""


@pytest.fixture(scope="module")
def canaries(platform: Platform) -> tuple[str, str]:
    """The values that must be found nowhere."""
    return platform.world.llm_key, platform.world.notes_key


@pytest.fixture(scope="module", autouse=True)
def used(platform: Platform, probe: str) -> str:
    """Use both keys in every way first; return all that the agent got to see."""
    return "".join(platform.run_in(probe, code) for code in (CHAT, STREAM, NOTES, ECHO))


def assert_clean(where: str, data: bytes | str, canaries: tuple[str, ...]) -> None:
    """Fail without printing the canary itself."""
    raw = data if isinstance(data, bytes) else data.encode()
    found = [index for index, canary in enumerate(canaries) if canary.encode() in raw]
    assert found == [], f"canary {found} in {where}"


def test_not_in_what_the_agent_received(used: str, canaries: tuple[str, str]) -> None:
    assert "x-echo" in used.lower()
    assert "Traceback" not in used
    assert_clean("responses", used, canaries)


def test_not_in_what_the_agent_can_read(
    platform: Platform, probe: str, canaries: tuple[str, str]
) -> None:
    reversed_needles = [canary[::-1] for canary in canaries]
    printed = platform.run_in(probe, WALK.replace("{needles!r}", repr(reversed_needles)))
    assert printed.splitlines() == ["walked"]


def test_not_in_any_command_s_output(
    platform: Platform, probe: str, canaries: tuple[str, str]
) -> None:
    commands = [
        ("status", probe, "-o", "json"),
        ("status", probe),
        ("describe", "agent", probe),
        ("get", "secrets", "-o", "yaml"),
        ("get", "models", "-o", "yaml"),
        ("get", "services", "-o", "yaml"),
        ("get", "agents", "-o", "json"),
        ("describe", "secret", "llm-key"),
        ("audit", probe, "-o", "json"),
        ("usage",),
        ("logs", probe),
        ("logs", probe, "--container", "sidecar"),
        ("doctor",),
    ]
    for command in commands:
        done = platform.pai(*command, check=False)
        assert done.stdout, command
        assert_clean(" ".join(command), done.stdout + done.stderr, canaries)


def test_not_in_the_data_directory(platform: Platform, canaries: tuple[str, str]) -> None:
    files = [path for path in platform.home.rglob("*") if path.is_file()]
    assert any(path.name == "pai.db" for path in files)
    assert any(path.suffix == ".log" for path in files)
    for path in files:
        assert_clean(str(path), path.read_bytes(), canaries)


def containers(platform: Platform) -> list[str]:
    """Return the ids of the probe's containers."""
    ids = platform.engine_command("ps", "-aq", "--filter", "label=pai.io/agent=probe").split()
    assert len(ids) >= 3
    return ids


def test_not_in_what_the_engine_shows(platform: Platform, canaries: tuple[str, str]) -> None:
    for container in containers(platform):
        assert_clean("inspect", platform.engine_command("inspect", container), canaries)
        assert_clean("logs", platform.engine_command("logs", container), canaries)
        exported = subprocess.run(
            ["docker", "-H", platform.engine_url, "export", container],
            capture_output=True,
            check=False,
        ).stdout
        assert_clean("file system of a container", exported, canaries)


def test_not_in_any_volume(platform: Platform, canaries: tuple[str, str]) -> None:
    volumes = platform.engine_command("volume", "ls", "-q").split()
    mine = [name for name in volumes if "probe" in name]
    assert mine
    for name in mine:
        place = Path(
            json.loads(platform.engine_command("volume", "inspect", name))[0]["Mountpoint"]
        )
        for path in place.rglob("*"):
            if path.is_file():
                assert_clean(f"volume {name}", path.read_bytes(), canaries)


def processes() -> Iterator[tuple[int, bytes, bytes]]:
    """Yield (pid, cmdline, environ) of every process of this machine."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield (
                    int(entry.name),
                    (entry / "cmdline").read_bytes(),
                    (entry / "environ").read_bytes(),
                )
            except OSError:
                continue


def test_not_in_arguments_or_environments(canaries: tuple[str, str]) -> None:
    for pid, cmdline, environ in processes():
        assert_clean(f"cmdline of {pid}", cmdline, canaries)
        assert_clean(f"environ of {pid}", environ, canaries)


def memory_holds(pid: int, needle: bytes) -> bool:
    """Say whether a process has `needle` in its writable memory; one that has ended has none."""
    try:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            areas = Path(f"/proc/{pid}/maps").read_text().splitlines()
            return any(_area_holds(memory, line, needle) for line in areas)
    except (FileNotFoundError, ProcessLookupError):
        return False


def _area_holds(memory: io.FileIO, line: str, needle: bytes) -> bool:
    area, mode = line.split()[:2]
    if not mode.startswith("rw") or "[vv" in line:
        return False
    start, end = (int(part, 16) for part in area.split("-"))
    try:
        memory.seek(start)
        return needle in memory.read(min(end - start, 256 << 20))
    except (OSError, ValueError, OverflowError):
        return False


def pids_of(*words: str) -> list[int]:
    """Return processes whose command line has all these words."""
    return [
        pid for pid, cmdline, _ in processes() if all(word.encode() in cmdline for word in words)
    ]


def test_only_the_processes_that_may_hold_a_key_have_it_in_memory(
    platform: Platform, canaries: tuple[str, str]
) -> None:
    llm, notes = (canary.encode() for canary in canaries)
    data = str(platform.data)
    agents = pids_of("/home/probe/probe.py")
    edges = pids_of("pai.edge", data)
    gateways = pids_of("pai.gateway", data)
    assert agents
    assert edges
    assert gateways
    assert any(memory_holds(pid, llm) for pid in gateways), "the search itself must work"
    assert not any(memory_holds(pid, notes) for pid in gateways)
    for pid in agents + edges:
        assert not memory_holds(pid, llm), pid
        assert not memory_holds(pid, notes), pid
