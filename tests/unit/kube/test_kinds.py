"""Paths of API objects."""

import pytest

from pai.kube.kinds import (
    AGENT_WORKLOADS,
    NAMESPACES,
    PODS,
    Kind,
    kind_of,
)


@pytest.mark.parametrize(
    ("kind", "place", "path"),
    [
        (PODS, ("team", "a"), "/api/v1/namespaces/team/pods/a"),
        (PODS, ("team", "a", "log"), "/api/v1/namespaces/team/pods/a/log"),
        (PODS, (None,), "/api/v1/pods"),
        (NAMESPACES, ("team", "a"), "/api/v1/namespaces/a"),
        (AGENT_WORKLOADS, ("team",), "/apis/pai.io/v1/namespaces/team/agentworkloads"),
        (PODS, ("../x", "a/b"), "/api/v1/namespaces/..%2Fx/pods/a%2Fb"),
    ],
)
def test_paths(kind: Kind, place: tuple[str, ...], path: str) -> None:
    assert kind.path(*place) == path


def test_kinds_are_found_by_what_objects_say() -> None:
    assert kind_of({"apiVersion": "v1", "kind": "Pod"}) == PODS
    with pytest.raises(LookupError):
        kind_of({"apiVersion": "v1", "kind": "Nothing"})
