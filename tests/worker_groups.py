"""Which tests share a worker, when there are several: those that share an engine or a cluster.

Said by a scheduler of our own: pytest-xdist's groups travel in a node's id, which newer pytests
no longer let it change.
"""

import os

import pytest
from tests.engine_fixture import VARIABLE, named_engines
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

CLUSTER = "tests/cluster/"
LONGEST_FIRST = ("podman", "cluster", "docker", "control plane")
# These need no node: they have a control plane of their own, beside the cluster of the others.
CONTROL_PLANE_FILES = frozenset(
    {
        "test_cli.py",
        "test_control.py",
        "test_control_crash.py",
        "test_control_plane.py",
        "test_crds.py",
        "test_install.py",
        "test_kube.py",
        "test_kube_faults.py",
        "test_store.py",
    }
)


def group_of(nodeid: str, engines: list[str]) -> str:
    """Return what a test shares: an engine's name, a cluster's, `clients`, or only itself."""
    if nodeid.startswith(CLUSTER):
        file = nodeid.removeprefix(CLUSTER).partition("::")[0]
        return "control plane" if file in CONTROL_PLANE_FILES else "cluster"
    if nodeid.startswith("tests/clients/"):
        return "clients"
    _, _, parameters = nodeid.partition("[")
    first = parameters.rstrip("]").partition("-")[0]
    return first if first in engines else nodeid


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives all tests of a group to one worker, and the longest groups before anything else."""

    def _split_scope(self, nodeid: str) -> str:
        engines = [name for name, _ in named_engines(os.environ.get(VARIABLE, ""))]
        return group_of(nodeid, engines)

    def _assign_work_unit(self, node: WorkerController) -> None:
        waiting = [name for name in LONGEST_FIRST if name in self.workqueue]
        if waiting:
            self.workqueue.move_to_end(waiting[0], last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling | None:
    """Take the place of `--dist loadgroup`."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
