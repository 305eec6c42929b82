from typing import Any

import pytest
from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

from pai.cli.waiting import progress

AGENT_YAML = """
apiVersion: pai.io/v1
kind: AgentWorkload
metadata: {name: a}
spec: {image: i}
"""


def agent(ready: int, phase: str = "Running", **more: Any) -> dict[str, Any]:
    status = {"phase": phase, "readyReplicas": ready, "replicas": 1, "observedGeneration": 1}
    return {
        "apiVersion": "pai.io/v1",
        "kind": "AgentWorkload",
        "metadata": {"name": "a", "generation": more.pop("generation", 1)},
        "spec": {"image": "i", **more.pop("spec", {})},
        "status": {**status, **more},
    }


def refused(reason: str) -> list[dict[str, str]]:
    return [{"type": "Accepted", "status": "False", "reason": reason, "message": "m"}]


@pytest.mark.parametrize(
    ("found", "done", "failed"),
    [
        (agent(1), True, False),
        (agent(0, "Pending"), False, False),
        (agent(0, "Failed", message="exit 3"), False, True),
        (agent(1, generation=2), False, False),
        (agent(0, "Failed", generation=2), False, False),
        (agent(2, spec={"replicas": 3}), False, False),
        (agent(3, spec={"replicas": 3}), True, False),
        (agent(0, "Pending", spec={"paused": True}), False, False),
        (agent(0, "Pending", spec={"paused": True}, replicas=0), True, False),
        (agent(0, "Pending", spec={"replicas": 0}, replicas=0), True, False),
        (agent(1, conditions=refused("RefNotFound")), False, False),
        (agent(1, conditions=refused("InvalidSpec")), False, True),
    ],
)
def test_progress(found: dict[str, Any], done: bool, failed: bool) -> None:
    assert progress(found)[:2] == (done, failed)


def modified(found: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MODIFIED", "object": found}


def test_apply_waits_until_ready(pai: Pai, control: FakeControl) -> None:
    control.events = [modified(agent(0, "Creating")), modified(agent(1))]
    done = pai("apply", "-f", "-", "--wait", "--timeout", "20", stdin=AGENT_YAML)
    assert (done.code, done.out) == (0, "agentworkload/a created\n")
    assert any("watch" in query for query in control.queries)


def test_apply_says_why_it_failed(pai: Pai, control: FakeControl) -> None:
    control.events = [modified(agent(0, "Failed", message="agent exited with 3: boom"))]
    done = pai("apply", "-f", "-", "--wait", "--timeout", "20", stdin=AGENT_YAML)
    assert done.code == 1
    assert done.err == "error: agent a: Failed: agent exited with 3: boom\nhint:  pai status a\n"


def test_an_agent_that_ends_at_once_is_not_taken_for_ready(pai: Pai, control: FakeControl) -> None:
    control.events = [
        modified(agent(1)),
        modified(agent(0, "Failed", message="agent exited with 3")),
    ]
    control.events_at_once = 1
    done = pai("apply", "-f", "-", "--wait", "--timeout", "20", stdin=AGENT_YAML)
    assert done.code == 1
    assert "agent a: Failed: agent exited with 3" in done.err


def test_apply_says_what_it_waited_for(pai: Pai, control: FakeControl) -> None:
    done = pai("apply", "-f", "-", "--wait", "--timeout", "0.3", stdin=AGENT_YAML)
    assert done.code == 1
    assert "not ready after 0.3 s: a (Creating)" in done.err


def test_delete_waits_until_it_is_gone(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", agent(1))
    path = "/api/v1/namespaces/default/agentworkloads/a"
    control.answers["DELETE", path] = (200, agent(1, "Terminating"))
    control.events = [{"type": "DELETED", "object": agent(0)}]
    done = pai("delete", "agent", "a", "--wait", "--timeout", "20")
    assert (done.code, done.out) == (0, "agentworkload/a deleted\n")


def test_delete_tells_when_it_takes_too_long(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", agent(1))
    path = "/api/v1/namespaces/default/agentworkloads/a"
    control.answers["DELETE", path] = (200, agent(1, "Terminating"))
    done = pai("delete", "agent", "a", "--wait", "--timeout", "0.3")
    assert done.code == 1
    assert "still being deleted" in done.err


def test_restart_does_not_take_the_old_replica_for_the_new(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", agent(1))
    assert pai("restart", "a", "--wait", "--timeout", "0.3").code == 1
    control.events = [modified(agent(0, "Pending")), modified(agent(1))]
    assert pai("restart", "a", "--wait", "--timeout", "20").code == 0


def test_restart_knows_by_the_time_of_the_condition(pai: Pai, control: FakeControl) -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-03-01T12:00:01Z"}
    found = agent(1, conditions=[ready])
    found["metadata"]["annotations"] = {"pai.io/restarted-at": "2026-03-01T12:00:00.500+00:00"}
    control.put("agentworkloads", found)
    assert pai("restart", "a", "--wait", "--timeout", "20").code == 0


def test_a_watch_that_is_too_old_is_begun_anew(pai: Pai, control: FakeControl) -> None:
    control.put("agentworkloads", agent(0, "Creating"))
    control.events = [{"type": "ERROR", "object": {"error": {"code": "gone"}}}]
    done = pai("resume", "a", "--wait", "--timeout", "1")
    assert done.code == 1
    lists = [path for _, path, _ in control.calls if path.endswith("/agentworkloads")]
    assert len(lists) > 2
