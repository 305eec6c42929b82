"""Which tests share a worker."""

import pytest
from tests.worker_groups import group_of


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/cluster/test_cluster.py::test_x[docker]", "cluster"),
        ("tests/cluster/test_kube.py::test_x", "control plane"),
        ("tests/e2e/test_spine.py::test_x[podman]", "podman"),
        ("tests/contract/test_prepare.py::test_x[docker-tls-8443]", "docker"),
        ("tests/unit/test_x.py::test_y[dockerfile]", "tests/unit/test_x.py::test_y[dockerfile]"),
        ("tests/unit/test_x.py::test_docker", "tests/unit/test_x.py::test_docker"),
    ],
)
def test_what_is_shared_says_the_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid, ["docker", "podman"]) == group
