"""The status of an agent: phase, message and conditions, from what its replicas are up to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import msgspec

from pai.ir.agent import Agent
from pai.reconcile.reasons import REASONS
from pai.render.labels import selector

Phase = Literal["Creating", "Pending", "Running", "Failed", "Terminating"]


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One aspect of an agent's state. status: True, False, Partial or Unknown.

    observed_generation: of the spec that it was judged by; 0 until the status is put together.
    """

    type: str
    status: str
    reason: str
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Status of an AgentWorkload as it stands in the resource.

    replicas, current_replicas: that exist. tokens_today, tokens_reserved: from the ledger, filled
    in by control when the resource is read.
    """

    phase: Phase = "Creating"
    message: str = ""
    url: str = ""
    public_address: str = ""
    observed_generation: int = 0
    replicas: int = 0
    current_replicas: int = 0
    ready_replicas: int = 0
    selector: str = ""
    tokens_today: int = 0
    tokens_reserved: int = 0
    last_scale_time: str | None = None
    conditions: tuple[Condition, ...] = ()


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a status tells that containers don't know.

    budget_spent: which limit was reached, empty = none. ignored_fields: paths in the spec.
    previous: the status last written; its times are kept for conditions that did not change.
    """

    url: str = ""
    public_address: str = ""
    budget_spent: str = ""
    ignored_fields: tuple[str, ...] = ()
    previous: AgentStatus | None = None


class ReplicaState(Protocol):
    """One wanted replica, as every engine tells it.

    ready: it serves. reason, waiting: what it waits for. failing: it is down for a fault.
    """

    @property
    def number(self) -> int:
        """Return which replica this is."""

    @property
    def ready(self) -> bool:
        """Say whether it serves."""

    @property
    def failing(self) -> bool:
        """Say whether it is down for a fault."""

    @property
    def reason(self) -> str:
        """Return the reason of the Ready condition while it does not serve."""

    @property
    def waiting(self) -> str:
        """Return what it waits for, in words."""


class Seen(NamedTuple):
    """What an engine holds of a wanted agent.

    live: replicas that exist. started: some container ran. facts: conditions of the engine's own.
    """

    replicas: Sequence[ReplicaState]
    live: int
    started: bool
    facts: tuple[Condition, ...] = ()


def running_status(agent: Agent, seen: Seen, around: Surroundings, now: datetime) -> AgentStatus:
    """Return the status of an agent that is wanted, paused or not."""
    ready = sum(replica.ready for replica in seen.replicas)
    phase, reason, message = _phase(agent, seen, ready)
    live = seen.live
    conditions = [
        condition("Ready", ready > 0, "Serving" if ready else reason, message),
        condition("Accepted", True, "Resolved"),
        _paused(agent),
        _budget(around),
        *_declared(agent, around),
        *seen.facts,
    ]
    return AgentStatus(
        phase=phase,
        message=message,
        url=around.url,
        public_address=around.public_address,
        observed_generation=agent.generation,
        replicas=live,
        current_replicas=live,
        ready_replicas=ready,
        selector=selector(agent.key),
        conditions=_timed(conditions, around.previous, now, agent.generation),
    )


def rejected_status(
    generation: int,
    reason: str,
    message: str,
    around: Surroundings,
    now: datetime,
) -> AgentStatus:
    """Return the status of an agent whose spec can't be resolved, over that of what still runs.

    reason: `RefNotFound` leaves it Pending, as the missing resource may still come.
    """
    before = around.previous or AgentStatus()
    phase: Phase = "Pending" if reason == "RefNotFound" else "Failed"
    kept = [item for item in before.conditions if item.type not in {"Accepted", "Ready"}]
    conditions = [
        condition("Ready", before.ready_replicas > 0, reason, message),
        condition("Accepted", False, reason, message),
        *kept,
    ]
    return msgspec.structs.replace(
        before,
        phase="Running" if before.ready_replicas else phase,
        message=message,
        url=around.url,
        observed_generation=generation,
        conditions=_timed(conditions, around.previous, now, generation),
    )


