"""`control_plane`, `cluster` and `platform`: one of each a run, started by who asks first."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.place import Place, place_beside, place_of_this_machine
from scripts.kubernetes.program import program_directory
from tests.cluster.stage import canaries
from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.confinement import confined_agents
from tests.cluster.stage.platform import (
    COMPONENTS,
    ELSEWHERE,
    Platform,
    give_services,
    install_platform,
    probe_agent,
)
from tests.e2e.stage.internet import open_internet
from tests.worker_groups import group_of

KEPT_LOGS = Path("build") / "cluster-logs"


def _own_place() -> Place:
    """Return the cluster's place in this run's namespaces; without them the test errors."""
    program = program_directory()
    if not program.exists():
        pytest.fail("no Kubernetes: first `python -m scripts.cluster build`", pytrace=False)
    try:
        return place_of_this_machine(program)
    except ClusterError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    """A cluster whose API server, controllers and scheduler run; perhaps it has a node too.

    One of several workers has it alone, without a node, while another has `cluster`.
    """
    place = _own_place()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place_beside(place)
    found = Cluster(place)
    found.up(node=False)
    yield found
    keep_logs(place.logs)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with a node that has our images."""
    found = Cluster(_own_place())
    found.up(node=True)
    yield found
    keep_logs(found.logs)


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


@pytest.fixture(scope="session")
def probe(platform: Platform) -> str:
    """An agent `probe` with a volume, in a namespace of those who search for keys."""
    platform.kubectl("create", "namespace", canaries.SPACE)
    give_services(platform, canaries.SPACE)
    platform.start(probe_agent("probe", stateful=True), namespace=canaries.SPACE)
    return "probe"


@pytest.fixture(scope="session")
def places(platform: Platform) -> dict[str, dict[str, object]]:
    """Agents `probe` and `victim`: with packet rules in `default`, without them in `strict`.

    What attempts have to know of each place, by namespace.
    """
    return confined_agents(platform)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of the installed platform last: other tests bring controls of their own."""
    items.sort(key=_needs_the_platform)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse the cluster of another worker: two would start it, each for itself."""
    wanted = {"control plane": "control_plane", "cluster": "cluster"}[group_of(item.nodeid, [])]
    asked = {"control_plane", "cluster"} & set(getattr(item, "fixturenames", ()))
    if not asked <= {wanted}:
        pytest.fail(
            f"this file's fixture is `{wanted}`: tests/worker_groups.py tells who needs no node",
            pytrace=False,
        )


def _needs_the_platform(item: pytest.Item) -> bool:
    named = isinstance(item, pytest.Function) and "platform" in item.fixturenames
    return named and Path(__file__).parent in item.path.parents


def keep_logs(logs: Path) -> None:
    """Copy the parts' logs to where a person finds them after a failed run."""
    kept = KEPT_LOGS / logs.parent.name
    kept.mkdir(parents=True, exist_ok=True)
    for log in logs.glob("*.log"):
        (kept / log.name).write_bytes(log.read_bytes())
