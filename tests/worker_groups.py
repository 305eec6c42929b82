"""Which tests share a worker, when there are several: those that share an engine or the cluster.

Said by a scheduler of our own: pytest-xdist's groups travel in a node's id, which newer pytests
no longer let it change.
"""

import os

import pytest
from tests.engine_fixture import VARIABLE, named_engines
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


def group_of(nodeid: str, engines: list[str]) -> str:
    """Return what a test shares: an engine's name, `cluster`, `clients`, or only itself."""
    for shared in ("cluster", "clients"):
        if nodeid.startswith(f"tests/{shared}/"):
            return shared
    _, _, parameters = nodeid.partition("[")
    first = parameters.rstrip("]").partition("-")[0]
    return first if first in engines else nodeid


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives all tests of a group to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        engines = [name for name, _ in named_engines(os.environ.get(VARIABLE, ""))]
        return group_of(nodeid, engines)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling | None:
    """Take the place of `--dist loadgroup`."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
