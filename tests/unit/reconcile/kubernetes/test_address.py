"""The load balancer's address, once the cluster has given one."""

from typing import Any

import pytest
from tests.fakes.cluster_objects import owned

from pai.reconcile.kubernetes import Json, public_address


def balancer(*ingress: dict[str, Any]) -> Json:
    spec = {"type": "LoadBalancer", "ports": [{"port": 3000}]}
    status = {"loadBalancer": {"ingress": list(ingress)} if ingress else {}}
    return owned("Service", "pai-writer", spec=spec, status=status)


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], ""),
        ([owned("Service", "pai-writer-pods", spec={"clusterIP": "None"})], ""),
        ([balancer()], ""),
        ([balancer({"ip": "203.0.113.7"})], "203.0.113.7:3000"),
        ([balancer({"ip": "2001:db8::7"})], "[2001:db8::7]:3000"),
        ([balancer({"hostname": "lb.example"})], "lb.example:3000"),
    ],
)
def test_table(objects: list[Json], expected: str) -> None:
    assert public_address(objects) == expected
