from collections.abc import Iterator
from typing import Any

import pytest
from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

from pai.cli.client import ApiError, Json, PlatformClient
from pai.cli.waiting import changes, progress, wait_until_gone
from pai.errors import TransientError

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


class ScriptedClient(PlatformClient):
    """Answers as told: lists and watches, one after the other; an error is raised."""

    def __init__(self, lists: list[Any], watches: list[list[Any]]) -> None:
        self.lists, self.watches = lists, watches
        self.silences: list[float | None] = []

    def list_all(self, plural: str) -> Json:
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"items": answer, "resourceVersion": "1"}

    def watch(
        self, plural: str, version: str, seconds: float | None = None
    ) -> Iterator[Json | None]:
        self.silences.append(seconds)
        for item in self.watches.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item


AWAY = TransientError("the platform at x does not answer", hint="pai up")
BUSY = ApiError(503, "unavailable", "the store is closed", None)


def test_a_missed_event_is_made_good_by_the_list() -> None:
    client = ScriptedClient([[agent(1)], []], [[None, None, AssertionError("still listening")]])
    wait_until_gone(client, "a", 20)
    assert client.silences[0] is not None
    assert client.silences[0] <= 20


def test_a_greeting_is_no_silence() -> None:
    gone = {"type": "DELETED", "object": agent(0)}
    client = ScriptedClient([[agent(1)]], [[None, gone]])
    wait_until_gone(client, "a", 20)


def test_a_wait_outlives_a_platform_that_starts_again() -> None:
    lists = [AWAY, [agent(1)], AWAY, BUSY, [agent(1)], []]
    client = ScriptedClient(lists, [[None, AWAY], [BUSY]])
    wait_until_gone(client, "a", 20)
    assert client.lists == []


def test_a_platform_that_stays_away_is_told_at_the_deadline() -> None:
    client = ScriptedClient([AWAY] * 100, [])
    with pytest.raises(TransientError, match="does not answer"):
        wait_until_gone(client, "a", 0.3)


def test_who_only_watches_learns_at_once_that_nobody_answers() -> None:
    client = ScriptedClient([AWAY], [])
    with pytest.raises(TransientError):
        next(changes(client, "agentworkloads", float("inf")))
