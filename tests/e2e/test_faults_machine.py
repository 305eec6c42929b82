"""The machine's own faults: the engine stops while agents run, and the disk is full."""

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.stage.engine_of_ours import OwnDocker
from tests.e2e.stage.faults import agent, containers, resources, the_error
from tests.e2e.stage.installation import Platform, agent_yaml, secrets_yaml, services_yaml
from tests.e2e.stage.internet import Internet

pytestmark = pytest.mark.engine


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[OwnDocker]:
    """A Docker that nobody else uses, with the images."""
    home = tmp_path / "docker"
    home.mkdir()
    made = OwnDocker(home)
    try:
        made.start()
        made.build_images()
        yield made
    finally:
        made.remove()


def test_the_engine_stops_and_comes_back(
    docker: OwnDocker, world: Internet, tmp_path: Path
) -> None:
    platform = Platform(tmp_path / "pai", "docker", docker.url, world)
    platform.write_settings()
    platform.up()
    try:
        platform.apply(secrets_yaml(world) + services_yaml())
        platform.apply(agent_yaml("steady"), "--wait", "--timeout", "90")
        nothing_is_left_by_down(platform)
        before = resources(platform)
        docker.stop()
        the_engine_is_missed(platform, docker)
        assert resources(platform) == before
        late = platform.apply(agent("late"), "--wait", "--timeout", "3", check=False)
        error, hint = the_error(late)  # the wish is taken nevertheless
        assert docker.url.removeprefix("unix://") in error
        assert hint == "pai status late"
        docker.start()
        platform.wait_for_phase("late", "Running", 120)
        platform.until(lambda: served(platform, "steady"), "the agent serves again", 120)
        platform.wait_for_phase("steady", "Running")
        assert "out of reach" not in platform.pai("status", "steady").stdout
        assert {name.split("-")[2] for name in containers(platform)} == {"steady", "late"}
        down_without_engine(platform, docker)
    finally:
        platform.down()


def the_engine_is_missed(platform: Platform, docker: OwnDocker) -> None:
    """Check what is said while the engine is away."""
    path = docker.url.removeprefix("unix://")

    def told() -> bool:
        status = platform.status("steady")["status"]
        ready = [c for c in status["conditions"] if c["type"] == "Ready"]
        return ready[0]["reason"] == "EngineUnavailable" and path in status["message"]

    platform.until(told, "the status tells that the engine is away", 90)
    shown = platform.pai("status", "steady").stdout
    assert "the container engine is out of reach" in shown
    for command in (("logs", "steady"), ("exec", "steady", "--", "true")):
        error, hint = the_error(platform.pai(*command, check=False))
        assert path in error
        assert "pai doctor" in hint
    checked = platform.pai("doctor", check=False)
    assert checked.returncode == 1
    assert path in checked.stdout


def nothing_is_left_by_down(platform: Platform) -> None:
    """Check that `pai down` leaves no container, and of volumes those that are ours by name."""
    assert containers(platform)
    platform.pai("down")
    assert platform.engine_command("ps", "--all", "--quiet") == ""
    left = platform.engine_command("volume", "ls", "--quiet").split()
    assert [name for name in left if not name.startswith(f"pai-{platform.instance}-")] == []
    platform.up()
    platform.wait_for_phase("steady", "Running", 90)


def down_without_engine(platform: Platform, docker: OwnDocker) -> None:
    """Check that `pai down` ends what it can, says what it can't, and tidies up later."""
    docker.stop()
    error, _ = the_error(platform.pai("down", check=False))
    assert "the processes are stopped, the agents' containers are not" in error
    assert platform.processes() == {}
    docker.start()
    platform.pai("down")
    assert containers(platform) == set()


def served(platform: Platform, name: str) -> bool:
    """Say whether the agent answers at its URL."""
    return platform.request(name, "/hello")[0] == 200


@pytest.fixture
def small(engine: tuple[str, str], world: Internet, tmp_path: Path) -> Iterator[Platform]:
    """A platform whose data directory is a disk of 16 MB."""
    platform = Platform(tmp_path, *engine, world)
    platform.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", str(platform.data)]
    subprocess.run(mount, check=True)
    try:
        platform.write_settings()
        platform.up()
        yield platform
    finally:
        filling(platform).unlink(missing_ok=True)
        platform.down()
        subprocess.run(["umount", "-l", str(platform.data)], check=True)


def filling(platform: Platform) -> Path:
    """Return the file that takes the room."""
    return platform.data / "filling"


def fill(platform: Platform) -> None:
    """Leave no room on the disk."""
    with filling(platform).open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC
                    break


def with_text(name: str, size: int) -> str:
    """An agent with that many bytes of configuration."""
    content = "\n".join(f"      {'t' * 90}" for _ in range(size // 91))
    return agent(name, f"  configFiles:\n  - path: /tmp/long\n    content: |\n{content}\n")


def test_a_full_disk(small: Platform) -> None:
    small.apply(agent("before"), "--wait", "--timeout", "60")
    pids = small.processes()
    fill(small)
    before = resources(small)
    # As long as the write-ahead log has room left for it, a write may still succeed.
    texts = [with_text(f"big{number}", 900_000) for number in range(6)]
    error, hint = the_error(small.apply("---".join(texts), check=False))
    assert error == "no space left on the disk that holds pai.db"
    assert hint == "free some space and repeat"
    assert resources(small) == before
    error, _ = the_error(small.pai("create", "-f", "-", stdin=texts[0], check=False))
    assert "no space left" in error
    assert resources(small) == before
    assert "Running" in small.pai("list").stdout
    checked = small.pai("doctor", check=False)
    assert checked.returncode == 1
    assert "disk space" in checked.stdout
    assert small.processes() == pids, "nobody ended for want of space"
    filling(small).unlink()
    small.apply(agent("after"), "--wait", "--timeout", "60")
    small.pai("delete", "agent", "before", "--wait")
    assert {name.split("-")[2] for name in containers(small)} == {"after"}
    small.down()
    fill(small)
    error, _ = the_error(small.pai("up", "-d", check=False))
    assert "no space left" in error.lower()
    assert small.processes() == {}
    filling(small).unlink()
    small.up()
    small.wait_for_phase("after", "Running")
