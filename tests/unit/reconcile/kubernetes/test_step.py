"""What pods tell becomes phase, message and conditions in people's words."""

from datetime import UTC, datetime

import pytest
from tests.fakes.cluster_objects import container, observed, owned, plain_agent, pod, stored

from pai.ir.agent import Inbound
from pai.reconcile import AgentStatus, Surroundings
from pai.reconcile.kubernetes import Json, Observed, leaving_step, next_step

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
AROUND = Surroundings(url="http://a1b2c3.example")
DEPLOYMENT = owned("Deployment", "writer", spec={"replicas": 1})
WAITING = {"waiting": {"reason": "ContainerCreating"}}


def status(*pods: Json, refusals: tuple[str, ...] = (), **agent: object) -> AgentStatus:
    seen = observed(stored(DEPLOYMENT), pods=pods, refusals=refusals)
    return next_step(plain_agent(**agent), [DEPLOYMENT], seen, NOW, AROUND).status


def test_a_ready_pod_is_a_running_agent() -> None:
    found = status(pod("writer-x"))
    assert (found.phase, found.message, found.ready_replicas) == ("Running", "", 1)
    assert found.replicas == found.current_replicas == 1
    assert found.selector == "pai.io/agent=writer"
    kinds = {item.type: (item.status, item.reason) for item in found.conditions}
    assert kinds["Ready"] == ("True", "Serving")
    assert kinds["EgressConfined"] == ("True", "PacketRules")
    assert {item.observed_generation for item in found.conditions} == {3}


def test_restricted_pods_say_that_they_are_confined_in_part() -> None:
    seen = observed(stored(DEPLOYMENT), pods=(pod("writer-x"),))
    found = next_step(plain_agent(), [DEPLOYMENT], seen, NOW, AROUND, restricted=True).status
    [condition] = [item for item in found.conditions if item.type == "EgressConfined"]
    assert (condition.status, condition.reason) == ("Partial", "NoPacketRules")


def crashed(reason: str, code: int, message: str = "") -> Json:
    last = {"exitCode": code, "reason": reason, "message": message, "finishedAt": "x"}
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    return container("agent", waiting, started=False, restarts=3, last=last)


@pytest.mark.parametrize(
    ("pods", "phase", "reason", "message"),
    [
        ((), "Creating", "Starting", "waits for its pod"),
        (
            (pod("a", ready=False, prepare=container("prepare", WAITING, started=False)),),
            "Pending", "Starting", "starts prepare",
        ),
        (
            (pod("a", ready=False, agent=crashed("Error", 3, "boot\nno config\n")),),
            "Failed", "Exited", "agent exited with code 3: no config",
        ),
        (
            (pod("a", ready=False, agent=crashed("OOMKilled", 137)),),
            "Failed", "OOMKilled", "agent was killed: over its memory limit",
        ),
        (
            (pod("a", ready=False, agent=crashed("Completed", 0)),),
            "Failed", "Exited", "agent exited with code 0",
        ),
        (
            (
                pod(
                    "a",
                    ready=False,
                    agent=container(
                        "agent",
                        {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}},
                        started=False,
                    ),
                ),
            ),
            "Failed", "ImagePullFailed", "image localhost/agent:1 can't be pulled: not found",
        ),
        (
            (
                pod(
                    "a",
                    ready=False,
                    initContainerStatuses=[],
                    containerStatuses=[],
                    conditions=[
                        {"type": "PodScheduled", "status": "False", "message": "0/1 nodes fit"}
                    ],
                ),
            ),
            "Pending", "Unschedulable", "no node takes it: 0/1 nodes fit",
        ),
    ],
)  # fmt: skip
def test_what_is_told(pods: tuple[Json, ...], phase: str, reason: str, message: str) -> None:
    found = status(*pods)
    ready = next(item for item in found.conditions if item.type == "Ready")
    assert (found.message, found.phase, ready.reason) == (message, phase, reason)


def test_a_container_that_came_back_has_to_stay_up_first() -> None:
    last = {"exitCode": 1, "reason": "Error", "message": "bad", "finishedAt": "x"}
    state = {"running": {"startedAt": "2026-03-01T12:04:56Z"}}
    young = pod("a", agent=container("agent", state, restarts=1, last=last))
    seen = observed(stored(DEPLOYMENT), pods=(young,))
    step = next_step(plain_agent(), [DEPLOYMENT], seen, NOW, AROUND)
    assert (step.status.phase, step.requeue_seconds) == ("Failed", 6.0)
    assert step.status.message == "agent exited with code 1: bad"
    old = pod(
        "a", agent=container("agent", {"running": {"startedAt": "2026-03-01T12:04:50Z"}}, last=last)
    )
    assert status(old).phase == "Running"


def test_the_cluster_that_makes_no_pods_is_quoted() -> None:
    found = status(refusals=("pods is forbidden: exceeded quota",))
    assert found.phase == "Failed"
    assert found.message == "the cluster makes no pod: pods is forbidden: exceeded quota"


def test_a_closed_port_is_told_only_where_one_is_declared() -> None:
    closed = pod("a", ready=False)
    assert status(closed, inbound=Inbound(3000)).message.startswith("waits for the agent to accept")
    assert status(closed).message == "waits for the sidecar to be ready"


def test_the_worst_replica_speaks_and_others_serve() -> None:
    found = status(pod("a"), pod("b", ready=False, agent=crashed("Error", 2)), replicas=2)
    assert (found.phase, found.ready_replicas) == ("Running", 1)
    assert found.message == "replica 1: agent exited with code 2"


def test_pods_that_leave_are_not_replicas() -> None:
    going = pod("b")
    going["metadata"]["deletionTimestamp"] = "2026-03-01T12:04:00Z"
    found = status(pod("a"), going)
    assert (found.replicas, found.ready_replicas) == (1, 1)


def test_paused_and_deleted() -> None:
    assert status(paused=True).phase == "Pending"
    step = leaving_step(Observed(pods=(pod("a"),)), NOW, AROUND)
    assert (step.status.phase, step.actions) == ("Terminating", ())


def test_a_taken_name_stops_everything() -> None:
    theirs = stored(DEPLOYMENT)
    del theirs["metadata"]["ownerReferences"]
    step = next_step(plain_agent(), [DEPLOYMENT], observed(theirs), NOW, AROUND)
    assert (step.status.phase, step.actions) == ("Failed", ())
    assert "Deployment writer exists and is not Pai's" in step.status.message
