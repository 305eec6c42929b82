"""Why no pods are made: from a Deployment's status, or a StatefulSet's Events."""

from typing import Any

from tests.fakes.cluster_objects import owned, stored

from pai.control.kubernetes.refusals import Refusals
from pai.ir.agent import AgentKey

KEY = AgentKey("team", "writer")


class Events:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def list(self, _kind: Any, namespace: str, *, fields: str) -> tuple[list[Any], str]:
        self.asked.append(f"{namespace} {fields}")
        return [
            {"message": "older", "lastTimestamp": "2026-03-01T12:00:00Z"},
            {"message": "newer", "lastTimestamp": "2026-03-01T12:00:05Z"},
            {"message": "without a time", "lastTimestamp": None},
        ], "1"


async def test_a_deployment_says_it_itself() -> None:
    workload = stored(owned("Deployment", "writer", spec={}))
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    workload["status"]["conditions"] = [{"type": "Available", "status": "False"}, failure]
    events = Events()
    refusals = Refusals(events, lambda: 0.0)  # type: ignore[arg-type]
    assert await refusals.of(KEY, [workload]) == ("exceeded quota",)
    assert events.asked == []


async def test_a_stateful_sets_events_are_read_seldom() -> None:
    events, now = Events(), [100.0]
    refusals = Refusals(events, lambda: now[0])  # type: ignore[arg-type]
    workload = stored(owned("StatefulSet", "writer", spec={}))
    for moment in (100.0, 105.0, 111.0):
        now[0] = moment
        assert (await refusals.of(KEY, [workload]))[0] == "newer"
    assert events.asked == ["team involvedObject.uid=u1,reason=FailedCreate"] * 2
    assert await refusals.of(KEY, []) == ()
