"""`control_plane`, `cluster` and `platform`: one of each a run, started by who asks first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.place import place_of_this_machine
from scripts.kubernetes.program import program_directory
from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.platform import COMPONENTS, ELSEWHERE, Platform, install_platform
from tests.e2e.stage.internet import open_internet

KEPT_LOGS = Path("build") / "cluster-logs"


@pytest.fixture(scope="session")
def _own_cluster() -> Iterator[Cluster]:
    """The cluster of this run's namespaces, perhaps not running; without them the test errors."""
    program = program_directory()
    if not program.exists():
        pytest.fail("no Kubernetes: first `python -m scripts.cluster build`", pytrace=False)
    try:
        place = place_of_this_machine(program)
    except ClusterError as error:
        pytest.fail(str(error), pytrace=False)
    yield Cluster(place)
    keep_logs(place.logs)


@pytest.fixture(scope="session")
def control_plane(_own_cluster: Cluster) -> Cluster:
    """A cluster whose API server, controllers and scheduler run; perhaps it has a node too."""
    _own_cluster.up(node=False)
    return _own_cluster


@pytest.fixture(scope="session")
def cluster(_own_cluster: Cluster) -> Cluster:
    """A cluster with a node that has our images."""
    _own_cluster.up(node=True)
    return _own_cluster


@pytest.fixture(scope="session")
def platform(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform as pods, and an internet of its own; see `tests.cluster.stage.platform`."""
    world = open_internet(tmp_path_factory.mktemp("world"))
    try:
        for address in ELSEWHERE:
            world.also_at(address)
        installed = install_platform(cluster, tmp_path_factory.mktemp("home"), world)
        yield installed
        for component in COMPONENTS:
            KEPT_LOGS.mkdir(parents=True, exist_ok=True)
            (KEPT_LOGS / f"pai-{component}.log").write_text(installed.logs(component))
    finally:
        world.close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of the installed platform last: other tests bring controls of their own."""
    items.sort(key=_needs_the_platform)


def _needs_the_platform(item: pytest.Item) -> bool:
    named = isinstance(item, pytest.Function) and "platform" in item.fixturenames
    return named and Path(__file__).parent in item.path.parents


def keep_logs(logs: Path) -> None:
    """Copy the parts' logs to where a person finds them after a failed run."""
    KEPT_LOGS.mkdir(parents=True, exist_ok=True)
    for log in logs.glob("*.log"):
        (KEPT_LOGS / log.name).write_bytes(log.read_bytes())