def terminating_status(around: Surroundings, live: int, now: datetime) -> AgentStatus:
    """Return the status of an agent that is being deleted. live: replicas that still exist."""
    before = around.previous or AgentStatus()
    text = f"{live} replicas are being removed" if live else "volumes are being removed"
    conditions = [
        condition("Ready", False, "Deleting", text),
        *(item for item in before.conditions if item.type != "Ready"),
    ]
    return msgspec.structs.replace(
        before,
        phase="Terminating",
        message=text,
        replicas=live,
        current_replicas=live,
        ready_replicas=0,
        conditions=_timed(conditions, around.previous, now, before.observed_generation),
    )


def _phase(agent: Agent, seen: Seen, ready: int) -> tuple[Phase, str, str]:
    """Return phase, reason and message; the worst replica speaks."""
    if agent.desired_replicas == 0:
        reason = "PausedByUser" if agent.paused else "ScaledToZero"
        return "Pending", reason, REASONS[reason]
    failing = next((replica for replica in seen.replicas if replica.failing), None)
    waiting = next((replica for replica in seen.replicas if not replica.ready), None)
    speaker = failing or waiting
    reason = speaker.reason or "Starting" if speaker else "Serving"
    message = _message(speaker, len(seen.replicas))
    if ready:
        return "Running", reason, message if failing else ""
    if failing:
        return "Failed", reason, message
    if not seen.started and reason == "Starting":
        return "Creating", reason, message
    return "Pending", reason, message


def _message(speaker: ReplicaState | None, replicas: int) -> str:
    if speaker is None:
        return ""
    return speaker.waiting if replicas == 1 else f"replica {speaker.number}: {speaker.waiting}"


def condition(kind: str, holds: bool, reason: str, message: str = "") -> Condition:
    """Return a condition that is True or False; it is dated when the status is put together."""
    return Condition(type=kind, status=str(holds), reason=reason, message=message)


def _paused(agent: Agent) -> Condition:
    if agent.desired_replicas:
        return condition("Paused", False, "Active")
    reason = "PausedByUser" if agent.paused else "ScaledToZero"
    return condition("Paused", True, reason, REASONS[reason])


def _budget(around: Surroundings) -> Condition:
    if not around.budget_spent:
        return condition("BudgetExhausted", False, "WithinBudget")
    return condition("BudgetExhausted", True, "BudgetSpent", around.budget_spent)


def _declared(agent: Agent, around: Surroundings) -> list[Condition]:
    """Return the conditions which exist only for fields that are used."""
    found = []
    if agent.expose:
        found.append(_exposed(agent))
    if agent.filesystem is not None:
        found.append(condition("FilesystemConfined", False, "NotBuilt", REASONS["NotBuilt"]))
    if agent.autoscaling is not None:
        found.append(condition("ScalingActive", False, "NotBuilt", REASONS["NotBuilt"]))
    if around.ignored_fields:
        fields = ", ".join(around.ignored_fields)
        found.append(condition("FieldsIgnored", True, "NotBuilt", f"without effect: {fields}"))
    return found


def _exposed(agent: Agent) -> Condition:
    roots = [volume.mount_path.rstrip("/") for volume in agent.volumes]
    outside = [
        entry.directory
        for entry in agent.expose
        if not any(f"{entry.directory}/".startswith(f"{root}/") for root in roots)
    ]
    if not outside:
        return condition("Exposed", True, "Served")
    text = f"not on a volume of the agent: {', '.join(sorted(outside))}"
    return condition("Exposed", False, "OutsideVolumes", text)


def _timed(
    conditions: Sequence[Condition], previous: AgentStatus | None, now: datetime, generation: int
) -> tuple[Condition, ...]:
    """Date each condition: a status that did not change keeps its time.

    generation: of the spec they were judged by; those taken over from before keep their own.
    """
    before = {item.type: item for item in previous.conditions} if previous else {}
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def dated(item: Condition) -> Condition:
        old = before.get(item.type)
        same = old is not None and old.status == item.status and old.last_transition_time
        time = old.last_transition_time if old and same else stamp
        seen = item.observed_generation or generation
        return msgspec.structs.replace(item, last_transition_time=time, observed_generation=seen)

    return tuple(dated(item) for item in conditions)
