"""`control_plane` and `cluster`: one Kubernetes a run, started by the first test that asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.place import place_of_this_machine
from scripts.kubernetes.program import program_directory
from tests.cluster.stage.cluster import Cluster

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


def keep_logs(logs: Path) -> None:
    """Copy the parts' logs to where a person finds them after a failed run."""
    KEPT_LOGS.mkdir(parents=True, exist_ok=True)
    for log in logs.glob("*.log"):
        (KEPT_LOGS / log.name).write_bytes(log.read_bytes())
