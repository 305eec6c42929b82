"""The world and one platform an engine, shared by the end-to-end tests of a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.stage.installation import Platform, agent_yaml, secrets_yaml, services_yaml
from tests.e2e.stage.internet import Internet, open_internet


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """A namespace that stands for the internet."""
    opened = open_internet(tmp_path_factory.mktemp("world"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def platform(
    engine: tuple[str, str], world: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform on each engine, with the canary secrets, a model and a service."""
    name, url = engine
    started = Platform(tmp_path_factory.mktemp(f"pai-{name}"), name, url, world)
    started.write_settings()
    started.up()
    started.apply(secrets_yaml(world) + services_yaml())
    yield started
    started.down()
    keep_logs(started, Path("build") / f"e2e-{name}")


@pytest.fixture(scope="session")
def probe(platform: Platform) -> str:
    """A running probe agent's name."""
    platform.apply(agent_yaml("probe"), "--wait", "--timeout", "60")
    return "probe"


def keep_logs(platform: Platform, target: Path) -> None:
    """Copy the platform's logs where a person finds them after a failed run."""
    target.mkdir(parents=True, exist_ok=True)
    for log in (platform.data / "logs").glob("*.log"):
        (target / log.name).write_bytes(log.read_bytes())
