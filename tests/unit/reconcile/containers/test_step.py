"""What is done next, and told, in each situation of a replica."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
from tests.fakes.agents import FACTS

from pai.ir.agent import Agent, AgentKey, Autoscaling, Expose, Filesystem, Volume
from pai.reconcile import (
    AgentStatus,
    History,
    ImageState,
    Observed,
    ObservedContainer,
    PullImage,
    Readiness,
    Record,
    RunContainer,
    StartContainer,
    Step,
    Surroundings,
    backoff,
    next_step,
    refused,
    rejected_status,
)
from pai.render.containers import ONE_SHOT, Container, Manifest, render
from pai.render.containers import Step as StepName

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
PRESENT = {"agent:1": ImageState(present=True), "ours:1": ImageState(present=True)}


def agent(**changes: Any) -> Agent:
    made = Agent(
        key=AgentKey("default", "demo"), uid="u", host_id="h", generation=4, image="agent:1"
    )
    return msgspec.structs.replace(made, **changes)


def held(item: Container, **changes: Any) -> ObservedContainer:
    """Return a container as it is when all went well."""
    made = ObservedContainer(
        name=item.name,
        id=f"id-{item.step}",
        step=item.step,
        replica=item.replica,
        digest=item.digest,
        pod="" if item.joins is None else "id-pause@born",
        born="born",
        running=item.step not in ONE_SHOT,
        started=True,
        started_at=EARLIER,
        finished_at=EARLIER,
    )
    return msgspec.structs.replace(made, **changes)


def observed(
    desired: tuple[Manifest, ...],
    *,
    upto: StepName | Literal[""] = "agent",
    images: dict[str, ImageState] | None = None,
    ready: Readiness | None = None,
    **changes: dict[str, Any],
) -> Observed:
    """Return a replica that came as far as `upto`; changes: by step, from when all is well."""
    containers = [item for item in desired if isinstance(item, Container)]
    steps = [item.step for item in containers]
    kept = containers[: steps.index(upto) + 1] if upto else []
    return Observed(
        containers=tuple(held(item, **changes.get(item.step, {})) for item in kept),
        images=PRESENT if images is None else images,
        readiness={0: ready or Readiness(sidecar=True)},
    )


def look(subject: Agent, seen: Observed, history: History | None = None, **around: Any) -> Step:
    desired = render(subject, FACTS)
    return next_step(subject, desired, seen, history or History(), NOW, Surroundings(**around))


def condition(status: AgentStatus, kind: str) -> tuple[str, str]:
    found = {item.type: item for item in status.conditions}[kind]
    return found.status, found.reason


def test_an_empty_engine_gets_volumes_and_a_pause_container() -> None:
    step = look(agent(), observed(render(agent(), FACTS), upto=""))
    assert [type(action).__name__ for action in step.actions] == ["CreateVolume", "RunContainer"]
    assert (step.status.phase, step.requeue_seconds) == ("Creating", 0.0)


@pytest.mark.parametrize(
    ("upto", "following"),
    [("pause", "prepare"), ("prepare", "sidecar"), ("sidecar", "agent")],
)
def test_each_step_waits_for_the_one_before(upto: StepName, following: str) -> None:
    desired = render(agent(), FACTS)
    runs = [a for a in look(agent(), observed(desired, upto=upto)).actions if _is_run(a)]
    assert [a.container.step for a in runs if isinstance(a, RunContainer)] == [following]


def _is_run(action: object) -> bool:
    return isinstance(action, RunContainer)


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        ({"upto": "prepare", "prepare": {"running": True}}, "Starting", "waits for prepare"),
        ({"upto": "sidecar", "ready": Readiness()}, "SidecarNotReady", "sidecar to be ready"),
        (
            {"ready": Readiness(sidecar=True, inbound=False)},
            "PortClosed",
            "waits for the agent to accept connections",
        ),
    ],
)
def test_it_is_pending_while_it_waits(changes: dict[str, Any], reason: str, message: str) -> None:
    desired = render(agent(), FACTS)
    step = look(agent(), observed(desired, **changes))
    assert (step.status.phase, condition(step.status, "Ready")) == ("Pending", ("False", reason))
    assert message in step.status.message
    assert not [action for action in step.actions if _is_run(action)]
    assert step.requeue_seconds is not None


def test_a_replica_that_serves_makes_it_running() -> None:
    desired = render(agent(), FACTS)
    step = look(agent(), observed(desired), url="http://h", public_address="1.2.3.4:5")
    status = step.status
    assert (status.phase, status.message, status.ready_replicas) == ("Running", "", 1)
    assert (status.url, status.public_address) == ("http://h", "1.2.3.4:5")
    assert (status.observed_generation, status.replicas) == (4, 1)
    assert status.selector == "pai.io/namespace=default,pai.io/agent=demo"
    assert condition(status, "Ready") == ("True", "Serving")
    assert condition(status, "Accepted") == ("True", "Resolved")
    assert condition(status, "Paused") == ("False", "Active")
    assert condition(status, "BudgetExhausted") == ("False", "WithinBudget")


@pytest.mark.parametrize(
    ("state", "reason", "message"),
    [
        (
            {"progress": "3 of 9 MB", "present": False},
            "PullingImage",
            "pulls image agent:1: 3 of 9 MB",
        ),
        ({"present": False}, "PullingImage", "pulls image agent:1"),
    ],
)
def test_an_image_on_its_way(state: dict[str, Any], reason: str, message: str) -> None:
    images = {**PRESENT, "agent:1": ImageState(**state)}
    step = look(agent(), observed(render(agent(), FACTS), upto="sidecar", images=images))
    assert (step.status.phase, step.status.message) == ("Pending", message)
    assert condition(step.status, "Ready")[1] == reason
    pulls = [action for action in step.actions if isinstance(action, PullImage)]
    assert len(pulls) == (0 if "progress" in state else 1)


@pytest.mark.parametrize(("seconds", "pulls"), [(1, 0), (5, 1)])
def test_a_failed_pull_is_tried_again_with_backoff(seconds: int, pulls: int) -> None:
    failed = NOW - timedelta(seconds=seconds)
    state = ImageState(present=False, error="no such manifest", failed_at=failed, failures=2)
    seen = observed(render(agent(), FACTS), upto="sidecar", images={**PRESENT, "agent:1": state})
    step = look(agent(), seen)
    assert step.status.phase == "Failed"
    assert step.status.message == "image agent:1 can't be pulled: no such manifest"
    assert len([action for action in step.actions if isinstance(action, PullImage)]) == pulls


def exited(**changes: Any) -> dict[str, Any]:
    ended = {"running": False, "exit_code": 1, "finished_at": NOW, "last_log": "boom"}
    return {"agent": {"started_at": NOW, **ended, **changes}}


def test_an_exit_is_told_once_and_waited_out() -> None:
    desired = render(agent(), FACTS)
    seen = observed(desired, **exited())
    first = look(agent(), seen)
    assert first.actions[1:] == ()
    assert (first.status.phase, first.status.message) == (
        "Failed",
        "agent exited with code 1: boom",
    )
    assert [event.reason for event in first.events] == ["Exited"]
    assert first.requeue_seconds == 0.0 or first.requeue_seconds == 1.0
    second = look(agent(), seen, first.history)
    assert (second.events, second.history) == ((), first.history)


def test_after_its_backoff_it_is_started_again() -> None:
    desired = render(agent(), FACTS)
    ended = NOW - timedelta(seconds=1)
    step = look(agent(), observed(desired, **exited(finished_at=ended)))
    assert StartContainer("pai-i1-demo-0-agent", "id-agent") in step.actions


def test_exit_zero_is_an_exit_too() -> None:
    seen = observed(render(agent(), FACTS), **exited(exit_code=0, last_log=""))
    assert look(agent(), seen).status.message == "agent exited with code 0"


def test_memory_is_named_with_its_limit() -> None:
    seen = observed(render(agent(), FACTS), **exited(oom_killed=True, memory_bytes=64 << 20))
    step = look(agent(), seen)
    assert step.status.message == "agent was killed: over its memory limit of 64Mi"
    assert condition(step.status, "Ready") == ("False", "OOMKilled")
    seen = observed(render(agent(), FACTS), **exited(exit_code=137, memory_bytes=1000))
    assert "perhaps over its memory limit of 1000: boom" in look(agent(), seen).status.message


def test_failures_are_forgiven_after_ten_minutes_of_running() -> None:
    desired = render(agent(), FACTS)
    (item,) = (one for one in desired if isinstance(one, Container) and one.step == "agent")
    history = History({item.name: Record(digest=item.digest, failures=7)})
    long = observed(desired, **exited(started_at=NOW - timedelta(minutes=10)))
    assert look(agent(), long, history).history.records[item.name].failures == 1
    short = observed(desired, **exited(started_at=NOW - timedelta(minutes=9)))
    assert look(agent(), short, history).history.records[item.name].failures == 8


def test_a_restarted_agent_has_to_stay_up_to_count() -> None:
    desired = render(agent(), FACTS)
    (item,) = (one for one in desired if isinstance(one, Container) and one.step == "agent")
    history = History({item.name: Record(digest=item.digest, failures=3)})
    fresh = observed(desired, agent={"started_at": NOW - timedelta(seconds=1)})
    assert look(agent(), fresh, history).status.phase == "Failed"
    steady = observed(desired, agent={"started_at": NOW - timedelta(seconds=4)})
    assert look(agent(), steady, history).status.phase == "Running"


def test_a_refusal_waits_and_is_told() -> None:
    desired = render(agent(), FACTS)
    seen = observed(desired, upto="sidecar")
    (run,) = (one for one in look(agent(), seen).actions if isinstance(one, RunContainer))
    history = refused(History(), run, "exec: not found", NOW)
    step = look(agent(), seen, history)
    assert (step.status.phase, step.status.message) == (
        "Failed",
        "agent can't be started: exec: not found",
    )
    assert not [action for action in step.actions if _is_run(action)]
    assert refused(history, run, "again", NOW).records[run.container.name].failures == 2
    later = next_step(agent(), desired, seen, history, NOW + timedelta(seconds=2))
    assert [action for action in later.actions if _is_run(action)]


def test_other_refusals_are_not_remembered() -> None:
    assert refused(History(), PullImage("x"), "no", NOW) == History()
    start = StartContainer("pai-i1-demo-0-agent", "id")
    assert refused(History(), start, "no", NOW).records[start.name].error == "no"


def test_backoff_doubles_to_five_minutes() -> None:
    assert [backoff(n).total_seconds() for n in (0, 1, 2, 3, 9, 10, 999)] == [
        *(1, 1, 2, 4, 256, 300, 300)
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"paused": True}, "PausedByUser"), ({"replicas": 0}, "ScaledToZero")],
)
def test_no_replica_wanted(changes: dict[str, Any], reason: str) -> None:
    seen = observed(render(agent(), FACTS))
    step = look(agent(**changes), seen)
    assert step.status.phase == "Pending"
    assert condition(step.status, "Paused") == ("True", reason)
    assert {type(action).__name__ for action in step.actions} == {"RemoveContainer"}
    names = [getattr(action, "name", "") for action in step.actions]
    assert [name.rsplit("-", 1)[1] for name in names] == ["agent", "sidecar", "prepare", "pause"]


def test_declared_fields_have_their_conditions() -> None:
    subject = agent(
        volumes=(Volume("data", "/data", 1),),
        expose=(Expose("/a", "/data/site"), Expose("/b", "/database")),
        filesystem=Filesystem(),
        autoscaling=Autoscaling(max_replicas=2),
    )
    step = look(subject, observed(render(subject, FACTS)), ignored_fields=("spec.cdpRelay",))
    assert condition(step.status, "Exposed") == ("False", "OutsideVolumes")
    assert condition(step.status, "FilesystemConfined") == ("False", "NotBuilt")
    assert condition(step.status, "ScalingActive") == ("False", "NotBuilt")
    assert condition(step.status, "FieldsIgnored") == ("True", "NotBuilt")
    inside = agent(volumes=subject.volumes, expose=subject.expose[:1])
    assert condition(look(inside, observed(render(inside, FACTS))).status, "Exposed") == (
        "True",
        "Served",
    )


def test_a_spent_budget_is_a_condition() -> None:
    step = look(agent(), observed(render(agent(), FACTS)), budget_spent="1000 of 1000 tokens")
    assert condition(step.status, "BudgetExhausted") == ("True", "BudgetSpent")


def test_times_of_conditions_are_kept_until_they_change() -> None:
    seen = observed(render(agent(), FACTS))
    first = look(agent(), seen).status
    later = NOW + timedelta(hours=1)
    around = Surroundings(previous=first, budget_spent="all")
    second = next_step(agent(), render(agent(), FACTS), seen, History(), later, around).status
    times = {item.type: item.last_transition_time for item in second.conditions}
    assert times["Ready"] == "2026-01-02T03:04:05Z"
    assert times["BudgetExhausted"] == "2026-01-02T04:04:05Z"


@pytest.mark.parametrize(
    ("reason", "phase"), [("RefNotFound", "Pending"), ("InvalidSpec", "Failed")]
)
def test_a_spec_that_does_not_resolve(reason: str, phase: str) -> None:
    status = rejected_status(5, reason, "no such model", Surroundings(), NOW)
    assert (status.phase, status.message, status.observed_generation) == (
        phase,
        "no such model",
        5,
    )
    assert condition(status, "Accepted") == ("False", reason)


def test_a_spec_that_no_longer_resolves_leaves_what_runs() -> None:
    before = look(agent(), observed(render(agent(), FACTS))).status
    around = Surroundings(previous=before)
    status = rejected_status(5, "RefNotFound", "no such model", around, NOW)
    assert (status.phase, status.ready_replicas) == ("Running", 1)
    assert condition(status, "Ready") == ("True", "RefNotFound")


def test_deletion_is_told_and_ends() -> None:
    seen = observed(render(agent(), FACTS))
    step = next_step(None, (), seen, History(), NOW, Surroundings())
    assert (step.status.phase, step.done) == ("Terminating", False)
    assert next_step(None, (), Observed(), History(), NOW).done


def test_of_several_replicas_the_failing_one_is_named() -> None:
    subject = agent(replicas=2)
    desired = render(subject, FACTS)
    containers = [item for item in desired if isinstance(item, Container)]
    seen = Observed(
        containers=tuple(
            held(item, **(exited()["agent"] if item.name.endswith("1-agent") else {}))
            for item in containers
        ),
        images=PRESENT,
        readiness={0: Readiness(sidecar=True), 1: Readiness(sidecar=True)},
    )
    status = look(subject, seen).status
    assert (status.phase, status.ready_replicas) == ("Running", 1)
    assert status.message == "replica 1: agent exited with code 1: boom"
